package artifact

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// splitRule is a way in which byte-level BPE cuts text into words before it
// merges.
type splitRule uint8

const (
	splitGPT2   splitRule = iota
	splitLlama3           // numbers in groups of three digits
	splitDigits           // as Llama 3, each digit by itself
)

// The patterns of Split pre-tokenizers that are known, as files have them.
var splitPatterns = map[string]splitRule{
	`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`:                                          splitGPT2,
	`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`: splitLlama3,
	`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`:      splitDigits,
}

// byteLevel checks that the pre-tokenizer is ByteLevel, with its own splitting
// rule or behind a Split with a pattern that is known, and says whether a space
// is put in front.
func byteLevel(raw json.RawMessage) (prefixSpace bool, rule splitRule, err error) {
	type node struct {
		Type           string            `json:"type"`
		AddPrefixSpace bool              `json:"add_prefix_space"`
		UseRegex       *bool             `json:"use_regex"`
		Pretokenizers  []json.RawMessage `json:"pretokenizers"`
		Pattern        struct{ Regex string }
		Behavior       string `json:"behavior"`
		Invert         bool   `json:"invert"`
	}
	parse := func(raw json.RawMessage) (n node, err error) {
		if len(raw) == 0 {
			return n, nil
		}
		if err := json.Unmarshal(raw, &n); err != nil {
			return n, fmt.Errorf("%s: the pre_tokenizer is malformed: %w", TokenizerFile, err)
		}
		return n, nil
	}
	p, err := parse(raw)
	if err != nil {
		return false, 0, err
	}
	regex := p.UseRegex == nil || *p.UseRegex
	if p.Type == "Sequence" && len(p.Pretokenizers) == 1 {
		return byteLevel(p.Pretokenizers[0])
	}
	if p.Type == "Sequence" && len(p.Pretokenizers) == 2 {
		split, err := parse(p.Pretokenizers[0])
		if err != nil {
			return false, 0, err
		}
		level, err := parse(p.Pretokenizers[1])
		if err != nil {
			return false, 0, err
		}
		if split.Type == "Split" && level.Type == "ByteLevel" {
			known, ok := splitPatterns[split.Pattern.Regex]
			if !ok || split.Behavior != "Isolated" || split.Invert {
				return false, 0, fmt.Errorf("%s: the pre_tokenizer splits by %q (%s), which is not known; known are the patterns of GPT-2 and Llama 3", TokenizerFile, split.Pattern.Regex, split.Behavior)
			}
			if level.UseRegex == nil || *level.UseRegex || level.AddPrefixSpace {
				return false, 0, fmt.Errorf("%s: the ByteLevel pre_tokenizer behind Split splits again or adds a space; that is not supported", TokenizerFile)
			}
			return false, known, nil
		}
	}
	if p.Type != "ByteLevel" || !regex {
		return false, 0, fmt.Errorf("%s: the pre_tokenizer is %q, only ByteLevel with its own splitting rule or that of Llama 3 and Metaspace are supported", TokenizerFile, p.Type)
	}
	return p.AddPrefixSpace, splitGPT2, nil
}

// next returns the length of the first word of s, which is not empty.
func (r splitRule) next(s string) int {
	switch r {
	case splitLlama3:
		return nextWordLlama3(s, 3)
	case splitDigits:
		return nextWordLlama3(s, 1)
	}
	return nextWord(s)
}

// nextWordLlama3 is nextWord by the rule of Llama 3, with at most digits
// characters in a number:
//
//	(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,digits}|
//	 ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
func nextWordLlama3(s string, digits int) int {
	if s[0] == '\'' {
		if n := contraction(s); n > 0 {
			return n
		}
	}
	r, n := utf8.DecodeRuneInString(s)
	class := runeClass(r)
	switch {
	case class == classLetter:
		return n + run(s[n:], classLetter, len(s))
	case class == classNumber:
		return n + run(s[n:], classNumber, digits-1)
	case r != '\r' && r != '\n':
		if m := run(s[n:], classLetter, len(s)); m > 0 {
			return n + m
		}
	}
	at := 0
	if s[0] == ' ' {
		at = 1
	}
	if m := run(s[at:], classOther, len(s)); m > 0 {
		at += m
		for at < len(s) && (s[at] == '\r' || s[at] == '\n') {
			at++
		}
		return at
	}
	end, last, line := 0, 0, 0 // behind the blanks, before the last, behind the last line end
	for end < len(s) {
		r, n := utf8.DecodeRuneInString(s[end:])
		if runeClass(r) != classSpace {
			break
		}
		last = end
		end += n
		if r == '\r' || r == '\n' {
			line = end
		}
	}
	switch {
	case line > 0:
		return line
	case end < len(s) && last > 0:
		return last // the last space of a run belongs to what comes after it
	}
	return end
}

// run is the length of the characters of a class that s begins with, at most
// limit of them.
func run(s string, class, limit int) int {
	at := 0
	for ; at < len(s) && limit > 0; limit-- {
		r, n := utf8.DecodeRuneInString(s[at:])
		if runeClass(r) != class {
			break
		}
		at += n
	}
	return at
}

// contraction is the length of 's, 't, 're and so on, in any case, that s begins
// with; 0 for none.
func contraction(s string) int {
	const longS = "\u017f" // an s, when case does not matter
	if strings.HasPrefix(s[1:], longS) {
		return 1 + len(longS)
	}
	for _, c := range contractions {
		if len(s) >= len(c) && strings.EqualFold(s[:len(c)], c) {
			return len(c)
		}
	}
	return 0
}
