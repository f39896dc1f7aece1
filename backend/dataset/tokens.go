package dataset

import "unicode/utf8"

// TokenCounter counts the tokens of a text, without special ones.
type TokenCounter struct {
	// Name says whose tokens they are, such as "mistral-v3"; "estimate" for the
	// one that is used when no tokenizer is at hand.
	Name string
	// Exact says whether Count is the model's own tokenizer.
	Exact bool
	// Count may be called by several goroutines at once.
	Count func(text string) int
}

func (t TokenCounter) orEstimate() TokenCounter {
	if t.Count != nil {
		return t
	}
	return TokenCounter{Name: "estimate", Count: estimateTokens}
}

// estimateTokens guesses how many tokens a BPE vocabulary of about 32,000 pieces
// cuts a text into: a short word is one, a long one a piece for every five
// letters or so, a digit or a mark one each, and a character of a script
// without spaces about one.
func estimateTokens(text string) int {
	n, letters, spaces := 0, 0, 0
	word := func() {
		if letters > 0 {
			n += 1 + (letters-1)/6
			letters = 0
		}
	}
	for i := 0; i < len(text); {
		c := text[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(text[i:])
			i += size
			if r >= 0x2e80 {
				word()
				n++
			} else {
				letters += 2
			}
			continue
		}
		i++
		switch {
		case c|0x20 >= 'a' && c|0x20 <= 'z':
			letters++
			spaces = 0
		case c == ' ' || c == '\t':
			word()
			if spaces++; spaces%8 == 2 {
				n++ // runs of spaces have pieces of their own
			}
		default:
			word()
			n++
			spaces = 0
		}
	}
	word()
	return n
}
