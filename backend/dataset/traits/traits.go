// Package traits says what kind of text a text is: its language, whether it is
// a refusal, whether its encoding is damaged, what sort of answer it is. All of
// it is guessed from the text alone, cheaply enough for millions of rows.
//
// It belongs here if it looks at one text and needs no model. Counting over rows
// does not.
package traits

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Words counts what stands between blanks.
func Words(s string) int {
	n, in := 0, false
	for _, r := range s {
		blank := r == ' ' || r == '\n' || r == '\t' || r == '\r' || r > unicode.MaxLatin1 && unicode.IsSpace(r)
		if !blank && !in {
			n++
		}
		in = !blank
	}
	return n
}

// refusals begin answers that decline; in lower case, with straight quotes.
var refusals = []string{
	"i'm sorry", "i am sorry", "sorry, but", "sorry, i", "i apologize", "i cannot", "i can't", "i can not", "i am unable", "i'm unable", "i'm not able", "i am not able",
	"as an ai", "as a language model", "unfortunately, i", "i do not have access", "i don't have access", "i won't", "i will not", "it is not possible for me", "i must decline",
}

// Refusal says whether an answer declines to answer, by how it begins.
func Refusal(answer string) bool {
	head := strings.TrimLeft(answer, " \t\r\n\"'*>")
	if len(head) > 80 {
		head = head[:80]
	}
	head = strings.ReplaceAll(strings.ToLower(head), "’", "'")
	for _, r := range refusals {
		if strings.HasPrefix(head, r) {
			return true
		}
	}
	return false
}

// mojibake are pairs that arise when UTF-8 is read as Latin-1 or Windows-1252
// and written as UTF-8 again, and hardly otherwise.
var mojibake = []string{"Ã©", "Ã¨", "Ã¤", "Ã¶", "Ã¼", "ÃŸ", "Ã±", "Ã§", "Ã¡", "Ã³", "Ãª", "â€™", "â€œ", "â€\u009d", "â€“", "â€”", "â€¦", "Â ", "Â°", "Â£", "ï»¿", "ðŸ"}

// Damaged says whether the text shows signs of a broken encoding: replacement
// characters, NULs, or UTF-8 that was decoded as something else.
func Damaged(s string) bool {
	ascii := true
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf || s[i] == 0 {
			ascii = false
			break
		}
	}
	if ascii {
		return false
	}
	if strings.ContainsRune(s, utf8.RuneError) || strings.IndexByte(s, 0) >= 0 {
		return true
	}
	if !strings.ContainsAny(s, "ÃâÂïð") {
		return false
	}
	for _, m := range mojibake {
		if strings.Contains(s, m) {
			return true
		}
	}
	return false
}

// Sorts of answers that Answer returns.
const (
	Empty     = "empty"
	Number    = "number"
	YesNo     = "yes or no"
	Choice    = "choice"
	Code      = "code"
	JSON      = "json"
	Listing   = "list"
	Declined  = "refusal"
	Short     = "short"
	Paragraph = "paragraph"
	Long      = "long"
)

// Answer names the sort of answer a text is.
func Answer(s string) string {
	t := strings.TrimSpace(s)
	switch {
	case t == "":
		return Empty
	case Refusal(t):
		return Declined
	case len(t) <= 40 && isNumber(t):
		return Number
	}
	if len(t) <= 12 {
		switch strings.Trim(strings.ToLower(t), ".! ") {
		case "yes", "no", "true", "false":
			return YesNo
		}
		if c := strings.Trim(t, "(). "); len(c) == 1 && (c[0] >= 'A' && c[0] <= 'H' || c[0] >= 'a' && c[0] <= 'h') {
			return Choice
		}
	}
	switch {
	case strings.Contains(t, "```"):
		return Code
	case t[0] == '{' && t[len(t)-1] == '}' || t[0] == '[' && t[len(t)-1] == ']':
		return JSON
	case items(t) >= 3:
		return Listing
	case len(t) <= 60 && !strings.Contains(t, "\n"):
		return Short
	case len(t) > 1500:
		return Long
	}
	return Paragraph
}

func isNumber(s string) bool {
	digits := 0
	for _, c := range s {
		switch {
		case c >= '0' && c <= '9':
			digits++
		case strings.ContainsRune("+-.,%$€£ /", c):
		default:
			return false
		}
	}
	return digits > 0
}

// items counts lines that begin like an item of a list.
func items(s string) int {
	n := 0
	for line := range strings.Lines(s) {
		line = strings.TrimLeft(line, " \t")
		switch {
		case len(line) < 3:
		case (line[0] == '-' || line[0] == '*') && line[1] == ' ', strings.HasPrefix(line, "• "):
			n++
		case line[0] >= '0' && line[0] <= '9':
			rest := strings.TrimLeft(line, "0123456789")
			if rest != "" && (rest[0] == '.' || rest[0] == ')') {
				n++
			}
		}
	}
	return n
}

// Given says whether the answer stands in the question word for word, and is
// long enough for that to be no chance.
func Given(question, answer string) bool {
	a := strings.TrimSpace(answer)
	return len(a) >= 40 && strings.Contains(question, a)
}
