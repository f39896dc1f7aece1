package match

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

func TestSubstrings(t *testing.T) {
	for _, c := range []struct {
		text, pattern string
		fold, want    bool
	}{
		{"", "", false, true}, {"abc", "", false, true}, {"abc", "bc", false, true}, {"abc", "BC", false, false}, {"aBc", "bC", true, true},
		{"xxthe mistral zq", "the mistral zq", false, true}, {"the mistral z", "the mistral zq", false, false}, {"École", "école", true, true}, {"École", "école", false, false},
		{"a", "abc", true, false}, {"k\u212a", "kk", true, false},
	} {
		p, err := New(c.pattern, Options{Fold: c.fold})
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Matcher().Match([]byte(c.text)); got != c.want {
			t.Errorf("%q in %q fold %v: %v", c.pattern, c.text, c.fold, got)
		}
	}
}

func TestFinderGoesThroughAll(t *testing.T) {
	text := []byte("one TWO three two One")
	f := NewFinder([]string{"two", "one"}, true)
	f.Reset(text)
	var got []int
	for i := f.Next(0); i >= 0; i = f.Next(i + 1) {
		got = append(got, i)
	}
	if fmt.Sprint(got) != "[0 4 14 18]" {
		t.Error(got)
	}
}

func TestRequiredLiterals(t *testing.T) {
	for expr, want := range map[string]string{
		`\w+ness\s+of\s+\w+tion`:        "[ness]",
		`CUDA out of memory.*GPU [37];`: "[CUDA out of memory]",
		`(ERROR|WARNING)`:               "[ERROR WARNING]",
		`foo*`:                          "[fo]",
		`a?b?`:                          "[]",
		`x+(needle)+`:                   "[needle]",
		`(?i)loss`:                      "[LO]",
		`\d+`:                           "[]",
		`(a|)`:                          "[]",
	} {
		p, err := New(expr, Options{Regexp: true})
		if err != nil {
			t.Fatal(err)
		}
		got, _ := p.Literals()
		if fmt.Sprint(got) != want {
			t.Errorf("%s: %v, want %s", expr, got, want)
		}
	}
	if _, err := New("a(", Options{Regexp: true}); err == nil || !strings.Contains(err.Error(), "a(") {
		t.Error(err)
	}
}

func TestInFile(t *testing.T) {
	for _, c := range []struct {
		lits string
		fold bool
		want string
	}{
		{"needle", false, "[needle]"}, {`say "so" to`, false, "[say ]"}, {"a/b", false, "[a]"}, {"\n", false, "[]"}, {"l'école", false, "[cole]"}, {"é", false, `[é \u00]`},
		{"日本", false, `[日本 \u65]`}, {"x\U0001f600", false, "[\U0001f600 \\u]"}, {"é", true, "[]"}, {"one,two/three", false, "[one three]"}, {"one,\t", false, "[]"}, {"\ufffd", false, "[]"},
	} {
		if got := InFile(strings.Split(c.lits, ","), c.fold); fmt.Sprint(got) != c.want {
			t.Errorf("%q: %q, want %s", c.lits, got, c.want)
		}
	}
}

// Whatever the short cuts do, the answer is the standard library's.
func FuzzAgainstRegexp(f *testing.F) {
	for _, e := range []string{`a+b|c$`, `^x.*y$`, `(?i)kelvin`, `\bword\b`, `[^a]é+`, `^$`, `(ab|ba)*c`, `a{2,5}b`, `(?s).`, `(^a|b)$`, `$^`, `x*`, `^(a|$)b?`} {
		f.Add(e, "aab\nc kelvin word éé xyy")
		f.Add(e, "")
		f.Add(e, "\xff\u212aelvin")
	}
	f.Fuzz(func(t *testing.T, expr, text string) {
		if len(expr) > 60 || len(text) > 300 {
			return
		}
		re, err := regexp.Compile(expr)
		p, err2 := New(expr, Options{Regexp: true})
		if err != nil || err2 != nil {
			return
		}
		m := p.Matcher()
		for range 2 {
			if got, want := m.Match([]byte(text)), re.MatchString(text); got != want {
				t.Fatalf("%q in %q: %v, regexp says %v", expr, text, got, want)
			}
		}
	})
}
