package metrics

import (
	"bytes"
	"strings"

	"tunebench/metrics/pytext"
)

// FactualKnowledge looks for the target inside the output (FMEval's
// factual_knowledge).
var FactualKnowledge = Metric{
	Name:    "factual_knowledge",
	What:    "whether the output contains the expected fact",
	Columns: []string{"target_output", "model_output"},
	Params: []Param{
		delimiterParam,
		{Name: "logical_operator", Default: "OR", Values: []string{"OR", "AND"}, What: "whether one alternative must be in the output or all of them"},
	},
	Scores: []Score{
		{Name: "factual_knowledge", What: "1 if the output contains the target, case aside", High: 1, Direction: HigherIsBetter, Binary: true},
		{Name: "factual_knowledge_quasi_exact", What: "1 if it does without case, punctuation and articles", High: 1, Direction: HigherIsBetter, Binary: true},
	},
	newScorer: func(p map[string]string) (Scorer, error) {
		d, err := newDelimiter(p[delimiterParam.Name])
		if err != nil {
			return nil, err
		}
		and := p["logical_operator"] == "AND"
		f := &factualScorer{delimiter: d, and: and}
		if and && d.text == "<OR>" || !and && d.text == "<AND>" {
			f.always = OperatorMismatch
		}
		return f, nil
	},
}

type factualScorer struct {
	delimiter             delimiter
	and                   bool
	always                Warnings
	lower, normal, target []byte
}

// Score looks for the lower-cased alternative in the lower-cased output, and
// for its normal form (see appendNormal) in the output's. It looks for text,
// not for words: "UK" is in "ukulele"; the first score keeps white space at the
// ends of an alternative; and an empty alternative is in every output. With OR
// one alternative must be there, with AND all.
// Source: FMEval 1.2.3, FactualKnowledgeScores.
func (f *factualScorer) Score(dst []float64, row Row) ([]float64, Warnings, error) {
	f.lower = pytext.AppendLower(f.lower[:0], row.Output)
	f.normal = appendNormal(f.normal[:0], pytext.Strip(row.Output))
	in, quasi := f.and, f.and
	warnings := f.always
	seen := false
	for rest, more := row.Target, true; more; {
		var alt string
		var ok bool
		if alt, rest, more, ok = f.delimiter.next(rest); !ok {
			break
		}
		seen = true
		f.target = pytext.AppendLower(f.target[:0], alt)
		found := bytes.Contains(f.lower, f.target)

		bare := pytext.Strip(alt)
		f.target = appendNormal(f.target[:0], bare)
		foundQuasi := bytes.Contains(f.normal, f.target)

		switch {
		case bare == "":
			warnings |= EmptyAlternative
		case len(f.target) == 0:
			warnings |= NothingLeft
		case len(bare) != len(alt) && strings.Contains(row.Target, f.delimiter.text):
			warnings |= PaddedAlternative
		}
		if f.and {
			in, quasi = in && found, quasi && foundQuasi
		} else {
			in, quasi = in || found, quasi || foundQuasi
		}
	}
	if !seen {
		return dst, 0, ErrNoTarget
	}
	return append(dst, zeroOne(in), zeroOne(quasi)), warnings, nil
}

func zeroOne(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
