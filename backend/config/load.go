package config

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"tunebench/backend/safetext"
)

// Problem is one thing wrong in the file.
type Problem struct {
	Line    int    // from 1; 0 if it could not be found
	Key     string // "chat.max_tokens"
	Message string // what is wrong and what would be right
}

// Error lists what is wrong in a configuration file. The configuration that
// came with it is usable: wrong settings have their defaults in it.
type Error struct {
	Path     string
	Problems []Problem
}

// Error has a line for each problem.
func (e *Error) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		at := e.Path
		if p.Line > 0 {
			at += fmt.Sprintf(":%d", p.Line)
		}
		if p.Key != "" {
			at += ": " + p.Key
		}
		lines[i] = safetext.Line(at + ": " + p.Message)
	}
	return strings.Join(lines, "\n")
}

// Load reads the file at path over the defaults. A file that does not exist is
// no error. With an *[Error] the configuration is still usable: a wrong setting
// keeps its default, a file that is no TOML gives the defaults.
func Load(path string) (Config, error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Default(), nil
	}
	if err != nil {
		return Default(), fmt.Errorf("read the configuration: %w", err)
	}
	return parse(path, string(raw))
}

func parse(path, src string) (Config, error) {
	c := Default()
	var tree map[string]any
	if _, err := toml.Decode(src, &tree); err != nil {
		p := Problem{Message: err.Error()}
		if pe, ok := errors.AsType[toml.ParseError](err); ok {
			p = Problem{Line: pe.Position.Line, Message: pe.Message}
			if p.Message == "" {
				p.Message = strings.TrimPrefix(pe.Error(), "toml: ")
			}
		}
		// Nothing else is known of a file that cannot be read; but who may have asked
		// for nothing to be changed gets that.
		c.Account.ReadOnly = strings.Contains(src, "read_only")
		return c, &Error{path, []Problem{p}}
	}
	l := loader{src: src}
	l.section("", tree, reflect.ValueOf(&c).Elem())
	l.check(&c)
	if len(l.problems) == 0 {
		return c, nil
	}
	slices.SortStableFunc(l.problems, func(a, b Problem) int {
		return cmp.Or(a.Line-b.Line, strings.Compare(a.Key, b.Key))
	})
	return c, &Error{path, l.problems}
}

// loader carries values from the parsed file into a Config.
type loader struct {
	src      string
	problems []Problem
}

func (l *loader) problem(key, format string, args ...any) {
	l.problems = append(l.problems, Problem{lineOf(l.src, key), key, fmt.Sprintf(format, args...)})
}

// section fills the struct to from a table whose keys begin with prefix.
func (l *loader) section(prefix string, table map[string]any, to reflect.Value) {
	fields := map[string]reflect.Value{}
	for i := range to.NumField() {
		fields[to.Type().Field(i).Tag.Get("toml")] = to.Field(i)
	}
	for _, name := range slices.Sorted(maps.Keys(table)) {
		key := prefix + name
		f, ok := fields[name]
		if !ok {
			l.unknown(prefix, name, slices.Sorted(maps.Keys(fields)))
			continue
		}
		if f.Kind() == reflect.Struct {
			if t, ok := table[name].(map[string]any); ok {
				l.section(key+".", t, f)
			} else {
				l.problem(key, "is a section; write [%s] on a line of its own", name)
			}
			continue
		}
		l.value(key, table[name], f)
	}
}

// value sets f, which is of one of the kinds that Config has.
func (l *loader) value(key string, v any, f reflect.Value) {
	switch to := f.Addr().Interface().(type) {
	case *string:
		s, ok := v.(string)
		switch {
		case !ok:
			l.problem(key, "must be text in quotes, not %s", describe(v))
		case key != "eval.delimiter" && safetext.Line(s) != s:
			l.problem(key, "holds control or invisible characters; write it without them")
		default:
			*to = s
		}
	case *bool:
		if b, ok := v.(bool); ok {
			*to = b
		} else {
			l.problem(key, "must be true or false, not %s", describe(v))
			*to = key == "account.read_only" // what cannot be told is not changed
		}
	case *int:
		if n, ok := v.(int64); ok && n >= math.MinInt32 && n <= math.MaxInt32 {
			*to = int(n)
		} else {
			l.problem(key, "must be a whole number of ordinary size, not %s", describe(v))
		}
	case *float64:
		if x, ok := number(v); ok {
			*to = x
		} else {
			l.problem(key, "must be a number, not %s", describe(v))
		}
	case *map[string]float64:
		l.prices(key, v, *to)
	case *map[string]TokenPrice:
		l.tokens(key, v, *to)
	case *map[string][]string:
		l.keys(key, v, to)
	default:
		panic("config: no reader for a setting of type " + f.Type().String())
	}
}

// prices adds to the defaults, so that a file need only hold what differs.
func (l *loader) prices(key string, v any, to map[string]float64) {
	t, ok := v.(map[string]any)
	if !ok {
		l.problem(key, `must be a section with prices: "ml.g5.2xlarge" = 1.515`)
		return
	}
	for name, v := range t {
		if _, nested := v.(map[string]any); nested {
			l.problem(key+"."+name, `has to be in quotes: "ml.g5.2xlarge" = 1.515`)
		} else if x, ok := number(v); !ok || !(x >= 0) || math.IsInf(x, 0) {
			l.problem(key+"."+name, "must be a price of 0 or more, not %s", describe(v))
		} else if !instanceForm.MatchString(name) {
			l.problem(key+"."+name, "is no instance type; they look like ml.g5.2xlarge")
		} else {
			to[name] = x
		}
	}
}

func (l *loader) keys(key string, v any, to *map[string][]string) {
	t, ok := v.(map[string]any)
	if !ok {
		l.problem(key, `must be a section with keys for actions: quit = "ctrl+q"`)
		return
	}
	for name, v := range t {
		list, ok := v.([]any)
		if s, one := v.(string); one {
			list, ok = []any{s}, true
		}
		var keys []string
		for _, k := range list {
			s, text := k.(string)
			if !text || s == "" || safetext.Line(s) != s {
				ok = false
				break
			}
			keys = append(keys, s)
		}
		if !ok {
			l.problem(key+"."+name, `must be a key or a list of keys, such as "ctrl+q" or ["q", "ctrl+q"]`)
			continue
		}
		if *to == nil {
			*to = map[string][]string{}
		}
		(*to)[name] = keys // an empty list takes the action's keys away
	}
}

func number(v any) (float64, bool) {
	switch n := v.(type) {
	case int64:
		return float64(n), true
	case float64:
		return n, true
	}
	return 0, false
}

// describe says what a value of the file is.
func describe(v any) string {
	switch x := v.(type) {
	case string:
		return fmt.Sprintf("the text %q", x)
	case bool, int64, float64:
		return fmt.Sprint(x)
	case []any:
		return "a list"
	case map[string]any, []map[string]any:
		return "a section"
	}
	return "a date or time"
}

// unknown reports a key that does not exist, with the nearest that does.
func (l *loader) unknown(prefix, name string, valid []string) {
	key := prefix + name
	if prefix == "" {
		if near := nearest(name, valid); near != "" {
			l.problem(key, "is no section; did you mean [%s]?", near)
			return
		}
		for _, s := range valid {
			if slices.Contains(names(s), name) {
				l.problem(key, "belongs into the section [%s]", s)
				return
			}
		}
		l.problem(key, "is no section; there are %s", strings.Join(valid, ", "))
		return
	}
	if near := nearest(name, valid); near != "" {
		l.problem(key, "is no setting; did you mean %s?", near)
		return
	}
	for s := range sections() {
		if slices.Contains(names(s), name) {
			l.problem(key, "belongs into the section [%s]", s)
			return
		}
	}
	l.problem(key, "is no setting; [%s] has %s", strings.TrimSuffix(prefix, "."), strings.Join(valid, ", "))
}
