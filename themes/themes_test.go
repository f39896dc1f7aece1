package themes

import (
	"math"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func load(t *testing.T, name string) Theme {
	t.Helper()
	th, err := Load(name)
	if err != nil {
		t.Fatal(err)
	}
	return th
}

func TestEveryTheme(t *testing.T) {
	entries, err := data.ReadDir("data")
	if err != nil || len(entries) != len(Names()) {
		t.Fatalf("%d files for %d names (%v)", len(entries), len(Names()), err)
	}
	for _, name := range Names() {
		th := load(t, name)
		if th.Title == "" || th.About == "" || len(th.colors) != len(tokens) {
			t.Errorf("%s: %+v", name, th)
		}
		measured := name != "ansi16"
		for token, c := range th.colors {
			if _, _, _, ok := c.RGB(); ok != measured {
				t.Errorf("%s: %s is %q", name, token, c)
			}
			if i, ok := c.Index(); ok && i > 15 {
				t.Errorf("%s: %s is outside the sixteen colours", name, token)
			}
		}
		least := 4.5
		if name == "high-contrast" {
			least = 7
		}
		for _, w := range th.WeakText(least) {
			t.Errorf("%s: %v", name, w)
		}
		if r, ok := Contrast(th.Color(BorderFocus), th.Color(Background)); ok && r < 3 {
			t.Errorf("%s: the border in focus has a contrast of %.1f", name, r)
		}
		if bg := th.Color(Background); measured && (luminance(bg) < 0.2) != th.Dark {
			t.Errorf("%s: dark is %v", name, th.Dark)
		}
	}
	for _, token := range tokens {
		if surfaces[token] == nil && !slices.Contains([]Token{Background, Border, BorderFocus, Selection, Header}, token) {
			t.Errorf("%s is read as text but its contrast is not measured", token)
		}
	}
}

func TestContrast(t *testing.T) {
	black, _ := ParseColor("#000000")
	white, _ := ParseColor("#ffffff")
	grey, _ := ParseColor("#767676") // the lightest grey that passes 4.5 on white
	if r, _ := Contrast(black, white); r != 21 {
		t.Error(r)
	}
	if r, _ := Contrast(grey, white); math.Abs(r-4.54) > 0.005 {
		t.Error(r)
	}
	if _, ok := Contrast(Color{}, white); ok {
		t.Error("the terminal's default was measured")
	}
}

// The simulation of colour-blindness at full severity in linear light, from
// G. Machado, M. Oliveira, L. Fernandes, "A physiologically-based model for
// simulation of color vision deficiency" (2009).
var sights = map[string][3][3]float64{
	"normal":       {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}},
	"deuteranopia": {{0.367322, 0.860646, -0.227968}, {0.280085, 0.672501, 0.047413}, {-0.011820, 0.042940, 0.968881}},
	"protanopia":   {{0.152286, 1.052583, -0.204868}, {0.114503, 0.786281, 0.099216}, {-0.003882, -0.048116, 1.051998}},
	"tritanopia":   {{1.255528, -0.076749, -0.178779}, {-0.078411, 0.930809, 0.147602}, {0.004733, 0.691367, 0.303900}},
}

// lab gives the CIELAB coordinates of what an eye sees.
func lab(c Color, sight [3][3]float64) [3]float64 {
	in := [3]float64{linear(c.r), linear(c.g), linear(c.b)}
	var v [3]float64
	for i := range v {
		for j := range in {
			v[i] += sight[i][j] * in[j]
		}
		v[i] = min(1, max(0, v[i]))
	}
	f := func(t float64) float64 {
		if t > 0.008856 {
			return math.Cbrt(t)
		}
		return 7.787*t + 16.0/116
	}
	x := f((0.4124564*v[0] + 0.3575761*v[1] + 0.1804375*v[2]) / 0.95047)
	y := f(0.2126729*v[0] + 0.7151522*v[1] + 0.0721750*v[2])
	z := f((0.0193339*v[0] + 0.1191920*v[1] + 0.9503041*v[2]) / 1.08883)
	return [3]float64{116*y - 16, 500 * (x - y), 200 * (y - z)}
}

// Colours that must be told apart are at least 15 ΔE apart (about 2 can just be
// seen side by side), for ordinary eyes in every theme and for those whom a
// theme is made for.
func TestColoursAreToldApart(t *testing.T) {
	groups := [][]Token{{Success, Warning, Error, Info}, {Series1, Series2, Series3, Series4, Series5, Series6}}
	made := map[string][]string{"deuteranopia": {"deuteranopia", "protanopia"}, "tritanopia": {"tritanopia"}}
	for _, name := range Names() {
		if name == "ansi16" {
			continue
		}
		th := load(t, name)
		for _, sight := range append([]string{"normal"}, made[name]...) {
			for _, group := range groups {
				for i, a := range group {
					for _, b := range group[:i] {
						p, q := lab(th.Color(a), sights[sight]), lab(th.Color(b), sights[sight])
						if d := math.Sqrt((p[0]-q[0])*(p[0]-q[0]) + (p[1]-q[1])*(p[1]-q[1]) + (p[2]-q[2])*(p[2]-q[2])); d < 15 {
							t.Errorf("%s, %s sight: %s and %s are %.0f apart", name, sight, a, b, d)
						}
					}
				}
			}
		}
	}
}

func TestUserThemes(t *testing.T) {
	set := NewSet(fstest.MapFS{
		"mine.toml":    {Data: []byte("base = \"light\"\n[colors]\naccent = \"#123456\"\n")},
		"dark.toml":    {Data: []byte("title = \"My dark\"\nbase = \"dark\"\n")},
		"typo.toml":    {Data: []byte("base = \"dark\"\n[colors]\nacent = \"#123456\"\n")},
		"value.toml":   {Data: []byte("base = \"dark\"\n[colors]\naccent = \"red\"\n")},
		"partial.toml": {Data: []byte("dark = true\n[colors]\naccent = \"1\"\n")},
		"key.toml":     {Data: []byte("bse = \"dark\"\n")},
		"syntax.toml":  {Data: []byte("base = \n")},
		"notes.txt":    {Data: []byte("x")},
	})
	if n := set.Names(); !slices.Contains(n, "mine") || slices.Contains(n, "notes") || len(n) != len(builtin)+6 {
		t.Errorf("names %q", n)
	}
	mine, err := set.Load("mine")
	if err != nil || mine.Dark || mine.Color(Accent).String() != "#123456" || mine.Color(Text) != load(t, "light").Color(Text) {
		t.Errorf("%+v %v", mine, err)
	}
	if d, err := set.Load("dark"); err != nil || d.Title != "My dark" || !d.Dark {
		t.Errorf("%+v %v", d, err)
	}
	for name, want := range map[string]string{
		"typo": "acent", "value": "#rrggbb", "partial": "background", "key": "bse", "syntax": "line 1",
		"none": "high-contrast", "../dark": "no name", "": "no name",
	} {
		if _, err := set.Load(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestColorStrings(t *testing.T) {
	for in, want := range map[string]string{"#A0b1c2": "#a0b1c2", "12": "12", "default": ""} {
		if c, err := ParseColor(in); err != nil || c.String() != want {
			t.Errorf("%q: %q %v", in, c, err)
		}
	}
	for _, in := range []string{"", "256", "-1", "#12345", "#+12345", "blue"} {
		if c, err := ParseColor(in); err == nil {
			t.Errorf("%q gave %q", in, c)
		}
	}
	if Series(7) != Series2 || Series(-1) != Series6 {
		t.Error("series do not go round")
	}
}
