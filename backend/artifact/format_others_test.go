package artifact

import (
	"os"
	"slices"
	"strings"
	"testing"
)

func TestOtherFormats(t *testing.T) {
	msgs := conversation("system", "s", "user", " q ", "assistant", "a", "user", "r")
	for name, want := range map[string]string{
		"plain":   "<s>s\n\n q \na</s>\nr\n",
		"chatml":  "<|im_start|>system\ns<|im_end|>\n<|im_start|>user\n q <|im_end|>\n<|im_start|>assistant\na<|im_end|>\n<|im_start|>user\nr<|im_end|>\n<|im_start|>assistant\n",
		"llama-3": "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\ns<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nq<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\na<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nr<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
	} {
		if got := format(t, name).Prompt(msgs); got != want {
			t.Errorf("%s: %q\nwant %q", name, got, want)
		}
	}
}

func TestLlama3Example(t *testing.T) {
	tok, err := LoadTokenizer(os.DirFS("testdata/llama3"))
	if err != nil {
		t.Fatal(err)
	}
	f := format(t, "llama-3")
	ids, start, err := f.EncodeExample(tok, conversation("user", "Which port?", "assistant", " 5432\n"))
	if err != nil {
		t.Fatal(err)
	}
	var spelled strings.Builder
	for _, id := range ids {
		if tok.IsSpecial(id) {
			spelled.WriteString(tok.Token(id))
		} else {
			spelled.WriteString(tok.Decode([]int32{id}))
		}
	}
	const prompt = "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nWhich port?<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"
	if got := spelled.String(); got != prompt+"5432<|eot_id|>" {
		t.Errorf("%q", got)
	}
	if end, _ := tok.ID("<|eot_id|>"); ids[len(ids)-1] != end || tok.Decode(ids[start:]) != "5432" {
		t.Errorf("the answer is %v", ids[start:])
	}
	if got := f.Missing(tok); len(got) > 0 {
		t.Errorf("missing %q", got)
	}
}

func TestFormatsSayWhatTheyNeed(t *testing.T) {
	tok := testTokenizer(t)
	for name, want := range map[string][]string{
		"mistral-v3": {"<s>", "[INST]", "[/INST]", "</s>"},
		"plain":      {"<s>", "</s>"},
		"chatml":     {"<|im_start|>", "<|im_end|>"},
	} {
		f := format(t, name)
		if got := f.SpecialTokens(); !slices.Equal(got, want) {
			t.Errorf("%s needs %q, want %q", name, got, want)
		}
		if got, missing := f.Missing(tok), name == "chatml"; (len(got) > 0) != missing {
			t.Errorf("%s: missing %q", name, got)
		}
	}
	if _, _, err := format(t, "chatml").EncodeExample(tok, conversation("user", "q", "assistant", "a")); err == nil || !strings.Contains(err.Error(), "<|im_") {
		t.Errorf("chatml without its tokens: %v", err)
	}
}
