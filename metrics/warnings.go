package metrics

// Warnings is a set of things about a row that surprise people although the
// values are what FMEval gives.
type Warnings uint32

// The warnings.
const (
	// EmptyAlternative: the target has an alternative without text, as in
	// "Paris<OR>". Factual knowledge counts it as contained in every output.
	EmptyAlternative Warnings = 1 << iota
	// NothingLeft: an alternative has text, but nothing of it is left after
	// articles and punctuation are taken out ("the", "..."). Its word scores
	// are 0, and quasi factual knowledge counts it as contained in every output.
	NothingLeft
	// PaddedAlternative: an alternative has white space at an end, which factual
	// knowledge wants to find in the output ("Paris <OR> London").
	PaddedAlternative
	// OperatorMismatch: the delimiter reads <AND> and the operator is OR, or the
	// other way round.
	OperatorMismatch
	// UnreachableLabel: classification lowers and strips the labels it finds and
	// splits the output at spaces, but takes the target as it is, so a target with
	// capitals, with white space at an end or with a space inside can never be
	// right.
	UnreachableLabel
	// PunctuatedLabel: a word of the output is a label but for punctuation beside
	// it ("2."), which classification does not remove.
	PunctuatedLabel
)

var warningTexts = []struct {
	bit  Warnings
	text string
}{
	{EmptyAlternative, "the target has an empty alternative, which is contained in every output"},
	{NothingLeft, "an alternative of the target is only articles or punctuation"},
	{PaddedAlternative, "an alternative of the target begins or ends with white space, which must be in the output too"},
	{OperatorMismatch, "the delimiter and the logical operator do not say the same"},
	{UnreachableLabel, "the target has capitals or white space, so no output can be classified as it"},
	{PunctuatedLabel, "a word of the output is a label but for punctuation, which is not removed"},
}

// Texts returns the warnings in words.
func (w Warnings) Texts() []string {
	var all []string
	for _, t := range warningTexts {
		if w&t.bit != 0 {
			all = append(all, t.text)
		}
	}
	return all
}
