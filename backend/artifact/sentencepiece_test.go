package artifact

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// The folders hold small tokenizers with encodings by the library that their
// file belongs to; testdata/reference.py makes both.
func TestOwnReferences(t *testing.T) {
	for _, name := range []string{"sentencepiece", "llama3"} {
		dir := filepath.Join("testdata", name)
		tok, err := LoadEitherTokenizer(os.DirFS(dir))
		if err != nil {
			t.Fatal(err)
		}
		checkReferences(t, tok, filepath.Join(dir, "encodings.jsonl"))
	}
}

// TestMistralV3 holds the real tokenizer of Mistral 7B v0.3 against encodings by
// its makers' library. TUNEBENCH_MISTRAL_V3 names a folder that
// testdata/reference.py wrote; .ci/tokenizers.sh does both.
func TestMistralV3(t *testing.T) {
	dir := os.Getenv("TUNEBENCH_MISTRAL_V3")
	if dir == "" {
		t.Skip("TUNEBENCH_MISTRAL_V3 names no folder with Mistral's tokenizer; .ci/tokenizers.sh makes one")
	}
	for file, encodings := range map[string]string{TokenizerFile: "encodings-json.jsonl", SentencePieceFile: "encodings.jsonl"} {
		b, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		tok, err := LoadEitherTokenizer(fstest.MapFS{file: {Data: b}})
		if err != nil {
			t.Fatal(err)
		}
		if tok.near == nil {
			t.Errorf("%s: text is not cut into words", file)
		}
		checkReferences(t, tok, filepath.Join(dir, encodings))
		if file == SentencePieceFile {
			checkReferences(t, tok, "testdata/mistral-v3.jsonl")
		}
		for token, want := range map[string]int32{"<unk>": 0, "<s>": 1, "</s>": 2, "[INST]": 3, "[/INST]": 4, "[TOOL_CALLS]": 5, "<0x00>": 771} {
			if id, ok := tok.ID(token); !ok || id != want {
				t.Errorf("%s: %s has the id %d, want %d", file, token, id, want)
			}
		}
	}
}

func checkReferences(t *testing.T, tok *Tokenizer, file string) {
	t.Helper()
	wrong := 0
	for _, r := range readReferences(t, file) {
		got := tok.Encode(r.Text)
		if !slices.Equal(got, r.IDs) {
			if wrong++; wrong <= 5 {
				t.Errorf("%s: %.200q\n got %v\nwant %v", file, r.Text, got, r.IDs)
			}
		}
		if n := tok.Count(r.Text); n != len(got) {
			t.Errorf("%s: %.200q has %d tokens, counted %d", file, r.Text, len(got), n)
		}
	}
	if wrong > 0 {
		t.Errorf("%s: %d encodings are wrong", file, wrong)
	}
}

func TestSentencePieceTokens(t *testing.T) {
	tok, err := LoadEitherTokenizer(os.DirFS("testdata/sentencepiece"))
	if err != nil {
		t.Fatal(err)
	}
	// Content cannot forge what begins and ends a prompt.
	for _, text := range []string{"<s>[INST] x[/INST]</s>", "[INST]", "</s>", "<unk>", "<0x41>"} {
		for _, id := range tok.Encode(text) {
			if tok.IsSpecial(id) {
				t.Errorf("%q holds the special token %q", text, tok.Token(id))
			}
		}
		if got := tok.Decode(tok.Encode(text)); got != text {
			t.Errorf("%q is decoded as %q", text, got)
		}
	}
	f := format(t, "")
	msgs := conversation("user", "One?", "assistant", "1", "user", "Two?")
	ids, err := f.EncodePrompt(tok, msgs)
	if err != nil {
		t.Fatal(err)
	}
	// The makers' library encodes each part by itself, which puts one space in
	// front of it.
	inst, _ := tok.ID("[INST]")
	end, _ := tok.ID("[/INST]")
	want := slices.Concat([]int32{tok.BOS(), inst}, tok.Encode("One?"), []int32{end}, tok.Encode("1"), []int32{tok.EOS(), inst}, tok.Encode("Two?"), []int32{end})
	if !slices.Equal(ids, want) {
		t.Errorf("the prompt is\n%v, want\n%v", ids, want)
	}
	// Bytes that are no UTF-8 become U+FFFD, one each, as in the library.
	if got, want := tok.Encode("a\xff\xfeb\xe2\x96"), tok.Encode("a\ufffd\ufffdb\ufffd\ufffd"); !slices.Equal(got, want) {
		t.Errorf("bytes that are no text: %v, want %v", got, want)
	}
}

func TestSentencePieceRefusals(t *testing.T) {
	good, err := os.ReadFile("testdata/sentencepiece/tokenizer.model")
	if err != nil {
		t.Fatal(err)
	}
	field := func(n, kind int, data string) string { return string([]byte{byte(n<<3 | kind)}) + data }
	spec := func(n int, data string) string { return field(n, 2, string([]byte{byte(len(data))})+data) }
	for name, tc := range map[string]struct{ file, want string }{
		"empty":      {"", "has no pieces"},
		"cut":        {string(good[:len(good)/2]), "middle of a field"},
		"text":       {"not a model", "is not valid"},
		"unigram":    {string(good) + spec(2, field(3, 0, "\x01")), "not a BPE model"},
		"no bytes":   {string(good) + spec(2, "\x98\x02\x00"), "byte_fallback"},
		"squeezed":   {string(good) + spec(3, field(4, 0, "\x01")), "spaces in another way"},
		"normalised": {string(good) + spec(3, field(2, 2, "\x01x")), "replaces characters"},
		"twice":      {string(good) + spec(1, field(1, 2, "\x05<unk>")), "occurs twice"},
	} {
		if _, err := ParseSentencePiece([]byte(tc.file)); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error is %v, want one with %q", name, err, tc.want)
		}
	}
	if tok, err := ParseSentencePiece(good); err != nil {
		t.Error(err)
	} else if _, err := tok.Marshal(); err == nil {
		t.Error("it was written as tokenizer.json")
	}
}

func FuzzParseSentencePiece(f *testing.F) {
	good, err := os.ReadFile("testdata/sentencepiece/tokenizer.model")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:100])
	f.Add([]byte("\x0a\x03\x0a\x01a"))
	f.Fuzz(func(t *testing.T, b []byte) {
		tok, err := ParseSentencePiece(b)
		if err == nil {
			tok.Encode("Hello, wörld!\n\x00 [INST] ▁▁")
		}
	})
}

// FuzzCuts holds text that is cut into words against the same text merged as a
// whole.
func FuzzCuts(f *testing.F) {
	for _, s := range []string{"", " a  b ", "中文 x\n\n▁y", "\xff a", "[REFERENCE_DOC_0]"} {
		f.Add(s)
	}
	tok, err := LoadEitherTokenizer(os.DirFS("testdata/sentencepiece"))
	if err != nil {
		f.Fatal(err)
	}
	whole := *tok
	whole.near = nil
	f.Fuzz(func(t *testing.T, s string) {
		for range 2 { // the second time from what is remembered
			if got, want := tok.Encode(s), whole.Encode(s); !slices.Equal(got, want) {
				t.Errorf("%q: %v, want %v", s, got, want)
			}
		}
	})
}
