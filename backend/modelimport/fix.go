package modelimport

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tunebench/backend/artifact"
)

// Fix is a change to one file that mends what a check found. Only what the
// artifact itself decides is mended: nothing is guessed.
type Fix struct {
	Check string `json:"check"` // the check that it mends
	File  string `json:"file"`
	What  string `json:"what"` // what is changed, in words
}

// Fixes are the changes to an artifact, with the files as they will be.
type Fixes struct {
	List []Fix
	// files holds the new content of changed files; nil takes a file out.
	files map[string][]byte
}

// fixer collects changes.
type fixer struct {
	p    *preflight
	out  Fixes
	most artifact.DType    // what most of the weights are; "" if that is not known
	size int64             // bytes of all tensors
	held map[string]string // tensor → file; "" for one that lies in two
}

// Fixes says what can be mended safely in an artifact in a local folder. It
// changes nothing; Write does, in a copy.
func (s *Service) Fixes(ctx context.Context, dir string) (Fixes, error) {
	if strings.HasPrefix(dir, "s3://") || isModelARN(dir) {
		return Fixes{}, fmt.Errorf("%s is not a local folder; copy the artifact into one to mend it", dir)
	}
	f, err := s.open(dir)
	if err != nil {
		return Fixes{}, err
	}
	p := &preflight{s: s, source: dir, f: f, have: map[string]file{}}
	if p.files, err = f.list(ctx); err != nil {
		return Fixes{}, err
	}
	for _, fl := range p.files {
		p.have[fl.name] = fl
	}
	if p.small, err = load(ctx, f, p.have, smallFiles...); err != nil {
		return Fixes{}, err
	}
	x := &fixer{p: p, out: Fixes{files: map[string][]byte{}}}
	if err := x.measure(ctx); err != nil {
		return Fixes{}, err
	}
	x.config()
	x.tokenizer()
	x.index()
	x.templates()
	return x.out, nil
}

// measure reads the headers of the weights that the index names, or of all.
func (x *fixer) measure(ctx context.Context) error {
	sizes := map[artifact.DType]int64{}
	x.held = map[string]string{}
	for _, f := range x.p.files {
		if !strings.HasSuffix(f.name, ".safetensors") || strings.Contains(f.name, "/") {
			continue
		}
		r, c, err := x.p.f.reader(ctx, f)
		if err != nil {
			return err
		}
		infos, _, err := artifact.ParseHeader(r, f.size)
		cerr := c.Close()
		if he := (*artifact.HeaderError)(nil); errors.As(err, &he) {
			x.most, x.size = "", 0 // damaged weights decide nothing
			return nil
		}
		if err = errors.Join(err, cerr); err != nil {
			return err
		}
		for _, t := range infos {
			sizes[t.DType] += t.End - t.Begin
			x.size += t.End - t.Begin
			if _, twice := x.held[t.Name]; twice {
				f.name = ""
			}
			x.held[t.Name] = f.name
		}
	}
	for _, d := range []artifact.DType{artifact.BF16, artifact.F16, artifact.F32} {
		if sizes[d] > sizes[x.most] {
			x.most = d
		}
	}
	return nil
}

// object reads a JSON file so that numbers stay as they are written; nil if it is
// not there or cannot be read.
func (x *fixer) object(name string) map[string]any {
	raw, ok := x.p.small[name]
	if !ok {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var m map[string]any
	if d.Decode(&m) != nil {
		return nil
	}
	return m
}

func (x *fixer) did(check, file, what string) {
	x.out.List = append(x.out.List, Fix{check, file, what})
}

// write keeps the new content of a file that was changed.
func (x *fixer) write(name string, m map[string]any, before int) {
	if len(x.out.List) == before {
		return
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if e.Encode(m) == nil { // it came from JSON
		x.out.files[name] = b.Bytes()
	}
}

func (x *fixer) config() {
	const name = artifact.ConfigFile
	m, before := x.object(name), len(x.out.List)
	if m == nil {
		return
	}
	if want := torchNames[x.most]; want != "" && m["torch_dtype"] != want {
		m["torch_dtype"] = want
		delete(m, "dtype")
		x.did("torch-dtype", name, "torch_dtype: "+want+", as the weights are")
	}
	if rope, ok := m["rope_parameters"].(map[string]any); ok && m["rope_theta"] == nil && rope["rope_theta"] != nil {
		if kind, _ := rope["rope_type"].(string); kind == "" || kind == "default" {
			m["rope_theta"] = rope["rope_theta"]
			delete(m, "rope_parameters")
			x.did("rope", name, fmt.Sprintf("rope_theta: %v, out of rope_parameters", m["rope_theta"]))
		}
	}
	if _, ok := m["auto_map"]; ok {
		delete(m, "auto_map")
		x.did("remote-code", name, "auto_map is taken out")
	}
	x.write(name, m, before)
}

func (x *fixer) tokenizer() {
	const name = artifact.TokenizerConfigFile
	m, before := x.object(name), len(x.out.List)
	if m == nil {
		return
	}
	// The class of transformers 5 reads tokenizer.json and nothing else; so does
	// this one, which older versions have.
	if _, ok := x.p.have[artifact.TokenizerFile]; ok && m["tokenizer_class"] == "TokenizersBackend" {
		m["tokenizer_class"] = "PreTrainedTokenizerFast"
		x.did("tokenizer", name, "tokenizer_class: PreTrainedTokenizerFast, which reads the same tokenizer.json")
	}
	x.write(name, m, before)
}

func (x *fixer) index() {
	const name = artifact.WeightsIndexFile
	m, before := x.object(name), len(x.out.List)
	if m == nil {
		return
	}
	meta, ok := m["metadata"].(map[string]any)
	if !ok {
		meta = map[string]any{}
		m["metadata"] = meta
		x.did("index", name, "a metadata object is added")
	}
	for _, k := range slices.Sorted(maps.Keys(meta)) {
		if k != "total_size" {
			delete(meta, k)
			x.did("index", name, k+" is taken out of the metadata")
		}
	}
	var ix shardIndex
	if json.Unmarshal(x.p.small[name], &ix) != nil || !maps.Equal(ix.WeightMap, x.held) {
		x.write(name, m, before)
		return // the index and the shards are about different things
	}
	if n, ok := meta["total_size"].(json.Number); ok && n.String() != fmt.Sprint(x.size) {
		meta["total_size"] = x.size
		x.did("index", name, fmt.Sprintf("total_size: %d", x.size))
	}
	x.write(name, m, before)
}

// templates takes a second chat template out if it says the same as the one in
// tokenizer_config.json.
func (x *fixer) templates() {
	cfg, err := artifact.ReadTokenizerConfig(x.p.small)
	if err != nil || cfg.ChatTemplate == "" {
		return
	}
	for name, text := range map[string]string{
		artifact.ChatTemplateJinja: string(x.p.small[artifact.ChatTemplateJinja]),
		artifact.ChatTemplateJSON:  templateOf(x.p.small[artifact.ChatTemplateJSON]),
	} {
		if text != "" && strings.TrimSpace(text) == strings.TrimSpace(cfg.ChatTemplate) {
			x.out.files[name] = nil
			x.did("template", name, "it is taken out: tokenizer_config.json has the same template")
		}
	}
}

func templateOf(raw []byte) string {
	var d struct {
		Template string `json:"chat_template"`
	}
	_ = json.Unmarshal(raw, &d) // what cannot be read is not taken out
	return d.Template
}

// Write makes a mended copy of the artifact in the folder out, which must not
// exist or be empty. Files that do not change are linked where the disk allows it,
// so that a copy of large weights takes no room, and copied elsewhere.
func (f Fixes) Write(ctx context.Context, dir, out string) error {
	if entries, err := os.ReadDir(out); err == nil && len(entries) > 0 {
		return fmt.Errorf("%s is not empty; name a new folder for the mended copy", out)
	}
	files, err := localFolder(dir).list(ctx)
	if err != nil {
		return err
	}
	for _, fl := range files {
		if err := ctx.Err(); err != nil {
			return err
		}
		content, changed := f.files[fl.name]
		if changed && content == nil {
			continue
		}
		from, to := filepath.Join(dir, filepath.FromSlash(fl.name)), filepath.Join(out, filepath.FromSlash(fl.name))
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			return fmt.Errorf("write the mended copy: %w", err)
		}
		if changed {
			err = os.WriteFile(to, content, 0o600)
		} else if err = os.Link(from, to); err != nil {
			err = copyTo(from, to)
		}
		if err != nil {
			return fmt.Errorf("write the mended copy: %w", err)
		}
	}
	return nil
}

func copyTo(from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
