package training

import (
	"encoding/json"
	"math"
	"regexp"
	"strconv"
	"strings"

	"tunebench/backend/safetext"
)

const (
	eventPrefix = "tb1 {"
	// maxEventLine bounds what is parsed of a line.
	maxEventLine = 64 << 10
	maxEventName = 32
	maxStep      = 1 << 40
)

// bareNumbers are the words that Python writes for numbers JSON cannot hold.
var bareNumbers = regexp.MustCompile(`([:\[,]\s*)(-?Infinity|-?inf|NaN|nan)\b`)

// ParseEvent reads a line of the training code's own format, which may stand
// behind the remains of a progress bar. It returns nil for any other line.
// Numbers may be quoted; those that are not finite are left out, and Message
// says so.
func ParseEvent(line string) *Event {
	i := strings.LastIndex(line, eventPrefix)
	if i < 0 || len(line)-i > maxEventLine {
		return nil
	}
	text := strings.TrimSpace(line[i+len(eventPrefix)-1:])
	var raw map[string]any
	dec := func(s string) bool {
		d := json.NewDecoder(strings.NewReader(s))
		d.UseNumber()
		return d.Decode(&raw) == nil
	}
	if !dec(text) {
		raw = nil
		if !dec(bareNumbers.ReplaceAllString(text, `${1}"${2}"`)) {
			return nil
		}
	}
	name, _ := raw["event"].(string)
	name = safetext.Line(name)
	if name == "" || len(name) > maxEventName {
		return nil
	}
	e := &Event{Event: name}
	if m, ok := raw["message"].(string); ok {
		e.Message = safetext.Log(m)
	}
	var odd []string
	number := func(key string) *float64 {
		f, ok := asNumber(raw[key])
		if !ok {
			return nil
		}
		if math.IsNaN(f) || math.IsInf(f, 0) {
			odd = append(odd, key+" is "+strconv.FormatFloat(f, 'g', -1, 64))
			e.NotFinite = append(e.NotFinite, key)
			return nil
		}
		return &f
	}
	whole := func(key string) *int64 {
		f := number(key)
		if f == nil || *f < 0 || *f > maxStep {
			return nil
		}
		n := int64(*f)
		return &n
	}
	count := func(key string) *int {
		n := whole(key)
		if n == nil {
			return nil
		}
		i := int(*n)
		return &i
	}
	e.Step, e.Steps, e.Tokens = count("step"), count("steps"), whole("tokens")
	e.Epoch, e.Loss, e.EvalLoss, e.LR = number("epoch"), number("loss"), number("eval_loss"), number("lr")
	e.GradNorm, e.TokensPerS, e.GPUGB = number("grad_norm"), number("tokens_per_s"), number("gpu_gb")
	if e.Message == "" {
		e.Message = strings.Join(odd, ", ")
	}
	return e
}

func asNumber(v any) (float64, bool) {
	var text string
	switch x := v.(type) {
	case json.Number:
		text = x.String()
	case string:
		text = strings.TrimSpace(x)
	default:
		return 0, false
	}
	f, err := strconv.ParseFloat(text, 64)
	return f, err == nil || math.IsInf(f, 0)
}

// merge puts the values that e carries over those of the latest state.
func (l *Event) merge(e *Event) {
	l.Event = e.Event
	l.Message = e.Message
	l.NotFinite = e.NotFinite
	over(&l.Step, e.Step)
	over(&l.Steps, e.Steps)
	over(&l.Epoch, e.Epoch)
	over(&l.Loss, e.Loss)
	over(&l.EvalLoss, e.EvalLoss)
	over(&l.LR, e.LR)
	over(&l.GradNorm, e.GradNorm)
	over(&l.Tokens, e.Tokens)
	over(&l.TokensPerS, e.TokensPerS)
	over(&l.GPUGB, e.GPUGB)
}

func over[T any](to **T, v *T) {
	if v != nil {
		*to = v
	}
}
