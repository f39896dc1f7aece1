package modelimport

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"tunebench/backend/artifact"
	"tunebench/backend/artifact/corpus"
)

// mistral7B writes an artifact of Mistral-7B-v0.3's shapes, 14.5 GB, into a
// folder: the headers are real, the data are holes that take no room on the disk.
func mistral7B(t *testing.T, dir string) int64 {
	t.Helper()
	f := corpus.Make(corpus.Layout{Shards: 2})
	for _, n := range []string{"model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"} {
		delete(f, n)
	}
	var m map[string]any
	if err := json.Unmarshal(f[artifact.ConfigFile], &m); err != nil {
		t.Fatal(err)
	}
	for k, v := range map[string]any{"hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32, "num_attention_heads": 32,
		"num_key_value_heads": 8, "head_dim": 128, "vocab_size": 32768, "max_position_embeddings": 32768, "rope_theta": 1e6} {
		m[k] = v
	}
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	f[artifact.ConfigFile] = b
	cfg, err := artifact.ParseConfig(b)
	if err != nil {
		t.Fatal(err)
	}
	const shards = 3
	all := artifact.ExpectedTensors(cfg)
	where := map[string]string{}
	var total int64
	for i := range shards {
		name := fmt.Sprintf("model-%05d-of-%05d.safetensors", i+1, shards)
		header := map[string]any{"__metadata__": map[string]string{"format": "pt"}}
		var at int64
		for _, e := range all[i*len(all)/shards : (i+1)*len(all)/shards] {
			end := at + e.Elements()*2
			header[e.Name] = map[string]any{"dtype": "BF16", "shape": e.Shape, "data_offsets": []int64{at, end}}
			at, where[e.Name] = end, name
		}
		text, err := json.Marshal(header)
		if err != nil {
			t.Fatal(err)
		}
		head := append(binary.LittleEndian.AppendUint64(nil, uint64(len(text))), text...)
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, head, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(path, int64(len(head))+at); err != nil {
			t.Fatal(err)
		}
		total += at
	}
	ix, err := json.Marshal(map[string]any{"metadata": map[string]any{"total_size": total}, "weight_map": where})
	if err != nil {
		t.Fatal(err)
	}
	f[artifact.WeightsIndexFile] = ix
	if err := f.Write(dir); err != nil {
		t.Fatal(err)
	}
	return total
}

// TestLargeArtifact: 14.5 GB are checked by reading their headers.
func TestLargeArtifact(t *testing.T) {
	s := service(t, nil)
	dir := t.TempDir()
	if total := mistral7B(t, dir); total != 14_496_047_104 {
		t.Errorf("the artifact has %d bytes of weights", total)
	}
	r, err := s.Check(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if !r.Importable || r.BytesRead > 100_000 {
		t.Errorf("importable is %v after %d bytes: %+v", r.Importable, r.BytesRead, r.Checks)
	}
	t.Logf("%d bytes were read", r.BytesRead)
}

// TestTooLarge: an artifact above the limit is refused without being read.
func TestTooLarge(t *testing.T) {
	s := service(t, nil)
	dir := t.TempDir()
	if err := corpus.Make(corpus.Layout{Tied: true}).Write(dir); err != nil {
		t.Fatal(err)
	}
	big := filepath.Join(dir, "notes.md")
	if err := os.WriteFile(big, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(big, 201e9); err != nil {
		t.Skipf("the file system takes no file of 201 GB: %v", err)
	}
	r, err := s.Check(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range r.Checks {
		if (c.Result == Blocks) != (c.ID == "size") {
			t.Errorf("%+v", c)
		}
	}
}

// TestArchivedObjects: what lies in an archive of S3 can not be read.
func TestArchivedObjects(t *testing.T) {
	for _, class := range []string{"GLACIER", "DEEP_ARCHIVE"} {
		p := &preflight{files: []file{{"model.safetensors", 7, class}}}
		p.size()
		if len(p.checks) != 1 || p.checks[0].Result != Blocks || p.checks[0].Remedy == "" {
			t.Errorf("%s: %+v", class, p.checks)
		}
	}
}

// FuzzCheck: whatever stands in an artifact's files, the preflight ends, blocks
// or passes, and reads no more than the small files and the headers' lengths.
func FuzzCheck(f *testing.F) {
	good := corpus.Make(corpus.Layout{Shards: 2})
	names := []string{artifact.ConfigFile, artifact.TokenizerConfigFile, artifact.TokenizerFile, artifact.WeightsIndexFile,
		artifact.GenerationConfigFile, "model-00001-of-00002.safetensors"}
	for i, n := range names {
		f.Add(uint8(i), good[n])
	}
	for _, c := range corpus.Broken() {
		for i, n := range names {
			if b, ok := c.Make()[n]; ok && !bytes.Equal(b, good[n]) {
				f.Add(uint8(i), b)
			}
		}
	}
	s := &Service{}
	f.Fuzz(func(t *testing.T, which uint8, content []byte) {
		files := corpus.Files{}
		for n, b := range good {
			files[n] = b
		}
		files[names[int(which)%len(names)]] = content
		p := &preflight{s: s, have: map[string]file{}, small: small{}}
		m := &meter{folder: memory(files)}
		p.f = m
		most := int64(0)
		for n, b := range files {
			p.files = append(p.files, file{name: n, size: int64(len(b))})
			p.have[n] = file{name: n, size: int64(len(b))}
			most += int64(len(b))
		}
		var err error
		if p.small, err = load(t.Context(), m, p.have, smallFiles...); err != nil {
			t.Fatal(err)
		}
		p.presence()
		p.strays()
		p.size()
		p.config()
		p.tokenizer()
		if err := p.weights(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, c := range p.checks {
			if c.Result == Blocks && c.Remedy == "" {
				t.Errorf("%s blocks without a remedy", c.ID)
			}
		}
		if n := m.n.Load(); n > most {
			t.Errorf("%d bytes were read of %d", n, most)
		}
	})
}
