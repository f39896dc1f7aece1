package evaluation

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"tunebench/backend/safetext"
	"tunebench/metrics"
)

// Fact is something that decided the result of a run. Text has passed safetext.
type Fact struct{ Name, Text string }

// About lists what decided the result of a run, for people: the dataset with its
// hash, how rows were drawn and read, how models were asked, what they are, and
// which program did it.
func About(r Run) []Fact {
	var list []Fact
	add := func(name, text string) {
		if text = safetext.Text(text); text != "" {
			list = append(list, Fact{safetext.Line(name), text})
		}
	}
	s := r.Spec
	add("name", s.Name)
	data := s.Dataset
	if r.DatasetHash != "" {
		data += ", SHA-256 " + r.DatasetHash
	}
	add("dataset", data)
	if s.Limit > 0 {
		by := fmt.Sprintf("with seed %d", s.Seed)
		if s.FMEval != nil {
			by = "as FMEval does"
		}
		add("rows", fmt.Sprintf("%d, drawn %s", s.Limit, by))
	}
	if c := s.FMEval; c != nil {
		var parts []string
		for _, f := range [][2]string{{"question", c.ModelInput}, {"reference", c.TargetOutput}, {"category", c.Category}, {"answer", c.ModelOutput}} {
			if f[1] != "" {
				parts = append(parts, f[0]+" in "+f[1])
			}
		}
		add("columns", strings.Join(parts, ", "))
	}
	names := s.Metrics
	if len(names) == 0 {
		names = []string{metrics.QAAccuracy.Name}
	}
	if s.Voting {
		names = []string{"none: the answers are voted on"}
	}
	add("metrics", strings.Join(names, ", "))
	add("judge", s.Judge)
	var options []string
	for _, k := range slices.Sorted(maps.Keys(s.Params)) {
		options = append(options, k+"="+s.Params[k])
	}
	add("options", strings.Join(options, ", "))
	if len(s.Outputs) == 0 {
		add("prompt", promptTemplate(s))
		add("answers", fmt.Sprintf("up to %d tokens, temperature %g", s.MaxTokens, s.Temperature))
	}
	for _, o := range s.Outputs {
		add(o.Model, "answers from "+o.File)
	}
	for _, a := range r.Absent {
		add("left out", a.Score+": "+a.Why)
	}
	add("program", "tunebench "+s.Program)
	for _, m := range r.Models {
		if len(s.Outputs) == 0 {
			add(m.Model, m.ModelID)
		}
	}
	return list
}

// Verdicts says in a sentence for every model but the first whether it is better
// than the first on a score.
func (s *Service) verdicts(r Run, score string) []string {
	if len(r.Models) == 0 {
		return nil
	}
	sign := 1.0
	if sc, ok := s.cfg.Metrics.LookupScore(score); ok && lessIsBetter(sc) {
		sign = -1
	}
	var list []string
	for _, d := range r.Differences {
		if d.Score != score {
			continue
		}
		by := fmt.Sprintf("%+.3f (%+.3f to %+.3f)", d.Mean, d.Interval.Low, d.Interval.High)
		base := r.Models[0].Model
		switch {
		case d.Real && d.Mean*sign > 0:
			list = append(list, fmt.Sprintf("%s is better than %s on %s: %s", d.Model, base, score, by))
		case d.Real:
			list = append(list, fmt.Sprintf("%s is worse than %s on %s: %s", d.Model, base, score, by))
		default:
			list = append(list, fmt.Sprintf("It is not sure that %s and %s differ on %s: %s", d.Model, base, score, by))
		}
	}
	return list
}

func lessIsBetter(s metrics.Score) bool {
	return s.Direction == metrics.LowerIsBetter || s.Direction == metrics.ZeroIsIdeal
}

// judged applies the rules that a run came with to its last model.
func (s *Service) judged(ctx context.Context, r Run) ([]Judged, error) {
	if len(r.Spec.FailIf) == 0 || len(r.Models) < 2 {
		return nil, nil
	}
	var rules []Rule
	for _, text := range r.Spec.FailIf {
		rule, err := ParseRule(text)
		if err != nil {
			return nil, err
		}
		rules = append(rules, rule)
	}
	c, err := s.Compare(ctx, r.ID+"/"+r.Models[0].Model, r.ID+"/"+r.Models[len(r.Models)-1].Model, rules)
	return c.Rules, err
}

// Word says whether the rule holds, and whether chance explains that.
func (j Judged) Word() string {
	switch {
	case j.Broken && j.Sure:
		return "it holds, and chance does not explain it"
	case j.Broken:
		return "it holds, though chance may explain it"
	}
	return "it does not hold"
}
