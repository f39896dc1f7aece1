package metrics

import (
	"bytes"
	"fmt"
	"strings"

	"tunebench/metrics/pytext"
	"tunebench/metrics/rouge"
)

// Explain says in words how a metric's scores of a row come about; "" where they
// say it themselves. params are options as for NewScorer.
func Explain(metric string, params map[string]string, row Row) (string, error) {
	name := strings.TrimSuffix(metric, "_semantic_robustness")
	param := func(key, other string) string {
		if v := params[key]; v != "" {
			return v
		}
		return other
	}
	switch {
	case name == QAAccuracy.Name:
		p, err := ExplainQA(row, params[delimiterParam.Name])
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("compared as %q with %q: %s in common, of %d in the answer (precision) and %d in the reference (recall)",
			p.Output, p.Target, count(p.Common, "word"), p.OutputWords, p.TargetWords), nil
	case name == FactualKnowledge.Name:
		return explainFactual(row, param(delimiterParam.Name, DefaultDelimiter))
	case name == ClassificationAccuracy.Name:
		c, err := newClassifier(params["valid_labels"])
		if err != nil {
			return "", err
		}
		label, near := c.label(row.Output)
		switch {
		case label != UnknownLabel:
			return fmt.Sprintf("the first label in the answer is %q; the reference is %q", label, row.Target), nil
		case near:
			return "no label stands alone in the answer: one has punctuation at its ends, which FMEval does not take off", nil
		}
		return "no word of the answer is a label", nil
	case name == "summarization_accuracy":
		kind := rouge.Type(param("rouge_type", string(rouge.Rouge2)))
		s, err := rouge.New(kind, param("use_stemmer_for_rouge", "true") == "true")
		if err != nil {
			return "", err
		}
		what := map[rouge.Type]string{rouge.Rouge1: "words", rouge.Rouge2: "word pairs", rouge.RougeL: "words, in the same order,"}[kind]
		r := s.Score(row.Target, row.Output)
		return fmt.Sprintf("%s of the answer's %s are in the reference, and %s of the reference's in the answer", percent(r.Precision), what, percent(r.Recall)), nil
	case metric == GeneralRobustness.Name && len(row.Perturbed) > 0:
		changed := 0
		for _, out := range row.Perturbed {
			if out != row.Output {
				changed++
			}
		}
		return fmt.Sprintf("%d of %s to disturbed prompts differ from this one", changed, count(len(row.Perturbed), "answer")), nil
	}
	return "", nil
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func percent(v float64) string { return fmt.Sprintf("%.0f %%", 100*v) }

// explainFactual names the alternatives that are in the output.
func explainFactual(row Row, text string) (string, error) {
	d, err := newDelimiter(text)
	if err != nil {
		return "", err
	}
	lower := pytext.AppendLower(nil, row.Output)
	normal := appendNormal(nil, pytext.Strip(row.Output))
	var all, exact, quasi []string
	for rest, more := row.Target, true; more; {
		var alt string
		var ok bool
		if alt, rest, more, ok = d.next(rest); !ok {
			break
		}
		shown := fmt.Sprintf("%q", alt)
		all = append(all, shown)
		switch {
		case bytes.Contains(lower, pytext.AppendLower(nil, alt)):
			exact = append(exact, shown)
		case bytes.Contains(normal, appendNormal(nil, pytext.Strip(alt))):
			quasi = append(quasi, shown)
		}
	}
	switch {
	case len(all) == 0:
		return "", ErrNoTarget
	case len(exact) > 0:
		return "the answer contains " + strings.Join(exact, " and "), nil
	case len(quasi) > 0:
		return "without punctuation and articles the answer contains " + strings.Join(quasi, " and "), nil
	case len(all) == 1:
		return "the answer does not contain " + all[0], nil
	}
	return "the answer contains none of " + strings.Join(all, ", "), nil
}
