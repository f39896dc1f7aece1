package chat

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tunebench/backend/chat/chattest"
	"tunebench/backend/store"
)

var imported = Model{Ref: "tuned", ID: chattest.ARN("aaaaaaaaaaaa"), Name: "tuned", Kind: Imported, PromptFormat: "mistral-v3", Converse: true}
var foundation = Model{Ref: "base", ID: "tunebench.base-v1:0", Kind: Foundation, Converse: true}

// clock is a clock that moves only when somebody sleeps.
type clock struct {
	mu    sync.Mutex
	now   time.Time
	slept []time.Duration
	ready chan struct{} // when set, Sleep waits for it
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Sleep(ctx context.Context, d time.Duration) error {
	if c.ready != nil {
		select {
		case <-c.ready:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.slept = append(c.slept, d)
	c.now = c.now.Add(d)
	return nil
}

func newService(t testing.TB, srv *chattest.Server, change func(*Config)) (*Service, *clock) {
	t.Helper()
	st, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "tunebench.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	clk := &clock{now: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)}
	runtime, control := chattest.Clients(srv)
	cfg := Config{Runtime: runtime, Bedrock: control, Store: st, BaseModelID: foundation.ID, AccountName: "local", Now: clk.Now, Sleep: clk.Sleep}
	if change != nil {
		change(&cfg)
	}
	return New(cfg), clk
}

func ask(m Model, text string) Request {
	return Request{Model: m, Messages: []Message{{"system", "Be brief."}, {"user", text}}, Settings: DefaultSettings()}
}

// wait gives an answer ten seconds to end.
func wait(t *testing.T, a *Answer) AnswerState {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	st := a.Wait(ctx)
	if !st.Done() {
		t.Fatalf("the answer has not ended: %+v", st)
	}
	return st
}

func TestConverseStream(t *testing.T) {
	srv := &chattest.Server{Answer: func(w http.ResponseWriter, r *http.Request, c chattest.Call) {
		if c.Operation != "converse-stream" || c.Model != foundation.ID || c.Prompt != "capital?" {
			t.Errorf("call %+v", c)
		}
		s := chattest.NewStream(w)
		s.Event("messageStart", map[string]string{"role": "assistant"})
		s.Delta("Lis\x1b[31mb")
		s.Delta("on")
		s.Stop("end_turn", 7, 2)
	}}
	s, _ := newService(t, srv, nil)
	st := wait(t, s.Send(t.Context(), ask(foundation, "capital?")))
	if st.Phase != Finished || st.Text != "Lisbon" || st.StopReason != "end_turn" || st.Stats.InputTokens != 7 || st.Stats.OutputTokens != 2 {
		t.Errorf("got %+v", st)
	}
	if !strings.Contains(st.Sent, "system: Be brief.\n\nuser: capital?") {
		t.Errorf("sent %q", st.Sent)
	}
}

func TestReplyShapes(t *testing.T) {
	for _, c := range []struct {
		shape  Shape
		whole  string
		chunks []string
		in     int
	}{
		{ShapeMessage, `{"object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":" Lisbon"},"finish_reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":2}}`,
			[]string{`{"choices":[{"delta":{"role":"assistant"}}]}`, `{"choices":[{"delta":{"content":" Lis"},"finish_reason":null}]}`, `{"choices":[{"delta":{"content":"bon"},"finish_reason":"stop"}]}`, `{"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":2}}`}, 5},
		{ShapeText, `{"choices":[{"text":" Lisbon","finish_reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":2}}`,
			[]string{`{"choices":[{"text":" Lis"}]}`, `{"choices":[{"text":"bon","finish_reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":2}}`}, 5},
		{ShapeGeneration, `{"generation":" Lisbon","prompt_token_count":5,"generation_token_count":2,"stop_reason":"stop"}`,
			[]string{`{"generation":" Lis","prompt_token_count":5,"generation_token_count":1,"stop_reason":null}`, `{"generation":"bon","prompt_token_count":null,"generation_token_count":2,"stop_reason":"stop","amazon-bedrock-invocationMetrics":{"inputTokenCount":5,"outputTokenCount":2}}`}, 5},
		{ShapeOutputs, `{"outputs":[{"text":" Lisbon","stop_reason":"stop"}]}`,
			[]string{`{"outputs":[{"text":" Lis","stop_reason":null}]}`, `{"outputs":[{"text":"bon","stop_reason":"stop"}]}`}, 5},
	} {
		t.Run(string(c.shape), func(t *testing.T) {
			srv := &chattest.Server{Answer: func(w http.ResponseWriter, r *http.Request, call chattest.Call) {
				if call.Operation == "invoke" {
					w.Header().Set("X-Amzn-Bedrock-Input-Token-Count", "5")
					w.Header().Set("X-Amzn-Bedrock-Output-Token-Count", "2")
					_, _ = w.Write([]byte(c.whole))
					return
				}
				s := chattest.NewStream(w)
				for _, doc := range c.chunks {
					s.Chunk(doc)
				}
			}}
			s, _ := newService(t, srv, nil)
			st := wait(t, s.Send(t.Context(), ask(imported, "capital?")))
			if st.Phase != Finished || st.Text != " Lisbon" || st.StopReason != "stop" || st.Stats.OutputTokens != 2 {
				t.Errorf("stream: %+v", st)
			}
			st, err := s.Complete(t.Context(), ask(imported, "capital?"))
			if err != nil || st.Text != " Lisbon" || st.StopReason != "stop" || st.Stats.InputTokens != c.in || st.Stats.OutputTokens != 2 {
				t.Errorf("whole: %+v, %v", st, err)
			}
			if s.Shape(imported) != c.shape {
				t.Errorf("shape %q", s.Shape(imported))
			}
			known, err := s.cfg.Store.Models(t.Context(), "local")
			if err != nil || known[imported.ID].ReplyShape != string(c.shape) {
				t.Errorf("recorded %+v, %v", known, err)
			}
			var body struct {
				Prompt    string
				MaxTokens int `json:"max_tokens"`
			}
			if err := json.Unmarshal(srv.Calls()[0].Body, &body); err != nil || body.Prompt != "<s>[INST] Be brief.\n\ncapital?[/INST]" || body.MaxTokens != 256 {
				t.Errorf("body %s, %v", srv.Calls()[0].Body, err)
			}
		})
	}
}

func TestFaults(t *testing.T) {
	hold := make(chan struct{})
	t.Cleanup(func() { close(hold) })
	start := func(w http.ResponseWriter) *chattest.Stream {
		s := chattest.NewStream(w)
		s.Chunk(`{"choices":[{"text":" Lis"}]}`)
		return s
	}
	for _, c := range []struct {
		name   string
		answer func(w http.ResponseWriter, r *http.Request, c chattest.Call)
		change func(*Config)
		phase  Phase
		text   string
		says   string
		calls  int
	}{
		{"cut off", func(w http.ResponseWriter, r *http.Request, c chattest.Call) { start(w); panic(http.ErrAbortHandler) }, nil, Broken, " Lis", "before the model said", 1},
		{"clean end without a stop reason", func(w http.ResponseWriter, r *http.Request, c chattest.Call) { start(w) }, nil, Broken, " Lis", "before the model said", 1},
		{"exception after text", func(w http.ResponseWriter, r *http.Request, c chattest.Call) {
			start(w).Exception("modelStreamErrorException", "out of memory")
		}, nil, Failed, " Lis", "out of memory", 1},
		{"throttled in the stream before text", func(w http.ResponseWriter, r *http.Request, c chattest.Call) {
			if c.Number < 3 {
				chattest.NewStream(w).Exception("throttlingException", "slow down")
				return
			}
			start(w).Chunk(`{"choices":[{"text":"bon","finish_reason":"stop"}]}`)
		}, nil, Finished, " Lisbon", "", 3},
		{"throttled for good", func(w http.ResponseWriter, r *http.Request, c chattest.Call) {
			chattest.Fail(w, 429, "ThrottlingException", "slow down")
		}, nil, Failed, "", "too many requests", 1 + MaxRetries},
		{"refused", func(w http.ResponseWriter, r *http.Request, c chattest.Call) {
			chattest.Fail(w, 400, "ValidationException", "too long\x1b[2J")
		}, nil, Failed, "", "too long", 1},
		{"silent", func(w http.ResponseWriter, r *http.Request, c chattest.Call) {
			start(w)
			select {
			case <-hold:
			case <-r.Context().Done():
			}
		}, func(c *Config) { c.Idle = 50 * time.Millisecond }, Broken, " Lis", "nothing came for", 1},
		{"garbage in the middle", func(w http.ResponseWriter, r *http.Request, c chattest.Call) {
			s := start(w)
			s.Chunk("\xff{")
			s.Chunk(`{"choices":[{"text":"bon","finish_reason":"stop"}]}`)
		}, nil, Broken, " Lisbon", "could not be read", 1},
		{"unknown shape", func(w http.ResponseWriter, r *http.Request, c chattest.Call) {
			chattest.NewStream(w).Chunk(`{"completion":"Lisbon"}`)
		}, nil, Broken, "", "its members are completion", 1},
		{"too long", func(w http.ResponseWriter, r *http.Request, c chattest.Call) {
			s := chattest.NewStream(w)
			for r.Context().Err() == nil {
				s.Chunk(`{"choices":[{"text":"` + strings.Repeat("x", 1000) + `"}]}`)
			}
		}, func(c *Config) { c.MaxText = 5000 }, Broken, strings.Repeat("x", 6000), "longer than 5000", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			srv := &chattest.Server{Answer: c.answer}
			s, _ := newService(t, srv, c.change)
			st := wait(t, s.Send(t.Context(), ask(imported, "capital?")))
			if st.Phase != c.phase || st.Text != c.text || !strings.Contains(st.Err, c.says) || strings.Contains(st.Err, "\x1b") {
				t.Errorf("got %s %q %q", st.Phase, st.Text, st.Err)
			}
			if n := len(srv.Calls()); n != c.calls {
				t.Errorf("%d calls, want %d", n, c.calls)
			}
		})
	}
}

func TestWaking(t *testing.T) {
	const cold = 8
	srv := &chattest.Server{Answer: func(w http.ResponseWriter, r *http.Request, c chattest.Call) {
		if c.Number <= cold {
			chattest.Fail(w, 429, "ModelNotReadyException", "Model is not ready for inference. Wait and try your request again.")
			return
		}
		if c.Operation == "converse" {
			chattest.Say(w, c, "Lisbon")
			return
		}
		s := chattest.NewStream(w)
		s.Delta("Lisbon")
		s.Stop("end_turn", 3, 1)
	}}
	ready := make(chan struct{})
	s, clk := newService(t, srv, nil)
	clk.ready = ready
	a := s.Send(t.Context(), ask(foundation, "capital?"))
	for st := a.State(); st.Phase != Waking; st = a.State() {
		select {
		case <-a.Changed():
		case <-time.After(10 * time.Second):
			t.Fatal("not waking")
		}
	}
	if st := a.State(); st.Attempts != 1 || !st.NextTry.Equal(st.WakingSince.Add(time.Second)) {
		t.Errorf("waking: %+v", st)
	}
	close(ready)
	st := wait(t, a)
	if st.Phase != Finished || st.Text != "Lisbon" || st.Attempts != cold {
		t.Errorf("got %+v", st)
	}
	want := []time.Duration{1, 2, 4, 8, 16, 20, 20, 20}
	for i, d := range clk.slept {
		if d != want[i]*time.Second {
			t.Errorf("wait %d was %s", i, d)
		}
	}
	if list, err := s.Wakings(t.Context(), foundation); err != nil || len(list) != 1 || list[0].Took != 91*time.Second || list[0].Attempts != cold {
		t.Errorf("wakings %+v, %v", list, err)
	}
}

func TestCancelKeepsText(t *testing.T) {
	srv := &chattest.Server{Answer: func(w http.ResponseWriter, r *http.Request, c chattest.Call) {
		s := chattest.NewStream(w)
		s.Delta("Lis")
		<-r.Context().Done()
	}}
	s, _ := newService(t, srv, nil)
	a := s.Send(t.Context(), ask(foundation, "capital?"))
	for a.State().Phase != Streaming {
		select {
		case <-a.Changed():
		case <-time.After(10 * time.Second):
			t.Fatal("no text came")
		}
	}
	a.Cancel()
	if st := wait(t, a); st.Phase != Cancelled || st.Text != "Lis" || st.Err != "" {
		t.Errorf("got %+v", st)
	}
}

func TestStreamsAtOnce(t *testing.T) {
	srv := &chattest.Server{Answer: func(w http.ResponseWriter, r *http.Request, c chattest.Call) {
		s := chattest.NewStream(w)
		for range 50 {
			if c.Operation == "converse-stream" {
				s.Delta("ab")
			} else {
				s.Chunk(`{"choices":[{"text":"ab"}]}`)
			}
		}
		if c.Operation == "converse-stream" {
			s.Stop("end_turn", 1, 50)
		} else {
			s.Chunk(`{"choices":[{"text":"","finish_reason":"length"}]}`)
		}
	}}
	s, _ := newService(t, srv, nil)
	var answers []*Answer
	for i := range 8 {
		m := foundation
		if i%2 == 1 {
			m = imported
		}
		answers = append(answers, s.Send(t.Context(), ask(m, "go")))
	}
	for _, a := range answers {
		if st := wait(t, a); st.Phase != Finished || st.Text != strings.Repeat("ab", 50) {
			t.Errorf("got %s %q %s", st.Phase, st.Text, st.Err)
		}
	}
}

func TestModelsAndResolve(t *testing.T) {
	older := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	srv := &chattest.Server{
		Imported: []chattest.Imported{
			{Name: "old-one", ARN: chattest.ARN("bbbbbbbbbbbb"), Created: older},
			{Name: "tuned", ARN: imported.ID, Instruct: true, Created: older.Add(time.Hour)},
		},
		Foundation: []string{"mistral.mistral-7b-instruct-v0:2", foundation.ID},
	}
	s, clk := newService(t, srv, nil)
	if err := s.cfg.Store.PutImportJob(t.Context(), store.ImportJob{Account: "local", Region: "us-east-1", Name: "j", Model: "tuned", PromptFormat: "human-assistant", Created: clk.Now()}); err != nil {
		t.Fatal(err)
	}
	models, err := s.Models(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var refs []string
	for _, m := range models {
		refs = append(refs, m.Ref)
	}
	if got := strings.Join(refs, " "); got != "base tuned old-one mistral.mistral-7b-instruct-v0:2" {
		t.Errorf("models: %s", got)
	}
	if models[0].ID != foundation.ID || models[1].PromptFormat != "human-assistant" || models[2].Note == "" {
		t.Errorf("models: %+v", models)
	}
	for _, ref := range []string{"tuned", imported.ID, "TUNED"} {
		if m, err := s.Resolve(t.Context(), ref); err != nil || m.Ref != "tuned" {
			t.Errorf("%s: %+v, %v", ref, m, err)
		}
	}
	_, err = s.Resolve(t.Context(), "tunned")
	var unknown *UnknownModelError
	if !errors.As(err, &unknown) || unknown.Nearest[0] != "tuned" || !strings.Contains(err.Error(), "did you mean tuned") {
		t.Errorf("got %v", err)
	}
	if st := wait(t, s.Send(t.Context(), ask(models[2], "hi"))); st.Phase != Failed || !strings.Contains(st.Err, "tunebench models format old-one FORMAT") || models[2].Doubt == "" || models[1].Doubt != "" {
		t.Errorf("a model without a format: %+v", st)
	}
	if err := s.SetPromptFormat(t.Context(), models[2], "chatml"); err != nil {
		t.Fatal(err)
	}
	if m, err := s.Resolve(t.Context(), "old-one"); err != nil || m.PromptFormat != "chatml" || m.Doubt != "" || !strings.HasPrefix(s.Way(m), "prompts as chatml, holds 512 tokens") {
		t.Errorf("%+v, %v, %s", m, err, s.Way(m))
	}
}

func TestTranscript(t *testing.T) {
	s, _ := newService(t, &chattest.Server{}, nil)
	c, err := s.SaveConversation(t.Context(), Conversation{Title: "What is\x1b[1m 100% sure?", Models: []string{"base"}, Set: Manner{Settings: DefaultSettings()}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.SaveTurn(t.Context(), c.ID, Turn{Position: 0, Role: "user", Content: "What is sure?"}); err != nil {
		t.Fatal(err)
	}
	turn := AnswerTurn(1, AnswerState{Model: foundation, Text: "Not", Phase: Streaming})
	if turn, err = s.SaveTurn(t.Context(), c.ID, turn); err != nil {
		t.Fatal(err)
	}
	turn.Content, turn.Phase = "Nothing is.", Finished
	if _, err := s.SaveTurn(t.Context(), c.ID, turn); err != nil {
		t.Fatal(err)
	}
	turns, err := s.Turns(t.Context(), c.ID)
	if err != nil || len(turns) != 2 || turns[1].Content != "Nothing is." || turns[1].Phase != Finished || turns[1].Model != "base" {
		t.Errorf("turns %+v, %v", turns, err)
	}
	for query, want := range map[string]int{"": 1, "nothing": 1, "100%": 1, "1%0": 0} {
		if list, err := s.Conversations(t.Context(), query, 10); err != nil || len(list) != want {
			t.Errorf("%q: %+v, %v", query, list, err)
		}
	}
	if err := s.DeleteConversation(t.Context(), c.ID); err != nil {
		t.Fatal(err)
	}
	if turns, err := s.Turns(t.Context(), c.ID); err != nil || len(turns) != 0 {
		t.Errorf("turns after delete: %v, %v", turns, err)
	}
}

func TestFingerprint(t *testing.T) {
	s, _ := newService(t, &chattest.Server{}, nil)
	seen := map[string]string{}
	for name, req := range map[string]Request{
		"a": ask(imported, "x"), "b": ask(imported, "y"), "c": ask(foundation, "x"),
		"d": {Model: imported, Messages: ask(imported, "x").Messages, Settings: Settings{MaxTokens: 9}},
	} {
		h, err := s.Fingerprint(req)
		if err != nil || seen[h] != "" {
			t.Errorf("%s: %q as %s, %v", name, h, seen[h], err)
		}
		seen[h] = name
	}
}
