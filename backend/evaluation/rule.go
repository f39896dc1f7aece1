package evaluation

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"tunebench/backend/safetext"
)

// Rule is a condition on a value of the candidate: f1_score < baseline - 0.02.
type Rule struct {
	Text string `json:"rule"`
	// Value is a score's name, "errors" (their share) or "mean_latency_ms".
	Value string `json:"value"`
	Op    string `json:"-"`
	// The limit is Factor × the baseline's value + Offset; a Factor of 0 is a
	// limit of its own.
	Factor float64 `json:"-"`
	Offset float64 `json:"-"`
}

var ruleForm = regexp.MustCompile(`^\s*([a-z_][a-z0-9_]*)\s*(<=|>=|<|>)\s*(?:(baseline)\s*(?:([-+*])\s*([0-9.]+(?:[eE][-+]?[0-9]+)?))?|(-?[0-9.]+(?:[eE][-+]?[0-9]+)?))\s*$`)

// ParseRule reads a rule: a value, <, <=, > or >=, and a number or "baseline",
// which may be followed by + or - and a number, or * and a factor.
func ParseRule(text string) (Rule, error) {
	m := ruleForm.FindStringSubmatch(text)
	if m == nil {
		return Rule{}, fmt.Errorf("%q is no rule; write one as in 'f1_score < baseline - 0.02' or 'exact_match_score < 0.9'", safetext.Line(text))
	}
	r := Rule{Text: strings.TrimSpace(text), Value: m[1], Op: m[2]}
	num := m[6]
	if m[3] != "" {
		r.Factor, num = 1, m[5]
	}
	if num == "" {
		return r, nil
	}
	n, err := strconv.ParseFloat(num, 64)
	if err != nil {
		return Rule{}, fmt.Errorf("%q: %q is no number", safetext.Line(text), num)
	}
	switch m[4] {
	case "*":
		r.Factor = n
	case "-":
		r.Offset = -n
	default:
		r.Offset = n
	}
	return r, nil
}

func (r Rule) limit(baseline float64) float64 { return r.Factor*baseline + r.Offset }

func (r Rule) holds(value, limit float64) bool {
	switch r.Op {
	case "<":
		return value < limit
	case "<=":
		return value <= limit
	case ">":
		return value > limit
	}
	return value >= limit
}
