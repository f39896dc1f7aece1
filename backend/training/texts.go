package training

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"tunebench/backend/safetext"
)

// Settings and options can be told as text, by their JSON names: so a form, the
// command line and a record of a job tell them.

// Texts are all settings in the form that Override takes.
func (s Settings) Texts() map[string]string { return texts(reflect.ValueOf(s)) }

// Texts are all options in the form that Override takes.
func (o Options) Texts() map[string]string { return texts(reflect.ValueOf(o)) }

// Override sets options by their JSON names, as text: lists are separated by
// commas, tags are key=value.
func (o *Options) Override(set map[string]string) error {
	if err := override(reflect.ValueOf(o).Elem(), "job option", set); err != nil {
		return err
	}
	return o.check()
}

func jsonName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name
}

// texts tells the fields of a struct of text, numbers, truth values, lists of
// text and maps of text.
func texts(v reflect.Value) map[string]string {
	set := map[string]string{}
	for i := range v.NumField() {
		name := jsonName(v.Type().Field(i))
		switch f := v.Field(i).Interface().(type) {
		case float64:
			set[name] = strconv.FormatFloat(f, 'g', -1, 64)
		case []string:
			set[name] = strings.Join(f, ",")
		case map[string]string:
			var parts []string
			for _, k := range slices.Sorted(maps.Keys(f)) {
				parts = append(parts, k+"="+f[k])
			}
			set[name] = strings.Join(parts, ",")
		case *bool:
			if set[name] = ""; f != nil {
				set[name] = strconv.FormatBool(*f)
			}
		default:
			set[name] = fmt.Sprint(f)
		}
	}
	return set
}

// override sets fields of such a struct. what is what a field is called in an
// error.
func override(v reflect.Value, what string, set map[string]string) error {
	var names []string
	fields := map[string]reflect.Value{}
	for i := range v.NumField() {
		name := jsonName(v.Type().Field(i))
		names = append(names, name)
		fields[name] = v.Field(i)
	}
	for _, key := range slices.Sorted(maps.Keys(set)) { // so that the first error is always the same
		f, ok := fields[key]
		if !ok {
			return fmt.Errorf("there is no %s %q; there are: %s", what, safetext.Line(key), strings.Join(names, ", "))
		}
		text := strings.TrimSpace(set[key])
		bad := func(want string) error {
			return fmt.Errorf("the %s %s cannot be %q; it is %s", what, key, safetext.Line(text), want)
		}
		switch to := f.Addr().Interface().(type) {
		case *string:
			*to = text
		case *int:
			n, err := strconv.Atoi(text)
			if err != nil {
				return bad("a whole number")
			}
			*to = n
		case *uint64:
			n, err := strconv.ParseUint(text, 10, 64)
			if err != nil {
				return bad("a whole number, not below 0")
			}
			*to = n
		case *float64:
			n, err := strconv.ParseFloat(text, 64)
			if err != nil {
				return bad("a number")
			}
			*to = n
		case *bool:
			b, err := strconv.ParseBool(text)
			if err != nil {
				return bad("true or false")
			}
			*to = b
		case **bool: // absent means the container's default
			if *to = nil; text != "" {
				b, err := strconv.ParseBool(text)
				if err != nil {
					return bad("true, false or empty for the container's default")
				}
				*to = &b
			}
		case *[]string:
			*to = list(text)
		case *map[string]string:
			*to = nil
			for _, part := range list(text) {
				k, v, ok := strings.Cut(part, "=")
				if !ok {
					return bad("a list such as team=research,stage=test")
				}
				if *to == nil {
					*to = map[string]string{}
				}
				(*to)[strings.TrimSpace(k)] = strings.TrimSpace(v)
			}
		}
	}
	return nil
}

// list is what stands between commas.
func list(text string) []string {
	var parts []string
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, part)
		}
	}
	return parts
}
