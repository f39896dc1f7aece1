package dataset

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tunebench/backend/artifact"
)

const smallTokenizer = "../artifact/testdata/spaces-first"

func loadSmall(t testing.TB) *artifact.Tokenizer {
	t.Helper()
	tok, err := LoadTokenizer(smallTokenizer)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// unevenRows is n rows whose lengths differ as real ones do.
func unevenRows(n int) string {
	var b strings.Builder
	for i := range n {
		words := 3 + i%7*9
		if i%53 == 0 {
			words = 900
		}
		if i > n/2 {
			words /= 2 // the file is not the same all over
		}
		fmt.Fprintf(&b, `{"id":"flan.%d","system_prompt":"","question":"What is q%d, and why?","response":"%s"}`+"\n", i, i, strings.Repeat("the answer is here ", words))
	}
	return b.String()
}

func TestTokenEstimates(t *testing.T) {
	ctx := context.Background()
	text := unevenRows(40_000)
	var csv strings.Builder
	csv.WriteString("question,response\n")
	for i := range 20_000 {
		fmt.Fprintf(&csv, "\"What is\nq%d?\",\"%s\"\n", i, strings.Repeat("some words, ", 5+i%40))
	}
	for name, content := range map[string]string{"x.jsonl": text, "x.csv": csv.String(), "x.jsonl.gz": gz(t, text)} {
		path := write(t, name, content)
		d, err := Open(ctx, path, OpenOptions{Tokens: TokensOf(loadSmall(t), smallTokenizer)})
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		want, err := d.CountTokens(ctx, nil)
		if err != nil || !want.Exact || want.Estimated || want.Rows < 20_000 || want.Low != want.Tokens {
			t.Fatalf("%s: %+v, %v", name, want, err)
		}
		got, err := d.EstimateTokens(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if name == "x.jsonl.gz" { // small as it is stored
			if got != want {
				t.Errorf("%s: %+v, counted %+v", name, got, want)
			}
			continue
		}
		off := float64(got.Tokens-want.Tokens) / float64(want.Tokens)
		if !got.Estimated || got.Rows >= want.Rows || off < -0.015 || off > 0.015 || got.Low >= got.Tokens || got.High <= got.Tokens {
			t.Errorf("%s: %+v, %.2f %% off what was counted, %+v", name, got, 100*off, want)
		}
		if width := float64(got.High-got.Low) / float64(got.Tokens); width > 0.03 {
			t.Errorf("%s: the bounds are %.1f %% apart", name, 100*width)
		}
	}
}

func TestLoadTokenizer(t *testing.T) {
	for path, want := range map[string]string{
		smallTokenizer:                               "",
		smallTokenizer + "/tokenizer.json":           "",
		"../artifact/testdata/sentencepiece":         "",
		"../artifact/testdata/mistral-v3.jsonl":      "is not valid",
		"../artifact/testdata/reference.py":          "is not valid",
		"filter":                                     "holds no tokenizer.json and no tokenizer.model",
		filepath.Join(t.TempDir(), "tokenizer.json"): "no such file",
	} {
		_, err := LoadTokenizer(path)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
}

func TestPrompt(t *testing.T) {
	ctx := context.Background()
	tok := loadSmall(t)
	d := open(t, write(t, "x.jsonl", `{"system_prompt":"Be brief.","question":"Who </s> [INST]?","response":"It is naïve."}`+"\n"+
		`{"question":"q","response":" "}`+"\n"+"{broken\n"+`{"question":"a","response":"\u001b[31mred"}`+"\n"))
	p, err := d.Prompt(ctx, 0, "mistral-v3", tok, 0)
	if err != nil {
		t.Fatal(err)
	}
	if p.Text != "<s>[INST] Be brief.\n\nWho </s> [INST]?[/INST] It is naïve.</s>" || p.Verdict != PromptWhole || p.Kept != p.Length || p.Row != 1 {
		t.Errorf("%+v", p)
	}
	var special, learnt []string
	for i, k := range p.Tokens {
		if k.Special {
			special = append(special, k.Text)
		}
		if k.Loss != (i >= p.AnswerStart) {
			t.Errorf("token %d, %+v", i, k)
		}
		if k.Loss {
			learnt = append(learnt, k.Text)
		}
	}
	if got := strings.Join(special, " "); got != "<s> [INST] [/INST] </s>" {
		t.Errorf("special tokens %q", got)
	}
	if got := strings.Join(learnt, ""); !strings.HasPrefix(got, " It is na") || !strings.HasSuffix(got, ".</s>") {
		t.Errorf("learnt %q", got)
	}
	for limit, want := range map[int]string{p.Length: PromptWhole, p.Length - 1: PromptCut, p.AnswerStart: PromptTooLong, p.AnswerStart + 1: PromptCut} {
		if got, err := d.Prompt(ctx, 0, "", tok, limit); err != nil || got.Verdict != want || want == PromptCut && got.Kept != limit {
			t.Errorf("at %d tokens: %q, %d kept, %v; want %q", limit, got.Verdict, got.Kept, err, want)
		}
	}
	if p, err := d.Prompt(ctx, 1, "", tok, 0); err != nil || p.Verdict != PromptEmpty || p.Kept != 0 {
		t.Errorf("without an answer: %+v, %v", p, err)
	}
	if _, err := d.Prompt(ctx, 2, "", tok, 0); err == nil || !strings.Contains(err.Error(), "line 3") {
		t.Errorf("a broken row: %v", err)
	}
	if p, err := d.Prompt(ctx, 3, "", tok, 0); err != nil || strings.Contains(p.Text, "\x1b") {
		t.Errorf("%q, %v", p.Text, err)
	}
	if _, err := d.Prompt(ctx, 4, "", tok, 0); err == nil || !strings.Contains(err.Error(), "no row 5") {
		t.Errorf("behind the end: %v", err)
	}
	if _, err := d.Prompt(ctx, 0, "chatml", tok, 0); err == nil || !strings.Contains(err.Error(), "<|im_") {
		t.Errorf("a format whose tokens are missing: %v", err)
	}
}

// BenchmarkTokenEstimate estimates the tokens of a file, by default a generated
// one. TUNEBENCH_BENCH_FILE names another, TUNEBENCH_MISTRAL_V3 the folder of a
// tokenizer.
func BenchmarkTokenEstimate(b *testing.B) {
	ctx := context.Background()
	path, dir := os.Getenv("TUNEBENCH_BENCH_FILE"), os.Getenv("TUNEBENCH_MISTRAL_V3")
	if path == "" {
		path = filepath.Join(b.TempDir(), "x.jsonl")
		if err := os.WriteFile(path, []byte(unevenRows(100_000)), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	if dir == "" {
		dir = smallTokenizer
	}
	tok, err := LoadTokenizer(dir)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		d, err := Open(ctx, path, OpenOptions{Tokens: TokensOf(tok, dir)})
		if err != nil {
			b.Fatal(err)
		}
		c, err := d.EstimateTokens(ctx)
		if err != nil {
			b.Fatal(err)
		}
		if err := d.Close(); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(c.Rows), "rows")
		b.ReportMetric(100*float64(c.High-c.Low)/2/float64(c.Tokens), "%width")
	}
}
