package fmevalio

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"

	"github.com/jmespath/go-jmespath"

	"tunebench/metrics/pytext"
)

// location is a compiled JMESPath expression.
type location struct {
	text string
	path *jmespath.JMESPath
	// plain expressions only walk down, so numbers pass through them as they
	// were written; others compare and compute, which the library does on
	// float64 only.
	plain bool
}

// CheckLocation tells whether a JMESPath expression can be used; "" can.
func CheckLocation(expression string) error {
	if expression == "" {
		return nil
	}
	_, err := jmespath.Compile(expression)
	if err != nil {
		return fmt.Errorf("no JMESPath: %w", err)
	}
	return nil
}

func compile(column, expression string) (*location, error) {
	p, err := jmespath.Compile(expression)
	if err != nil {
		return nil, fmt.Errorf("%s_location: the JMESPath %q cannot be compiled: %w", column, expression, err)
	}
	return &location{expression, p, !strings.ContainsAny(expression, "?(`&<>=!'")}, nil
}

// document is a JSON value prepared for searching: objects as maps, which the
// JMESPath library needs, with the order of their keys on the side.
type document struct {
	value  any // as pytext.Decode returned it
	orders map[uintptr][]string
	exact  any // numbers as pytext.Int and float64
	floats any // all numbers as float64
	// written tells how numbers are spelled in the document: 3 and 3.0 are
	// different texts to Python.
	whole, broken map[float64]pytext.Int
}

func newDocument(v any) *document { return &document{value: v, orders: map[uintptr][]string{}} }

func (d *document) tree(v any, floats bool) any {
	switch v := v.(type) {
	case pytext.Int:
		if floats {
			f := v.Float()
			d.whole[f] = v
			return f
		}
	case float64:
		if floats {
			d.broken[v] = ""
		}
	case []any:
		list := make([]any, len(v))
		for i, e := range v {
			list[i] = d.tree(e, floats)
		}
		return list
	case *pytext.Dict:
		m := make(map[string]any, len(v.Keys))
		for k, e := range v.Values {
			m[k] = d.tree(e, floats)
		}
		d.orders[reflect.ValueOf(m).Pointer()] = v.Keys
		return m
	}
	return v
}

// search returns what the expression finds, in the form of pytext.Decode. Keys
// of objects that the expression itself makes come in alphabetical order.
func (l *location) search(d *document) (v any, err error) {
	defer func() {
		if r := recover(); r != nil { // the library panics on some odd expressions
			v, err = nil, fmt.Errorf("the JMESPath %q cannot be applied: %v", l.text, r)
		}
	}()
	if l.plain {
		if d.exact == nil {
			d.exact = d.tree(d.value, false)
		}
		v, err = l.path.Search(d.exact)
	} else {
		if d.floats == nil {
			d.whole, d.broken = map[float64]pytext.Int{}, map[float64]pytext.Int{}
			d.floats = d.tree(d.value, true)
		}
		v, err = l.path.Search(d.floats)
	}
	if err != nil {
		return nil, fmt.Errorf("the JMESPath %q cannot be applied: %w", l.text, err)
	}
	return d.back(v, !l.plain), nil
}

// back undoes tree.
func (d *document) back(v any, floats bool) any {
	switch v := v.(type) {
	case float64:
		if !floats {
			break
		}
		if i, ok := d.whole[v]; ok {
			return i
		}
		if _, ok := d.broken[v]; !ok && v == math.Trunc(v) && math.Abs(v) < 1e15 {
			return pytext.Int(strconv.FormatFloat(v, 'f', -1, 64)) // computed, as by length()
		}
	case []any:
		list := make([]any, len(v))
		for i, e := range v {
			list[i] = d.back(e, floats)
		}
		return list
	case map[string]any:
		dict := &pytext.Dict{Values: make(map[string]any, len(v))}
		keys := d.orders[reflect.ValueOf(v).Pointer()]
		if keys == nil {
			keys = pytext.SortedKeys(v)
		}
		for _, k := range keys {
			dict.Set(k, d.back(v[k], floats))
		}
		return dict
	}
	return v
}
