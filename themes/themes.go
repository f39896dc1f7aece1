// Package themes holds the colour themes: data files that give each token (what
// a colour is for) a colour, and their loader. Which style a widget makes of a
// token, and how colours are reduced on terminals that show fewer, belong to
// the screen and not here.
package themes

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
)

// Token names what a colour is for.
type Token string

// The tokens. Background is what contrast is measured against; it is never
// painted, the terminal's own shows.
const (
	Background    Token = "background"
	Text          Token = "text"
	Muted         Token = "muted" // labels, units, what is not read first
	Faint         Token = "faint" // hints, placeholders, times
	Accent        Token = "accent"
	AccentText    Token = "accent-text" // on a surface in the accent colour
	Border        Token = "border"
	BorderFocus   Token = "border-focus"
	Selection     Token = "selection" // the surface of the chosen row
	SelectionText Token = "selection-text"
	Header        Token = "header" // the surface of the header line
	HeaderText    Token = "header-text"
	Key           Token = "key" // a key in the footer and in help
	Success       Token = "success"
	Warning       Token = "warning"
	Error         Token = "error"
	Info          Token = "info"
	Series1       Token = "series-1" // lines of charts, columns of models
	Series2       Token = "series-2"
	Series3       Token = "series-3"
	Series4       Token = "series-4"
	Series5       Token = "series-5"
	Series6       Token = "series-6"
)

var tokens = []Token{
	Background, Text, Muted, Faint, Accent, AccentText, Border, BorderFocus, Selection, SelectionText,
	Header, HeaderText, Key, Success, Warning, Error, Info,
	Series1, Series2, Series3, Series4, Series5, Series6,
}

// Series returns the colour token of the i-th line or model, from 0; after six
// they come again.
func Series(i int) Token {
	all := [...]Token{Series1, Series2, Series3, Series4, Series5, Series6}
	return all[((i%len(all))+len(all))%len(all)]
}

// DefaultDark and DefaultLight name the themes for terminals with a dark and
// with a light background.
const (
	DefaultDark  = "dark"
	DefaultLight = "light"
)

// Theme is a complete set of colours.
type Theme struct {
	Name  string
	Title string
	About string
	// Dark says that the theme is meant for a dark background.
	Dark   bool
	colors map[Token]Color
}

// Color returns the token's colour; the terminal's default for a name that is
// no token.
func (t Theme) Color(token Token) Color { return t.colors[token] }

//go:embed data/*.toml
var data embed.FS

// builtin names the themes that come with the program, in the order in which
// they are offered.
var builtin = []string{DefaultDark, DefaultLight, "high-contrast", "deuteranopia", "tritanopia", "ansi16"}

// Names returns the names of the themes that come with the program.
func Names() []string { return slices.Clone(builtin) }

// Load returns a theme that comes with the program.
func Load(name string) (Theme, error) { return NewSet(nil).Load(name) }

// Set is the themes that come with the program and a user's own.
type Set struct{ user fs.FS }

// NewSet returns a set that also finds NAME.toml at the top of user, which may
// be nil. A user's theme goes before a built-in one of the same name.
func NewSet(user fs.FS) Set { return Set{user} }

// Names returns the names of all themes, the built-in ones first. A folder that
// is missing or cannot be read adds none.
func (s Set) Names() []string {
	names := Names()
	if s.user == nil {
		return names
	}
	files, err := fs.Glob(s.user, "*.toml")
	if err != nil {
		return names
	}
	slices.Sort(files)
	for _, f := range files {
		if n := strings.TrimSuffix(f, ".toml"); !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	return names
}

// Load reads and checks a theme. Errors name the file, the key and what is
// allowed; an unknown name is answered with the names there are.
func (s Set) Load(name string) (Theme, error) {
	if name == "" || name != path.Base(name) || name == "." || name == ".." {
		return Theme{}, fmt.Errorf("%q is no name of a theme; use one of %s", name, strings.Join(s.Names(), ", "))
	}
	if s.user != nil {
		raw, err := fs.ReadFile(s.user, name+".toml")
		if err == nil {
			return s.parse(name, raw, true)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return Theme{}, fmt.Errorf("read theme %s: %w", name, err)
		}
	}
	raw, err := data.ReadFile("data/" + name + ".toml")
	if err != nil {
		return Theme{}, fmt.Errorf("there is no theme %q; use one of %s", name, strings.Join(s.Names(), ", "))
	}
	return s.parse(name, raw, false)
}

// file is the form of a theme's file.
type file struct {
	Title  string            `toml:"title"`
	About  string            `toml:"about"`
	Base   string            `toml:"base"` // the built-in theme that gives what is left out
	Dark   *bool             `toml:"dark"`
	Colors map[string]string `toml:"colors"`
}

func (s Set) parse(name string, raw []byte, user bool) (Theme, error) {
	bad := func(format string, args ...any) (Theme, error) {
		return Theme{}, fmt.Errorf("theme %s.toml: %w", name, fmt.Errorf(format, args...))
	}
	var f file
	meta, err := toml.Decode(string(raw), &f)
	if err != nil {
		return bad("%w", err)
	}
	if u := meta.Undecoded(); len(u) > 0 {
		return bad("unknown key %q; there are title, about, base, dark and [colors]", u[0])
	}
	t := Theme{Name: name, Title: f.Title, About: f.About, colors: make(map[Token]Color, len(tokens))}
	if f.Base != "" {
		if !user || !slices.Contains(builtin, f.Base) {
			return bad("base cannot be %q; a user's theme may take one of %s", f.Base, strings.Join(builtin, ", "))
		}
		base, err := Load(f.Base)
		if err != nil {
			return Theme{}, err
		}
		t.Dark = base.Dark
		for k, c := range base.colors {
			t.colors[k] = c
		}
	}
	for key, value := range f.Colors {
		if !slices.Contains(tokens, Token(key)) {
			return bad("unknown colour %q; the colours are %s", key, tokenList(tokens))
		}
		c, err := ParseColor(value)
		if err != nil {
			return bad("%s: %w", key, err)
		}
		t.colors[Token(key)] = c
	}
	var missing []Token
	for _, k := range tokens {
		if _, ok := t.colors[k]; !ok {
			missing = append(missing, k)
		}
	}
	if len(missing) > 0 {
		return bad("no colour for %s; add them, or name a base", tokenList(missing))
	}
	switch {
	case f.Dark != nil:
		t.Dark = *f.Dark
	case f.Base == "":
		return bad(`say whether it is for a dark background: dark = true or dark = false`)
	}
	if t.Title == "" {
		t.Title = name
	}
	return t, nil
}

func tokenList(list []Token) string {
	names := make([]string, len(list))
	for i, t := range list {
		names[i] = string(t)
	}
	return strings.Join(names, ", ")
}
