package bedrockruntime

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"tunebench/backend/artifact"
	"tunebench/backend/localaws/bedrock"
	"tunebench/backend/localaws/tinymistral"
	"tunebench/backend/localaws/wire"
)

// resident is a model that is in memory, or on its way there. Its fields are
// guarded by the service's mu.
type resident struct {
	loaded  *loaded       // nil while it is being loaded
	loading chan struct{} // closed when the load has ended
	err     error         // why it could not be loaded
	users   int
	last    time.Time // of the last call
	foreign bool      // imported: it sleeps when nobody calls
}

// loaded is a model in memory, ready to answer.
type loaded struct {
	model     *tinymistral.Model
	tokenizer *artifact.Tokenizer
	config    settings

	mu   sync.Mutex
	idle []*tinymistral.Generator
}

// settings are what the artifact's files say about prompts and sampling.
type settings struct {
	format      *artifact.PromptFormat // nil when it has no chat template we can render
	noFormat    string                 // why
	addBOS      bool
	temperature *float64
	topP        *float64
	topK        *int
	stopIDs     []int32
}

// generator hands out a generator of the model; put it back.
func (l *loaded) generator() *tinymistral.Generator {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(l.idle); n > 0 {
		g := l.idle[n-1]
		l.idle = l.idle[:n-1]
		return g
	}
	return tinymistral.NewGenerator(l.model, l.tokenizer)
}

func (l *loaded) put(g *tinymistral.Generator) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.idle = append(l.idle, g)
}

var errNotReady = wire.Errorf(429, "ModelNotReadyException", "Model is not ready for inference. Wait and try your request again.")

// acquire returns the model in memory and a function to be called when the
// answer is done. The foundation model is loaded while the caller waits; an
// imported model that sleeps begins to wake, and the caller is told so.
func (s *Service) acquire(m bedrock.Model) (*loaded, func(), error) {
	s.mu.Lock()
	r := s.residents[m.ID]
	now := s.o.Now()
	if r != nil && r.asleep(now) {
		r = nil
	}
	if r == nil {
		r = &resident{loading: make(chan struct{}), foreign: m.Imported, last: now}
		s.residents[m.ID] = r
		s.running.Go(func() { s.load(m, r) })
	}
	r.last = now
	if !m.Imported {
		s.mu.Unlock()
		<-r.loading // reads two megabytes that are part of the program
		s.mu.Lock()
	}
	defer s.mu.Unlock()
	switch {
	case r.err != nil:
		delete(s.residents, m.ID) // the next call tries again
		return nil, nil, &wire.Error{Status: 424, Code: "ModelErrorException", Message: "The model could not be loaded: " + r.err.Error(),
			Fields: map[string]any{"originalStatusCode": 500, "resourceName": m.ID}}
	case r.loaded == nil:
		return nil, nil, errNotReady
	}
	r.users++
	return r.loaded, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		r.users--
		r.last = s.o.Now()
	}, nil
}

// asleep says whether nobody has called an imported model for long enough.
func (r *resident) asleep(now time.Time) bool {
	return r.foreign && r.users == 0 && r.loaded != nil && now.Sub(r.last) >= SleepAfter
}

// load brings a model into memory.
func (s *Service) load(m bedrock.Model, r *resident) {
	l, err := loadModel(m)
	s.mu.Lock()
	defer s.mu.Unlock()
	r.loaded, r.err = l, err
	if err == nil {
		r.last = s.o.Now()
	}
	close(r.loading)
}

func loadModel(m bedrock.Model) (*loaded, error) {
	model, err := tinymistral.Load(m.Files)
	if err != nil {
		return nil, err
	}
	tok, err := artifact.LoadTokenizer(m.Files)
	if err != nil {
		return nil, err
	}
	conf, err := readSettings(m)
	return &loaded{model: model, tokenizer: tok, config: conf}, err
}

// readSettings reads the small files of an artifact.
func readSettings(m bedrock.Model) (settings, error) {
	var c settings
	switch name, ok := artifact.DetectFormat(m.Template); {
	case m.Template == "":
		c.noFormat = "no chat template came with the model"
	case !ok:
		c.noFormat = "the local account can not render the model's chat template, only those of its prompt formats"
	default:
		f, err := artifact.FormatByName(name)
		if err != nil {
			return c, err
		}
		c.format = &f
	}
	var tc struct {
		AddBOS bool `json:"add_bos_token"`
	}
	var gc struct {
		Temperature *float64        `json:"temperature"`
		TopP        *float64        `json:"top_p"`
		TopK        *int            `json:"top_k"`
		EOS         json.RawMessage `json:"eos_token_id"`
	}
	for name, v := range map[string]any{artifact.TokenizerConfigFile: &tc, artifact.GenerationConfigFile: &gc} {
		data, err := fs.ReadFile(m.Files, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = json.Unmarshal(data, v)
		}
		if err != nil {
			return c, fmt.Errorf("%s: %w", name, err)
		}
	}
	c.addBOS, c.temperature, c.topP, c.topK = tc.AddBOS, gc.Temperature, gc.TopP, gc.TopK
	var id int32
	if json.Unmarshal(gc.EOS, &c.stopIDs) != nil && json.Unmarshal(gc.EOS, &id) == nil {
		c.stopIDs = []int32{id}
	}
	return c, nil
}

// janitor lets go of models that sleep or were deleted, so that their memory
// is free without another call.
func (s *Service) janitor() {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			s.sweep()
		case <-s.stop:
			return
		}
	}
}

func (s *Service) sweep() {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.o.Now()
	for id, r := range s.residents {
		if r.asleep(now) {
			delete(s.residents, id)
		}
	}
}

// readTokenizer reads what encoding a prompt needs, without the weights.
func readTokenizer(m bedrock.Model) (*artifact.Tokenizer, settings, error) {
	tok, err := artifact.LoadTokenizer(m.Files)
	if err != nil {
		return nil, settings{}, err
	}
	c, err := readSettings(m)
	return tok, c, err
}
