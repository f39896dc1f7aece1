package pytext

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// The 29 code points for which Python's str.isspace is true.
func TestSpace(t *testing.T) {
	want := []rune{0x9, 0xa, 0xb, 0xc, 0xd, 0x1c, 0x1d, 0x1e, 0x1f, 0x20, 0x85, 0xa0, 0x1680, 0x2000, 0x2001, 0x2002, 0x2003, 0x2004,
		0x2005, 0x2006, 0x2007, 0x2008, 0x2009, 0x200a, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000}
	var got []rune
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if Space(r) {
			got = append(got, r)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("%U", got)
	}
}

func TestCase(t *testing.T) {
	for in, want := range map[string]string{
		"ΑΣ": "ας", "ΑΣΑ": "ασα", "Σ": "σ", "ΑΣ.": "ας.", "ΑΣ'Α": "ασ'α", "İ": "i̇", "ẞ": "ß", "K": "k", "plain": "plain", "ÀB": "àb",
	} {
		if got := Lower(in); got != want {
			t.Errorf("Lower(%q) = %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]string{"straße": "STRASSE", "ﬁ": "FI", "ŉ": "ʼN", "ab1": "AB1", "\u0390": "\u0399\u0308\u0301"} {
		if got := Upper(in); got != want {
			t.Errorf("Upper(%q) = %q, want %q", in, got, want)
		}
	}
}

// Values of Python's repr and json.dumps.
func TestFloat(t *testing.T) {
	for f, want := range map[float64]string{
		1: "1.0", 0: "0.0", math.Copysign(0, -1): "-0.0", 0.6666666666666666: "0.6666666666666666", 1e-5: "1e-05", 1e16: "1e+16",
		123456789012345680: "1.2345678901234568e+17", 1e15: "1000000000000000.0", 0.0001: "0.0001", -2.5e-10: "-2.5e-10", 5e-324: "5e-324",
	} {
		if got := string(AppendFloat(nil, f)); got != want && f != 0 {
			t.Errorf("repr of %v is %q, want %q", f, got, want)
		}
	}
	for want, f := range map[string]float64{"NaN": math.NaN(), "Infinity": math.Inf(1), "-Infinity": math.Inf(-1), "-0.0": math.Copysign(0, -1)} {
		if got := string(AppendJSONFloat(nil, f)); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// Texts that Python's str() gives for json.loads of the input.
func TestStr(t *testing.T) {
	for in, want := range map[string]string{
		`"x"`: "x", `true`: "True", `null`: "None", `3.0`: "3.0", `-0`: "0", `1e22`: "1e+22", `100000000000000000000`: "100000000000000000000",
		`{"b": [1, null, "x\ny"], "a": "it's"}`:          `{'b': [1, None, 'x\ny'], 'a': "it's"}`,
		`["\"'", "é\u0000\u200b\ue000", "\ud83d\ude00"]`: `['"\'', 'é\x00\u200b\ue000', '😀']`,
		`{"a": 1, "b": 2, "a": 3}`:                       "{'a': 3, 'b': 2}",
	} {
		v, err := Decode([]byte(in))
		if err != nil || Str(v) != want {
			t.Errorf("%s: %s %v, want %s", in, Str(v), err, want)
		}
	}
}

func TestDecodeErrors(t *testing.T) {
	for in, want := range map[string]string{
		"": "too early", "{": "too early", `{"a" 1}`: "colon", `[1 2]`: "comma", "1 x": "follows", "nul": "no value", "01": "follows", "1.": "too early",
		`"\x"`: "escape", "\"\n\"": "control", `"a`: "too early", "NaN": "no value", strings.Repeat("[", 2000): "deep",
	} {
		if _, err := Decode([]byte(in)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: %v, want %q", in, err, want)
		}
	}
}

// Decode takes what encoding/json takes, but for depth, and what is written again
// reads the same.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{`{"a": [1, 2.5e3, "\ud83d\ude00é", null, true]}`, `"\ud800"`, `-0.0`, `[1e999]`, "\"\xff\"", `[01]`, "{}x"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := Decode(data)
		if ok := json.Valid(data); ok != (err == nil) {
			t.Fatalf("%q: %v, but valid is %v", data, err, ok)
		}
		if err != nil {
			return
		}
		text, err := AppendJSON(nil, v)
		if err != nil {
			t.Fatal(err)
		}
		if !utf8.Valid(text) || !utf8.ValidString(Str(v)) {
			t.Fatalf("%q is no UTF-8", text)
		}
		if strings.Contains(string(text), "Infinity") {
			return // a number too large for a float, which Python takes and does not write back either
		}
		again, err := Decode(text)
		if err != nil || Str(again) != Str(v) {
			t.Fatalf("%q became %q: %v", data, text, err)
		}
	})
}

func FuzzText(f *testing.F) {
	f.Add("ΑΣ İ ß \xff\x1f")
	f.Fuzz(func(t *testing.T, s string) {
		for _, got := range []string{Lower(s), Upper(s)} {
			if utf8.ValidString(s) && !utf8.ValidString(got) {
				t.Fatalf("%q gives %q", s, got)
			}
		}
		for _, w := range Fields(s) {
			if w == "" || Strip(w) != w {
				t.Fatalf("field %q of %q", w, s)
			}
		}
		var joined []string
		for i := 0; ; {
			start, n := FieldAt(s, i)
			if n == 0 {
				break
			}
			joined = append(joined, s[start:start+n])
			i = start + n
		}
		if !slices.Equal(joined, Fields(s)) && len(joined)+len(Fields(s)) > 0 {
			t.Fatalf("%q and %q", joined, Fields(s))
		}
		quoted := AppendJSONString(nil, s)
		if back, err := Decode(quoted); err != nil || back != strings.ToValidUTF8(s, "\ufffd") && utf8.ValidString(s) {
			t.Fatalf("%q: %v %v", quoted, back, err)
		}
	})
}
