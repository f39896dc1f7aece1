package wire

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Validator checks inputs against the constraints of the service models:
// required members, types, lengths, ranges, patterns and enums.
// Rules between members are the handlers' own.
type Validator struct{}

// Check returns nil or the error that AWS answers for the input of an
// operation; members are named as in the model. A value of the wrong type is a
// SerializationException; broken constraints are listed together in one
// ValidationException (InvalidParameterException for CloudWatch Logs).
// Operations whose input is not described are not checked.
func (Validator) Check(serviceName, op string, input map[string]any) error {
	s := models().Services[serviceName]
	sh := s.input(op)
	if sh == nil {
		return nil
	}
	c := &check{service: s}
	c.structure(sh, input, "")
	if c.mistyped != nil {
		return c.mistyped
	}
	if len(c.broken) == 0 {
		return nil
	}
	code := "ValidationException"
	if serviceName == Logs {
		code = "InvalidParameterException"
	}
	noun := "errors"
	if len(c.broken) == 1 {
		noun = "error"
	}
	return Errorf(400, code, "%d validation %s detected: %s", len(c.broken), noun, strings.Join(c.broken, "; "))
}

type check struct {
	service  *service
	broken   []string
	mistyped *Error
}

func (c *check) fail(value any, path, format string, args ...any) {
	c.broken = append(c.broken, fmt.Sprintf("Value %s at '%s' failed to satisfy constraint: %s",
		display(value), path, fmt.Sprintf(format, args...)))
}

// wrongType remembers the first value that its member's type cannot hold.
func (c *check) wrongType(x any, want string) {
	if c.mistyped != nil {
		return
	}
	var text string
	switch x := x.(type) {
	case map[string]any:
		text = "Start of structure or map found where not expected."
	case []any:
		text = "Start of list found where not expected."
	case string:
		text = "STRING_VALUE cannot be converted to " + want
	case bool:
		text = strings.ToUpper(strconv.FormatBool(x)) + "_VALUE cannot be converted to " + want
	default:
		text = "NUMBER_VALUE cannot be converted to " + want
	}
	c.mistyped = Errorf(400, "SerializationException", "%s", text)
}

// display shows a value as the messages of AWS do; long ones are cut.
func display(x any) string {
	var text string
	switch x := x.(type) {
	case nil:
		return "null"
	case string:
		text = x
	default:
		b, _ := json.Marshal(x)
		text = string(b)
	}
	if r := []rune(text); len(r) > 1024 {
		text = string(r[:1024]) + "..."
	}
	return "'" + text + "'"
}

func child(path, member string) string {
	member = strings.ToLower(member[:1]) + member[1:]
	if path == "" {
		return member
	}
	return path + "." + member
}

func (c *check) value(shapeName string, x any, path string) {
	sh := c.service.Shapes[shapeName]
	if sh == nil || sh.Document {
		return
	}
	switch sh.Type {
	case "structure":
		m, ok := x.(map[string]any)
		if !ok {
			c.wrongType(x, "Structure")
			return
		}
		c.structure(sh, m, path)
	case "list":
		l, ok := x.([]any)
		if !ok {
			c.wrongType(x, "List")
			return
		}
		c.length(sh, x, len(l), path)
		for i, e := range l {
			at := path + "." + strconv.Itoa(i+1) + ".member"
			if e == nil {
				c.fail(nil, at, "Member must not be null")
				continue
			}
			c.value(sh.Member.Shape, e, at)
		}
	case "map":
		m, ok := x.(map[string]any)
		if !ok {
			c.wrongType(x, "Map")
			return
		}
		c.length(sh, x, len(m), path)
		keys := make([]string, 0, len(m))
		for k := range m {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		for _, k := range keys {
			c.value(sh.Key.Shape, k, path+"."+k+".key")
			if m[k] == nil {
				c.fail(nil, path+"."+k+".member", "Member must not be null")
				continue
			}
			c.value(sh.Value.Shape, m[k], path+"."+k+".member")
		}
	case "string":
		c.text(sh, x, path)
	case "blob":
		if _, ok := x.(string); !ok {
			c.wrongType(x, "Blob")
		}
	case "boolean":
		if _, ok := x.(bool); !ok {
			c.wrongType(x, "Boolean")
		}
	case "integer", "long", "float", "double":
		c.number(sh, x, path)
	case "timestamp":
		switch x.(type) {
		case string, float64:
		default:
			c.wrongType(x, "Timestamp")
		}
	}
}

func (c *check) structure(sh *shape, m map[string]any, path string) {
	for _, name := range sh.Required {
		if m[name] == nil && name != sh.Payload {
			c.fail(nil, child(path, name), "Member must not be null")
		}
	}
	for _, name := range sh.memberNamesSorted {
		if x := m[name]; x != nil { // members that the model does not know are ignored, as AWS does
			c.value(sh.Members[name].Shape, x, child(path, name))
		}
	}
}

func (c *check) text(sh *shape, x any, path string) {
	s, ok := x.(string)
	if !ok {
		c.wrongType(x, "String")
		return
	}
	if len(sh.Enum) > 0 {
		if !slices.Contains(sh.Enum, s) {
			c.fail(s, path, "Member must satisfy enum value set: [%s]", strings.Join(sh.Enum, ", "))
		}
		return
	}
	c.length(sh, s, utf8.RuneCountInString(s), path)
	if sh.Pattern != "" && !sh.matches(s) {
		c.fail(s, path, "Member must satisfy regular expression pattern: %s", sh.Pattern)
	}
}

func (c *check) number(sh *shape, x any, path string) {
	f, ok := x.(float64)
	whole := sh.Type == "integer" || sh.Type == "long"
	if !ok || whole && f != math.Trunc(f) {
		want := map[string]string{"integer": "Integer", "long": "Long", "float": "Float", "double": "Double"}[sh.Type]
		c.wrongType(x, want)
		return
	}
	if sh.Min != nil && f < *sh.Min {
		c.fail(x, path, "Member must have value greater than or equal to %s", plain(*sh.Min))
	}
	if sh.Max != nil && f > *sh.Max {
		c.fail(x, path, "Member must have value less than or equal to %s", plain(*sh.Max))
	}
}

func (c *check) length(sh *shape, x any, n int, path string) {
	if sh.Min != nil && float64(n) < *sh.Min {
		c.fail(x, path, "Member must have length greater than or equal to %s", plain(*sh.Min))
	}
	if sh.Max != nil && float64(n) > *sh.Max {
		c.fail(x, path, "Member must have length less than or equal to %s", plain(*sh.Max))
	}
}

// plain writes a bound without an exponent.
func plain(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
