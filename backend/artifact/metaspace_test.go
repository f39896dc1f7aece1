package artifact

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The two folders hold the two ways in which SentencePiece-style tokenizers are
// written, with encodings by the reference implementation.
func TestSpaceReferences(t *testing.T) {
	for _, name := range []string{"spaces-first", "spaces-always"} {
		dir := filepath.Join("testdata", name)
		tok, err := LoadTokenizer(os.DirFS(dir))
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range readReferences(t, filepath.Join(dir, "encodings.jsonl")) {
			got := tok.EncodeSpecial(r.Text)
			if !slices.Equal(got, r.IDs) {
				t.Errorf("%s: %q\n got %v\nwant %v", name, r.Text, got, r.IDs)
			}
			if d := tok.Decode(r.IDs); d != r.Decoded {
				t.Errorf("%s: decoding of %q\n got %q\nwant %q", name, r.Text, d, r.Decoded)
			}
		}
		f := format(t, "")
		msgs := conversation("system", "s", "user", "what is x?", "assistant", "y", "user", "and z?")
		ids, err := f.EncodePrompt(tok, msgs)
		if err != nil {
			t.Fatal(err)
		}
		if want := tok.EncodeSpecial(f.Prompt(msgs)); !slices.Equal(ids, want) {
			t.Errorf("%s: the prompt is encoded as %v, its text as %v", name, ids, want)
		}
		b, err := tok.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if raw, err := os.ReadFile(filepath.Join(dir, TokenizerFile)); err != nil || string(raw) != string(b) {
			t.Errorf("%s: a tokenizer that was read is written otherwise, %v", name, err)
		}
	}
}

func TestSpaceRuleRefusals(t *testing.T) {
	good, err := os.ReadFile("testdata/spaces-first/tokenizer.json")
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		change func(doc, model map[string]any)
		want   string
	}{
		"split words":  {func(d, _ map[string]any) { d["pre_tokenizer"].(map[string]any)["split"] = true }, "splits"},
		"other scheme": {func(d, _ map[string]any) { d["pre_tokenizer"].(map[string]any)["prepend_scheme"] = "last" }, "last"},
		"lower case":   {func(d, _ map[string]any) { d["normalizer"] = map[string]any{"type": "Lowercase"} }, "Lowercase"},
		"no spaces":    {func(d, _ map[string]any) { d["pre_tokenizer"] = nil }, "ByteLevel"},
		"no bytes":     {func(_, m map[string]any) { delete(m["vocab"].(map[string]any), "<0x41>") }, "0x41"},
		"no way out":   {func(_, m map[string]any) { m["byte_fallback"] = false; m["unk_token"] = nil }, "neither"},
	} {
		var doc map[string]any
		if err := json.Unmarshal(good, &doc); err != nil {
			t.Fatal(err)
		}
		tc.change(doc, doc["model"].(map[string]any))
		if _, err := ParseTokenizer([]byte(mustJSON(t, doc))); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error is %v, want one about %q", name, err, tc.want)
		}
	}
}
