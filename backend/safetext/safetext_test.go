package safetext

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

type payload struct {
	Name  string
	Text  string
	Bytes []byte
}

func (p payload) raw() string {
	if p.Bytes != nil {
		return string(p.Bytes)
	}
	return p.Text
}

func payloads(t testing.TB) []payload {
	t.Helper()
	data, err := os.ReadFile("../../testdata/hostile/payloads.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	var all []payload
	for sc := bufio.NewScanner(bytes.NewReader(data)); sc.Scan(); {
		var p payload
		if err := json.Unmarshal(sc.Bytes(), &p); err != nil {
			t.Fatalf("%v in %s", err, sc.Text())
		}
		all = append(all, p)
	}
	if len(all) < 100 {
		t.Fatalf("only %d payloads", len(all))
	}
	return all
}

// check fails unless s has the properties that the package promises.
func check(t *testing.T, in, s string, lines bool) {
	t.Helper()
	if !utf8.ValidString(s) {
		t.Fatalf("%q → %q: no UTF-8", in, s)
	}
	marks, base := 0, false
	for _, r := range s {
		switch {
		case r == '\n' && lines:
			marks, base = 0, false
			continue
		case unicode.Is(unicode.M, r):
			if marks++; !base || marks > maxMarks {
				t.Fatalf("%q → %q: mark %U", in, s, r)
			}
			continue
		case !unicode.IsPrint(r), r >= 0xfe00 && r <= 0xfe0f, r >= 0x1f3fb && r <= 0x1f3ff, r == 0x20e3:
			t.Fatalf("%q → %q: holds %U", in, s, r)
		}
		if !(r >= 0x1161 && r <= 0x11ff || r >= 0xd7b0 && r <= 0xd7ff) {
			marks = 0
		}
		base = true
	}
}

func checkAll(t *testing.T, in string, cut int) {
	t.Helper()
	text, line := Text(in), Line(in)
	check(t, in, text, true)
	check(t, in, line, false)
	if again := Text(text); again != text {
		t.Fatalf("Text(%q) = %q, again %q", in, text, again)
	}
	if again := Line(line); again != line {
		t.Fatalf("Line(%q) = %q, again %q", in, line, again)
	}
	check(t, in, Log(in), false)
	for _, size := range []int{1, cut} {
		var st Stream
		var b strings.Builder
		for rest := in; rest != ""; {
			n := min(max(size, 1), len(rest))
			b.WriteString(st.Write(rest[:n]))
			rest = rest[n:]
		}
		b.WriteString(st.Flush())
		if b.String() != text {
			t.Fatalf("in pieces of %d, %q gave %q, want %q", size, in, b.String(), text)
		}
	}
}

func TestHostile(t *testing.T) {
	for _, p := range payloads(t) {
		t.Run(p.Name, func(t *testing.T) { checkAll(t, p.raw(), 7) })
	}
}

func TestText(t *testing.T) {
	for _, c := range [][2]string{
		{"plain\nlines", "plain\nlines"},
		{"a\x1b[31mred\x1b[0mb", "aredb"},
		{"a\x1b]0;title\x07b", "ab"},
		{"a\x1b]0;title\u009cb", "ab"},
		{"a\x1b]0;no end\nb", "a␛]0;no end\nb"},
		{"a\x1b[38;5", "a␛[38;5"},
		{"\x1b\x1b[31m]0;x\x07y", "␛]0;x␇y"},
		{"a\r\nb\rc", "a\nb\nc"},
		{"a\tb\x07\x7f", "a    b␇␡"},
		{"\u009b31m\xff", "\uFFFD31m\uFFFD"},
		{"\u202eabc\u200b\u00ad\ufeff", "abc"},
		{"👨\u200d👩\u200d👧 👍🏽 ❤\ufe0f 1\ufe0f\u20e3", "👨👩👧 👍 ❤ 1"},
		{"\u0301e\u0301", "e\u0301"},
		{"日本語 نص", "日本語 نص"},
		{"a\u00a0b\u2800c\u2028d", "a b c\nd"},
	} {
		if got := Text(c[0]); got != c[1] {
			t.Errorf("Text(%q) = %q, want %q", c[0], got, c[1])
		}
	}
}

func TestLine(t *testing.T) {
	for _, c := range [][2]string{
		{"plain", "plain"},
		{"one\ntwo\r\nthree\n", "one⏎two⏎three"},
		{"\n\n", ""},
		{" 10%\r 50%\r100%", "100%"},
		{"100%\r", "100%"},
		{"step\n 10%\r 90%\ndone", "step⏎ 90%⏎done"},
		{"\x1b[2K\rloss 1.2", "loss 1.2"},
	} {
		if got := Line(c[0]); got != c[1] {
			t.Errorf("Line(%q) = %q, want %q", c[0], got, c[1])
		}
	}
}

func TestCleanIsReturned(t *testing.T) {
	s := strings.Repeat("step 12 loss 0.345 ", 50)
	if n := testing.AllocsPerRun(100, func() { _ = Text(s); _ = Line(s) }); n != 0 {
		t.Errorf("%v allocations on clean text", n)
	}
	var st Stream
	if n := testing.AllocsPerRun(100, func() { _ = st.Write(s) }); n != 0 {
		t.Errorf("%v allocations for a clean piece", n)
	}
}

// A text that ends in the middle of a sequence must not
// swallow the next one.
func TestStreamStartsAfresh(t *testing.T) {
	var st Stream
	if got := st.Write("a\x1b]0;ti") + st.Flush(); got != "a␛]0;ti" {
		t.Errorf("first text %q", got)
	}
	if got := st.Write("b\x07") + st.Flush(); got != "b␇" {
		t.Errorf("second text %q", got)
	}
}

func TestRedact(t *testing.T) {
	// Split so that no scanner takes the examples for the real thing.
	id, hf := "AKIA"+"ABCDEFGHIJKLMNOP", "hf_"+"abcdefghijklmnopqrstuvwx"
	for _, c := range [][2]string{
		{"key " + id + " used", "key AKIA[hidden] used"},
		{"login " + hf, "login hf_[hidden]"},
		{"Authorization: Bearer abc.def-ghi", "Authorization: Bearer [hidden]"},
		{"aws_secret_access_key = abcdefgh/ijkl+mn", "aws_secret_access_key = [hidden]"},
		{`{"SecretAccessKey": "abcdefghijk", "x": 1}`, `{"SecretAccessKey": "[hidden]", "x": 1}`},
		{"HF_TOKEN=abcdefghijkl next", "HF_TOKEN=[hidden] next"},
		{"postgres://u:pa55word@db/x", "postgres://u:[hidden]@db/x"},
		{"https://b.s3/k?X-Amz-Signature=0123abcd&a=1", "https://b.s3/k?X-Amz-Signature=[hidden]&a=1"},
		{"a -----BEGIN RSA PRIVATE KEY-----⏎MIIB⏎-----END RSA PRIVATE KEY----- b", "a [hidden] b"},
		{"-----BEGIN PRIVATE KEY-----\nMIIB", "[hidden]"},
		{`{"tokens": 123456789, "eos_token": "<|endoftext|>", "loss": 0.5}`, `{"tokens": 123456789, "eos_token": "<|endoftext|>", "loss": 0.5}`},
		{"s3://bucket/key at 10:20", "s3://bucket/key at 10:20"},
		{"tokens_per_s: 1200000000", "tokens_per_s: 1200000000"},
	} {
		got := Redact(c[0])
		if got != c[1] {
			t.Errorf("Redact(%q) = %q, want %q", c[0], got, c[1])
		}
		if again := Redact(got); again != got {
			t.Errorf("again: %q", again)
		}
	}
	if got := Log("x\x1b[1m " + id[:8] + "\u200b" + id[8:]); got != "x AKIA[hidden]" {
		t.Errorf("a key split by an invisible character: %q", got)
	}
}

func FuzzText(f *testing.F) {
	for _, p := range payloads(f) {
		f.Add(p.raw(), 3)
	}
	f.Fuzz(func(t *testing.T, in string, cut int) { checkAll(t, in, cut) })
}

func BenchmarkText(b *testing.B) {
	for _, c := range []struct{ name, text string }{
		{"ascii", strings.Repeat("2026-01-02T03:04:05 step 12 loss 0.345 lr 2e-4\n", 2000)},
		{"coloured", strings.Repeat("\x1b[32mINFO\x1b[0m step 12 of 400, loss 0.345, 1200 tokens/s\n", 2000)},
		{"cjk", strings.Repeat("微调后的模型回答得更准确。", 2000)},
		{"latin", strings.Repeat("Bücher über Öl – naïve café à Zürich ", 2000)},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(c.text)))
			b.ReportAllocs()
			for b.Loop() {
				_ = Text(c.text)
			}
		})
	}
}

func BenchmarkLog(b *testing.B) {
	s := `tb1 {"event":"step","step":120,"steps":400,"loss":0.3456,"lr":0.0002,"tokens":123456,"tokens_per_s":12345.6}`
	b.SetBytes(int64(len(s)))
	b.ReportAllocs()
	for b.Loop() {
		_ = Log(s)
	}
}

func BenchmarkStream(b *testing.B) {
	pieces := strings.SplitAfter("The answer is Paris, – the café, not \x1b[1mLyon\x1b[0m. 微调 ", " ")
	b.ReportAllocs()
	var st Stream
	for b.Loop() {
		for _, p := range pieces {
			_ = st.Write(p)
		}
	}
}
