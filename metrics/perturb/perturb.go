// Package perturb makes the disturbed copies of a text with which FMEval's
// semantic robustness is measured: typing errors, random capitals, and white
// space added and removed. It makes texts; scoring what a model answers to them
// belongs to package metrics.
//
// Source: FMEval 1.2.3, semantic_perturbations; the neighbour table of the
// keyboard is NL-Augmenter's (butter_fingers_perturbation).
package perturb

import (
	"fmt"
	"unicode/utf8"

	"tunebench/metrics/nprand"
	"tunebench/metrics/pytext"
)

// Kind is a perturbation under FMEval's name.
type Kind string

// The perturbations.
const (
	ButterFinger        Kind = "butter_finger"
	RandomUpperCase     Kind = "random_upper_case"
	WhitespaceAddRemove Kind = "whitespace_add_remove"
)

// DefaultSeed is the seed with which FMEval makes every perturbation.
const DefaultSeed = 5

// Options of a perturbation. The zero value is no default: start from Default.
type Options struct {
	Kind Kind   `json:"perturbation_type"`
	N    int    `json:"num_perturbations"` // copies of each text
	Seed uint64 `json:"seed"`
	// ButterFinger is the probability that a letter or a space is hit beside.
	ButterFinger float64 `json:"butter_finger_perturbation_prob"`
	// UpperCase is the share of the characters that become capitals.
	UpperCase float64 `json:"random_uppercase_corrupt_proportion"`
	// Add and Remove are the probabilities of a space after a character that is
	// none, and of dropping a white-space character.
	Add    float64 `json:"whitespace_add_prob"`
	Remove float64 `json:"whitespace_remove_prob"`
}

// Default returns FMEval's options.
func Default() Options {
	return Options{Kind: ButterFinger, N: 5, Seed: DefaultSeed, ButterFinger: 0.1, UpperCase: 0.1, Add: 0.05, Remove: 0.1}
}

// Perturber disturbs texts. As in FMEval one generator serves all texts, so the
// same text comes out differently the second time, and results depend on the
// order of the texts. It is not safe for use by several goroutines.
type Perturber struct {
	o   Options
	rng *nprand.Generator
}

// New makes a perturber. Kinds that do not exist and probabilities outside 0 to
// 1 are errors.
func New(o Options) (*Perturber, error) {
	switch o.Kind {
	case ButterFinger, RandomUpperCase, WhitespaceAddRemove:
	default:
		return nil, fmt.Errorf("there is no perturbation_type %q; use %s, %s or %s", o.Kind, ButterFinger, RandomUpperCase, WhitespaceAddRemove)
	}
	if o.N < 1 {
		return nil, fmt.Errorf("num_perturbations is %d; it must be at least 1", o.N)
	}
	for _, p := range []struct {
		name  string
		value float64
	}{
		{"butter_finger_perturbation_prob", o.ButterFinger}, {"random_uppercase_corrupt_proportion", o.UpperCase},
		{"whitespace_add_prob", o.Add}, {"whitespace_remove_prob", o.Remove},
	} {
		if !(p.value >= 0 && p.value <= 1) {
			return nil, fmt.Errorf("%s is %v; it must be from 0 to 1", p.name, p.value)
		}
	}
	return &Perturber{o, nprand.New(o.Seed)}, nil
}

// Perturb returns the disturbed copies of text. Bytes that are no UTF-8 become
// U+FFFD.
func (p *Perturber) Perturb(text string) []string {
	all := make([]string, p.o.N)
	for i := range all {
		switch p.o.Kind {
		case RandomUpperCase:
			all[i] = p.upperCase(text)
		case WhitespaceAddRemove:
			all[i] = p.whitespace(text)
		default:
			all[i] = p.butterFinger(text)
		}
	}
	return all
}

// neighbours of the letters a to z on the keyboard, the letter itself included.
var neighbours = [26]string{
	"aqszwxwdce", "bvnghcftyun", "cxvdfzswergb", "decsfaqgbv", "ewrsfdqazxcvgt", // a to e
	"fdgrvwsxyhn", "gtbfhedcyjn", "hyngjfrvkim", "iuojlkyhnmlp", "jhknugtblom", // f to j
	"kjlinyhn", "lokmpujn", "mnkjloik", "nbmhjvgtuik", "oipklujm", // k to o
	"plo['ik", "qwasedzx", "retdgfwsxcvgt", "swxadrfv", "tryfhgedcvbnju", // p to t
	"uyihkjtgbnmlo", "vcfbgxdertyn", "wqesadrfcx", "xzcsdbvfrewq", "ytugjhrfvbnji", // u to y
	"zaxsvde", // z to z
}

// butterFinger replaces letters by neighbours on the keyboard. What is no small
// letter after lower-casing costs no draw; a space costs one and stays.
func (p *Perturber) butterFinger(text string) string {
	out := make([]byte, 0, len(text)+8)
	var lower []byte
	for _, r := range text {
		if r < utf8.RuneSelf {
			lower = append(lower[:0], byte(r))
			if r >= 'A' && r <= 'Z' {
				lower[0] += 'a' - 'A'
			}
		} else {
			lower = append(lower[:0], pytext.Lower(string(r))...)
		}
		changed := string(lower) != string(r)
		if len(lower) == 1 {
			if c := lower[0]; c == ' ' || c >= 'a' && c <= 'z' {
				if p.rng.Float64() <= p.o.ButterFinger && c != ' ' {
					keys := neighbours[c-'a']
					lower[0] = keys[p.rng.Intn(len(keys))]
				}
			}
		}
		if changed {
			for _, l := range string(lower) {
				out = pytext.AppendUpperRune(out, l)
			}
		} else {
			out = append(out, lower...)
		}
	}
	return string(out)
}

// upperCase makes capitals of a share of the characters.
func (p *Perturber) upperCase(text string) string {
	n := utf8.RuneCountInString(text)
	hit := make([]bool, n)
	for _, i := range p.rng.Choose(n, int(float64(n)*p.o.UpperCase)) {
		hit[i] = true
	}
	out := make([]byte, 0, len(text)+8)
	i := 0
	for _, r := range text {
		if hit[i] {
			out = pytext.AppendUpperRune(out, r)
		} else {
			out = utf8.AppendRune(out, r)
		}
		i++
	}
	return string(out)
}

// whitespace drops white space and adds spaces, one draw per character.
func (p *Perturber) whitespace(text string) string {
	out := make([]byte, 0, len(text)+len(text)/8)
	for _, r := range text {
		u := p.rng.Float64()
		space := pytext.Space(r)
		if space && u < p.o.Remove {
			continue
		}
		out = utf8.AppendRune(out, r)
		if !space && u < p.o.Add {
			out = append(out, ' ')
		}
	}
	return string(out)
}
