package metrics

import (
	"tunebench/metrics/meteor"
	"tunebench/metrics/rouge"
)

// SummarizationAccuracy is Registry's metric of that name without METEOR.
var SummarizationAccuracy = Registry{}.summarization()

// summarization compares a summary with a reference summary (FMEval's
// summarization_accuracy). METEOR is among the scores only where its word lists
// are; its BERTScore needs a large model. There are no alternatives: "<OR>" in a
// target is text like any other.
func (r Registry) summarization() Metric {
	m := Metric{
		Name:    "summarization_accuracy",
		What:    "how well a summary agrees with a reference summary",
		Columns: []string{"target_output", "model_output"},
		Params: []Param{
			{Name: "rouge_type", Default: string(rouge.Rouge2), Values: []string{string(rouge.Rouge1), string(rouge.Rouge2), string(rouge.RougeL)}, What: "which ROUGE"},
			{Name: "use_stemmer_for_rouge", Default: "true", Values: []string{"true", "false"}, What: "whether ROUGE compares stems"},
		},
		Absent: []Absent{{"bertscore", needsModel}},
	}
	rougeScore := Score{Name: "rouge", What: "harmonic mean of precision and recall over word pairs (rouge2), words (rouge1) or the longest common sequence (rougeL)", High: 1, Direction: HigherIsBetter}
	if r.English != nil {
		m.Scores = []Score{{Name: "meteor", What: "agreement by words, stems and synonyms, and in their order", High: 1, Direction: HigherIsBetter}, rougeScore}
	} else {
		why := r.WhyNoMeteor
		if why == "" {
			why = "it needs WordNet 3.0 (Debian's package wordnet-base) and NLTK's English Punkt parameters"
		}
		m.Scores = []Score{rougeScore}
		m.Absent = append([]Absent{{"meteor", why}}, m.Absent...)
	}
	m.newScorer = func(p map[string]string) (Scorer, error) {
		s := &summaryScorer{}
		var err error
		if s.rouge, err = rouge.New(rouge.Type(p["rouge_type"]), p["use_stemmer_for_rouge"] == "true"); err != nil {
			return nil, err
		}
		if r.English != nil {
			s.meteor = meteor.New(r.English)
		}
		return s, nil
	}
	return m
}

type summaryScorer struct {
	rouge  *rouge.Scorer
	meteor *meteor.Scorer // nil without its word lists
}

// Score appends METEOR, where there is one, and the f of ROUGE.
func (s *summaryScorer) Score(dst []float64, row Row) ([]float64, Warnings, error) {
	if s.meteor != nil {
		dst = append(dst, s.meteor.Score(row.Target, row.Output))
	}
	return append(dst, s.rouge.Score(row.Target, row.Output).F), 0, nil
}
