package artifact

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// metaspace stands for a space in SentencePiece-style vocabularies.
const metaspace = "\u2581"

// spaceRule is how a SentencePiece-style tokenizer treats spaces: each becomes
// the metaspace, and one may be put in front. Such a tokenizer merges over the
// whole text instead of word by word.
type spaceRule struct {
	prepend  string // "always" (also before a space), "start" (likewise, but only the first text), "first", "every", "never"
	fallback bool   // characters outside the vocabulary become byte tokens
	unknown  int32  // token for the others, -1 when there is none
	replace  bool   // bytes that are no UTF-8 become U+FFFD, as SentencePiece does
}

// parseSpaceRule recognises the two ways of writing the rule: as a normalizer
// (Prepend and Replace), or as the pre-tokenizer Metaspace. It returns nil when
// the file has neither.
func parseSpaceRule(normalizer, preTokenizer json.RawMessage) (*spaceRule, error) {
	type node struct {
		Type        string            `json:"type"`
		Normalizers []json.RawMessage `json:"normalizers"`
		Prepend     string            `json:"prepend"`
		Content     string            `json:"content"`
		Replacement string            `json:"replacement"`
		Scheme      *string           `json:"prepend_scheme"`
		AddPrefix   *bool             `json:"add_prefix_space"`
		Split       *bool             `json:"split"`
		Pattern     struct{ String string }
	}
	parse := func(raw json.RawMessage) (n node, err error) {
		if len(raw) == 0 {
			return n, nil
		}
		if err := json.Unmarshal(raw, &n); err != nil {
			return n, fmt.Errorf("%s: the normalizer or pre_tokenizer is malformed: %w", TokenizerFile, err)
		}
		return n, nil
	}
	norm, err := parse(normalizer)
	if err != nil {
		return nil, err
	}
	pre, err := parse(preTokenizer)
	if err != nil {
		return nil, err
	}
	if norm.Type == "" && pre.Type != "Metaspace" {
		return nil, nil
	}
	rule := &spaceRule{prepend: "never"}
	parts := []node{norm}
	if norm.Type == "Sequence" {
		parts = nil
		for _, raw := range norm.Normalizers {
			n, err := parse(raw)
			if err != nil {
				return nil, err
			}
			parts = append(parts, n)
		}
	}
	replaces := false
	for _, n := range parts {
		switch {
		case n.Type == "":
		case n.Type == "Prepend" && n.Prepend == metaspace && !replaces:
			rule.prepend = "always"
		case n.Type == "Replace" && n.Pattern.String == " " && n.Content == metaspace:
			replaces = true
		default:
			return nil, fmt.Errorf("%s: the normalizer %q is not supported, only Prepend and Replace of SentencePiece-style BPE", TokenizerFile, n.Type)
		}
	}
	switch pre.Type {
	case "":
		if !replaces {
			return nil, fmt.Errorf("%s: there is no pre_tokenizer and no normalizer that replaces spaces; only byte-level and SentencePiece-style BPE are supported", TokenizerFile)
		}
	case "Metaspace":
		if pre.Replacement != metaspace || pre.Split == nil || *pre.Split {
			return nil, fmt.Errorf("%s: the Metaspace pre_tokenizer splits words or uses the replacement %q; that is not supported", TokenizerFile, pre.Replacement)
		}
		scheme := "always"
		if pre.Scheme != nil {
			scheme = *pre.Scheme
		} else if pre.AddPrefix != nil && !*pre.AddPrefix {
			scheme = "never"
		}
		switch scheme {
		case "always":
			rule.prepend = "every"
		case "first", "never":
			rule.prepend = scheme
		default:
			return nil, fmt.Errorf("%s: prepend_scheme %q does not exist", TokenizerFile, scheme)
		}
	default:
		return nil, fmt.Errorf("%s: the pre_tokenizer %q with a normalizer is not supported, only byte-level and SentencePiece-style BPE", TokenizerFile, pre.Type)
	}
	return rule, nil
}

// prefixed says whether a space is put in front of a text. first says that no
// token stands before it.
func (r *spaceRule) prefixed(text string, first bool) bool {
	switch r.prepend {
	case "always":
		return true
	case "start":
		return first
	case "every":
	case "first":
		if !first {
			return false
		}
	default:
		return false
	}
	return !strings.HasPrefix(text, " ") && !strings.HasPrefix(text, metaspace)
}

// spell writes a text as the vocabulary does.
func (r *spaceRule) spell(text string, prefix bool) string {
	text = strings.ReplaceAll(text, " ", metaspace)
	if prefix {
		return metaspace + text
	}
	return text
}

// tokenBytes returns what a token stands for: text, or one byte for <0x41>.
func (r *spaceRule) tokenBytes(spelling string) []byte {
	if len(spelling) == 6 && strings.HasPrefix(spelling, "<0x") && spelling[5] == '>' {
		if b, err := strconv.ParseUint(spelling[3:5], 16, 8); err == nil {
			return []byte{byte(b)}
		}
	}
	return []byte(strings.ReplaceAll(spelling, metaspace, " "))
}

// runeIDs returns one token per character, the bytes' tokens for a character
// outside the vocabulary.
func (t *Tokenizer) runeIDs(text string) []int32 {
	ids := make([]int32, 0, len(text))
	unknown := false
	for len(text) > 0 {
		r, n := utf8.DecodeRuneInString(text)
		char := text[:n]
		if r == utf8.RuneError && n == 1 && t.spaces.replace {
			char = "\uFFFD"
		}
		text = text[n:]
		if id, ok := t.ids[char]; ok {
			ids, unknown = append(ids, id), false
			continue
		}
		if t.spaces.fallback {
			for i := range len(char) {
				ids = append(ids, t.byteID[char[i]])
			}
			continue
		}
		if !unknown { // neighbours share one unknown token
			ids = append(ids, t.spaces.unknown)
		}
		unknown = true
	}
	return ids
}
