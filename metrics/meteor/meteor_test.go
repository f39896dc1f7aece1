package meteor

import (
	"errors"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"unicode/utf8"

	"tunebench/metrics/internal/golden"
)

// Environment variables that point the tests at the word lists; .ci/metrics.sh
// sets them. TUNEBENCH_NEED_METEOR makes their absence a failure.
const (
	envFolders = "TUNEBENCH_METEOR_FOLDERS" // separated by colons
	envNeed    = "TUNEBENCH_NEED_METEOR"
)

// machineEnglish returns the word lists of this machine, or skips the test.
func machineEnglish(t testing.TB) *English {
	t.Helper()
	e, err := Find(os.DirFS("/"), strings.Split(os.Getenv(envFolders), ":")...)
	if err != nil {
		if os.Getenv(envNeed) != "" || !errors.Is(err, ErrNotFound) {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	return e
}

type tokenVector struct {
	ID        int
	Text      string
	Sentences []string
	Tokens    []string
}

// The Treebank half of word_tokenize needs no parameters: the sentences are
// taken from the vectors.
func TestWordsVectors(t *testing.T) {
	for _, v := range golden.Lines[tokenVector](t, "word_tokenize.jsonl", 225) {
		var got []string
		for _, s := range v.Sentences {
			got = append(got, Words(s, false)...)
		}
		if !slices.Equal(got, v.Tokens) {
			t.Errorf("%d: %q\n got %q\nwant %q", v.ID, v.Sentences, got, v.Tokens)
		}
	}
}

func TestTokenizeVectors(t *testing.T) {
	e := machineEnglish(t)
	for _, v := range golden.Lines[tokenVector](t, "word_tokenize.jsonl", 225) {
		if got := e.Punkt.Sentences(v.Text); !slices.Equal(got, v.Sentences) {
			t.Errorf("%d: sentences %q, want %q", v.ID, got, v.Sentences)
		}
		if got := e.Tokenize(v.Text); !slices.Equal(got, v.Tokens) {
			t.Errorf("%d: tokens %q, want %q", v.ID, got, v.Tokens)
		}
	}
}

func TestMeteorVectors(t *testing.T) {
	s := New(machineEnglish(t))
	type vector struct {
		ID     int
		Target string `json:"target_output"`
		Output string `json:"model_output"`
		Meteor float64
	}
	for _, v := range golden.Lines[vector](t, "summarization.jsonl", 276) {
		if got := s.Score(v.Target, v.Output); math.Float64bits(got) != math.Float64bits(v.Meteor) {
			t.Errorf("%d: %v, want %v (%q against %q)", v.ID, got, v.Meteor, v.Output, v.Target)
		}
	}
}

// small are word lists of a few words in the real formats, written for the tests.
func small() fstest.MapFS {
	data := map[string][]string{
		"noun": {"08 15 n 03 Paris 0 City_of_Light 0 capital 1 000 | a town", "20 15 n 02 goose 0 honker 0 000 | a bird", "20 06 n 02 car 0 auto 0 000 | a vehicle"},
		"verb": {"08 30 v 02 buy 0 purchase 0 001 @ 00000008 v 0000 01 + 08 00 | get for money"},
		"adj":  {"08 00 a 02 alive(p) 0 live 0 000 | not dead"},
		"adv":  {"08 02 r 01 soon 0 000 | before long"},
	}
	files := fstest.MapFS{}
	for part, synsets := range data {
		var lines, index strings.Builder
		for _, s := range synsets {
			_, rest, _ := strings.Cut(s, " ")
			offset := lines.Len()
			lines.WriteString(number(offset) + " " + rest + "\n")
			for i, f := 0, strings.Fields(rest); i < int(f[2][1]-'0'); i++ {
				lemma, _, _ := strings.Cut(strings.ToLower(f[3+2*i]), "(")
				index.WriteString(lemma + " " + part[:1] + " 1 1 @ 1 0 " + number(offset) + "  \n")
			}
		}
		files["wn/data."+part] = &fstest.MapFile{Data: []byte(lines.String())}
		files["wn/index."+part] = &fstest.MapFile{Data: []byte("  1 a comment of the licence\n" + index.String())}
		files["wn/"+part+".exc"] = &fstest.MapFile{Data: []byte(map[string]string{"noun": "geese goose\n", "verb": "bought buy\n"}[part])}
	}
	for name, data := range map[string]string{
		"abbrev_types.txt": "dr\nu.s\n", "collocations.tab": "##number##\taugust\n", "sent_starters.txt": "however\n", "ortho_context.tab": "the\t120\nsmith\t4\n",
	} {
		files["nltk/tokenizers/punkt_tab/english/"+name] = &fstest.MapFile{Data: []byte(data)}
	}
	return files
}

func number(n int) string {
	s := "00000000"
	digits := ""
	for ; n > 0; n /= 10 {
		digits = string(rune('0'+n%10)) + digits
	}
	return s[:8-len(digits)] + digits
}

func smallEnglish(t testing.TB) *English {
	e, err := Find(small(), "/wn", "nltk")
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestSmallLists(t *testing.T) {
	e := smallEnglish(t)
	for word, want := range map[string][]string{
		"capital": {"Paris", "capital"}, "geese": {"goose", "honker"}, "bought": {"buy", "purchase"}, "buying": {"buy", "purchase"},
		"alive": {"alive", "live"}, "nothing": nil, "citi": nil,
	} {
		if got := e.WordNet.Synonyms(nil, word); !slices.Equal(got, want) {
			t.Errorf("synonyms of %s: %q, want %q", word, got, want)
		}
	}
	text := "Dr. Smith left the U.S. However, he came back (by 5. August) and left again... and stayed."
	want := []string{"Dr. Smith left the U.S.", "However, he came back (by 5. August) and left again... and stayed."}
	if got := e.Punkt.Sentences(text); !slices.Equal(got, want) {
		t.Errorf("sentences %q, want %q", got, want)
	}
	s := New(e)
	// All by hand: one chunk of 3 of 3; a synonym; nothing in common; one word.
	if got := s.Score("My car stops", "my auto stopped"); got != 1-0.5/27 {
		t.Errorf("a synonym gives %v", got)
	}
	for _, c := range []struct {
		target, output string
		want           float64
	}{{"Paris", "London", 0}, {"", "", 0}, {"a", "", 0}, {"Paris", "paris", 0.5}, {"capital", "Paris", 0}, {"purchase", "buy", 0}} {
		if got := s.Score(c.target, c.output); got != c.want {
			t.Errorf("Score(%q, %q) = %v, want %v", c.target, c.output, got, c.want)
		}
	}
}

func TestSqueezeSpace(t *testing.T) {
	for squeeze, want := range map[bool][]string{false: {"Day's", "Night"}, true: {"Day", "'s", "Night"}} {
		if got := Words("Day's\nNight", squeeze); !slices.Equal(got, want) {
			t.Errorf("%v: %q", squeeze, got)
		}
	}
}

func TestFindErrors(t *testing.T) {
	for _, c := range []struct {
		drop, damage, want string
		absent             bool
	}{
		{"wn/index.noun", "", "wordnet-base", true},
		{"nltk/tokenizers/punkt_tab/english/abbrev_types.txt", "", "punkt_tab", true},
		{"wn/data.verb", "", "data.verb", false},
		{"", "wn/data.noun", "data.noun", false},
		{"", "wn/index.adv", "index.adv", false},
		{"", "nltk/tokenizers/punkt_tab/english/ortho_context.tab", "ortho_context.tab", false},
	} {
		files := small()
		delete(files, c.drop)
		if c.damage != "" {
			files[c.damage] = &fstest.MapFile{Data: []byte("not such a file\n")}
		}
		_, err := Find(files, "wn", "nltk")
		if err == nil || !strings.Contains(err.Error(), c.want) || errors.Is(err, ErrNotFound) != c.absent {
			t.Errorf("without %q, with damaged %q: %v", c.drop, c.damage, err)
		}
	}
}

func FuzzTokenize(f *testing.F) {
	e := smallEnglish(f)
	for _, v := range golden.Lines[tokenVector](f, "word_tokenize.jsonl", 225)[:40] {
		f.Add(v.Text)
	}
	f.Add("\xff. . . .\" '' can'ſ 'tıs  --")
	s := New(e)
	f.Fuzz(func(t *testing.T, text string) {
		// Sentences keep every character that is not white space, in its order.
		if got := strings.Join(e.Punkt.Sentences(text), ""); squeezed(got) != squeezed(text) {
			t.Fatalf("sentences of %q lose text: %q", text, got)
		}
		for _, w := range e.Tokenize(text) {
			if w == "" || utf8.ValidString(text) && !utf8.ValidString(w) {
				t.Fatalf("token %q", w)
			}
		}
		if got := s.Score(text, text); !(got >= 0 && got <= 1) {
			t.Fatalf("Score = %v", got)
		}
	})
}

func squeezed(s string) string { return strings.Join(strings.Fields(s), "") }

func BenchmarkMeteor(b *testing.B) {
	s := New(machineEnglish(b))
	target := "The central bank announced plans to close three factories."
	output := strings.Repeat("Dr. Alvarez said that the bank plans closing factories near the city, ", 3)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		s.Score(target, output)
		n++
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rows/s")
}
