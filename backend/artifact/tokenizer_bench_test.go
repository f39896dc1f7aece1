package artifact

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"
)

// BenchmarkTokens counts the tokens of English text. With TUNEBENCH_MISTRAL_V3
// (see TestMistralV3) it does so with Mistral's own tokenizer, and with
// TUNEBENCH_TEXT on the text of that file.
func BenchmarkTokens(b *testing.B) {
	text, err := os.ReadFile("../../testdata/openorca-sample.jsonl")
	if file := os.Getenv("TUNEBENCH_TEXT"); file != "" {
		text, err = os.ReadFile(file)
	}
	if err != nil {
		b.Fatal(err)
	}
	var texts []string // of the length that rows have
	for s := string(text); len(s) > 0; {
		n := min(len(s), 2000)
		if i := strings.IndexByte(s[n:], '\n'); i >= 0 {
			n += i + 1
		} else {
			n = len(s)
		}
		texts = append(texts, s[:n])
		s = s[n:]
	}
	load := func(b *testing.B, dir, file string) *Tokenizer {
		raw, err := os.ReadFile(dir + "/" + file)
		if err != nil {
			b.Fatal(err)
		}
		tok, err := LoadEitherTokenizer(fstest.MapFS{file: {Data: raw}})
		if err != nil {
			b.Fatal(err)
		}
		return tok
	}
	kinds := []struct{ name, dir, file string }{
		{"byte-level", "testdata/llama3", TokenizerFile},
		{"sentencepiece", "testdata/sentencepiece", SentencePieceFile},
	}
	if dir := os.Getenv("TUNEBENCH_MISTRAL_V3"); dir != "" {
		kinds = append(kinds, []struct{ name, dir, file string }{{"mistral-v3 model", dir, SentencePieceFile}, {"mistral-v3 json", dir, TokenizerFile}}...)
	}
	for _, k := range kinds {
		b.Run(k.name+"/warm", func(b *testing.B) {
			tok := load(b, k.dir, k.file)
			n := count(tok, texts)
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				count(tok, texts)
			}
			b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mtokens/s")
		})
		b.Run(k.name+"/cold", func(b *testing.B) {
			tok := load(b, k.dir, k.file)
			var n int
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				tok.cache = newWordCache()
				n = count(tok, texts)
			}
			b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mtokens/s")
		})
	}
}

func count(tok *Tokenizer, texts []string) (n int) {
	for _, s := range texts {
		n += tok.Count(s)
	}
	return n
}
