package profile

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unsafe"
)

func TestLengths(t *testing.T) {
	var l Lengths
	for i := range 10_001 {
		l.Add(i)
	}
	for p, want := range map[float64]float64{0.5: 5000, 0.9: 9000, 0.99: 9900, 1: 10000} {
		if got := float64(l.Percentile(p)); got < want*0.99 || got > want*1.07 {
			t.Errorf("p%v is %v", p, got)
		}
	}
	if l.Mean() != 5000 || l.Min != 0 || l.Max != 10_000 {
		t.Errorf("%+v", l)
	}
	if over := l.Over(7000); over < 2900 || over > 3100 {
		t.Errorf("%d over 7000", over)
	}
	var sum int64
	for _, b := range l.Bars(20) {
		sum += b.Count
	}
	if sum != l.Count {
		t.Errorf("bars hold %d", sum)
	}
	for n := int64(0); n < 1<<20; n += 1 + n/37 {
		if b := bucket(n); floor(b) > n || floor(b+1) <= n {
			t.Fatalf("%d in bucket %d from %d to %d", n, b, floor(b), floor(b+1))
		}
	}
}

// Rows that share most of their words are found, unrelated ones are not.
func TestNear(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	word := func() string { return fmt.Sprintf("w%d", rng.IntN(3000)) }
	texts := make([]string, 3000)
	planted := map[uint32]uint32{}
	for i := range texts {
		words := make([]string, 60+rng.IntN(200))
		for j := range words {
			words[j] = word()
		}
		if i >= 1000 && i%10 == 0 {
			of := uint32(rng.IntN(1000))
			words = strings.Fields(texts[of])
			words[rng.IntN(len(words))] = word()
			planted[uint32(i)] = of
		}
		texts[i] = strings.Join(words, " ")
	}
	var n Near
	var s Signer
	for i, text := range texts {
		sig, ok := s.Sign("", strings.ToUpper(text))
		if !ok {
			t.Fatal("no words")
		}
		n.Add(uint32(i), sig)
	}
	found := 0
	for _, p := range n.Pairs(0.75, func() bool { return false }) {
		of, ok := planted[p.Row]
		if !ok || of != p.Of && planted[p.Of] != of {
			t.Errorf("row %d is said to repeat %d", p.Row, p.Of)
		}
		found++
	}
	if found < len(planted)*85/100 {
		t.Errorf("%d of %d found", found, len(planted))
	}
}

// Words are the same wherever they stand and however they are written.
func TestWords(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	for range 20_000 {
		b := make([]byte, rng.IntN(300))
		for i := range b {
			b[i] = "abcXYZ019 .,é\xff\n"[rng.IntN(16)]
			if rng.IntN(8) > 0 && i > 0 && b[i-1] != ' ' {
				b[i] = 'w'
			}
		}
		var s Signer
		s.hash(string(b))
		var want []uint64
		for _, w := range bytes.FieldsFunc(bytes.ReplaceAll(b, []byte{0xff}, []byte("\u0100")), func(r rune) bool { return r < 0x80 && !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
			w = bytes.ReplaceAll(w, []byte("\u0100"), []byte{0xff})
			for i, c := range w {
				if c >= 'A' && c <= 'Z' {
					w[i] |= 0x20
				}
			}
			want = append(want, wordHash(slices.Clip(bytes.Clone(w))))
		}
		if !slices.Equal(s.words, want) {
			t.Fatalf("%q: %x, want %x", b, s.words, want)
		}
	}
	if wordHash([]byte("abc")) == wordHash([]byte("abc\x00")) || wordHash([]byte("a\x80")) == wordHash([]byte("a\xa0")) {
		t.Error("different words are the same")
	}
}

func TestSet(t *testing.T) {
	var s Set
	for i := range uint64(5000) {
		if s.Has(i) || !s.Add(i) || s.Add(i) || !s.Has(i) {
			t.Fatal(i)
		}
	}
	if s.Len() != 5000 {
		t.Error(s.Len())
	}
}

func TestProfile(t *testing.T) {
	long := strings.Repeat("this is the whole answer ", 4)
	p := New([]string{"question", "response"})
	p.MaxTokens = 50
	for i, r := range []Row{
		{ID: "flan.1", Question: "What is the name of it?", Answer: "Paris", Tokens: 10}, {ID: "niv.2", Question: "q", Answer: "", Tokens: 90}, {Err: "bad"},
		{ID: "flan.2", Question: "Say " + long, Answer: long}, {ID: "x", Category: "maths", Question: "", Answer: "I'm sorry, I can't."}, {Question: "cafÃ©", Answer: "4"},
	} {
		r.Index = int64(i)
		r.Columns = []string{r.Question, r.Answer}
		q := New(p.Columns)
		q.MaxTokens = p.MaxTokens
		q.Add(r)
		p.Merge(q)
	}
	for class, row := range map[string]int64{Unreadable: 2, EmptyAnswer: 1, AnswerInPrompt: 3, Refusals: 4, EmptyQuestion: 4, DamagedText: 5, TooLong: 1} {
		if c := p.Suspicious[class]; c == nil || c.Rows != 1 || c.Examples[0] != row {
			t.Errorf("%s: %+v", class, c)
		}
	}
	if p.Mixes["flan"] != 2 || p.Mixes["maths"] != 1 || p.Missing[1] != 1 || p.Rows != 6 || p.Languages["en"] == 0 {
		t.Errorf("%+v", p)
	}
	if c := p.Clone(); c.Rows != 6 || c.Suspicious[EmptyAnswer].Rows != 1 {
		t.Errorf("%+v", c)
	}
}

// TestRowsAreNotKept: the text of a row may be overwritten once it was added.
func TestRowsAreNotKept(t *testing.T) {
	p := New([]string{"id"})
	text := []byte("flan.1 What?")
	for range 3 {
		copy(text, "flan.1 What?")
		all := unsafe.String(&text[0], len(text))
		p.Add(Row{ID: all[:6], Question: all[7:], Answer: all[7:], Columns: []string{all[:6]}})
		copy(text, strings.Repeat("x", len(text)))
	}
	if len(p.Mixes) != 1 || p.Mixes["flan"] != 3 {
		t.Errorf("the mixes are %v", p.Mixes)
	}
}

// Many at once are the same set as one after another, in a set that has to grow
// and in one that has room.
func TestSetOfMany(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 5))
	hashes := make([]uint64, 20_000)
	for i := range hashes {
		hashes[i] = rng.Uint64N(9000) * 0x9e3779b97f4a7c15
	}
	for _, room := range []int{0, 100, 30_000} {
		var one, many Set
		many.Grow(room)
		var want, got []int
		for i, h := range hashes {
			if !one.Add(h) {
				want = append(want, i)
			}
		}
		for lo := 0; lo < len(hashes); {
			hi := min(len(hashes), lo+rng.IntN(200))
			many.AddAll(hashes[lo:hi], func(i int) { got = append(got, lo+i) })
			lo = hi
		}
		if one.Len() != many.Len() || !slices.Equal(got, want) {
			t.Errorf("room %d: %d in the set and %d repeated, want %d and %d", room, many.Len(), len(got), one.Len(), len(want))
		}
	}
}

func BenchmarkSet(b *testing.B) {
	hashes := make([]uint64, 400_000)
	for i := range hashes {
		hashes[i] = mix(uint64(i))
	}
	b.ReportAllocs()
	for b.Loop() {
		var s Set
		s.Grow(len(hashes))
		s.AddAll(hashes, func(int) {})
	}
}

func BenchmarkSign(b *testing.B) {
	rng := rand.New(rand.NewPCG(6, 7))
	texts, size := make([]string, 500), 0 // many, so that no branch can be learned
	for i := range texts {
		var text strings.Builder
		for range 300 {
			text.WriteString([]string{"the", "models", "of", "a", "government", "so", "language", "extraordinarily", "12"}[rng.IntN(9)])
			fmt.Fprint(&text, rng.IntN(30), []string{" ", ", ", ".\n\n"}[rng.IntN(3)])
		}
		texts[i] = text.String()
		size += text.Len()
	}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	var s Signer
	for b.Loop() {
		for _, t := range texts {
			if _, ok := s.Sign(t); !ok {
				b.Fatal("no words")
			}
		}
	}
}
