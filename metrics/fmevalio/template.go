package fmevalio

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// DefaultTemplate returns FMEval's prompt template for a dataset of that name
// (a dataset of one's own that is called so gets it too).
func DefaultTemplate(dataset string) string {
	switch dataset {
	case "boolq":
		return `Respond to the following question. Valid answers are "True" or "False". $model_input`
	case "trivia_qa", "natural_questions":
		return "Respond to the following question with a short answer: $model_input"
	case "gigaword":
		return "Summarize the following text in one sentence: $model_input"
	case "gov_report":
		return "Summarize the following text in a few sentences: $model_input"
	case "womens_clothing_ecommerce_reviews":
		return "Classify the sentiment of the following review with 0 (negative sentiment) or 1 (positive sentiment): $model_input"
	}
	return "$model_input"
}

// Compose fills a prompt template as Python's string.Template does: $model_input
// or ${model_input} stands for the input, $$ for a dollar sign. A name is as long
// as it can be ($model_inputs is another one), any other name or use of $ is an
// error, and the input is not looked through again. As in FMEval an empty input
// counts as missing. A template without the placeholder is all right.
func Compose(template, modelInput string) (string, error) {
	var out strings.Builder
	for i := 0; i < len(template); {
		if template[i] != '$' {
			out.WriteByte(template[i])
			i++
			continue
		}
		rest := template[i+1:]
		var name string
		var n int
		switch {
		case strings.HasPrefix(rest, "$"):
			out.WriteByte('$')
			i += 2
			continue
		case strings.HasPrefix(rest, "{"):
			if k := identifier(rest[1:]); k > 0 && strings.HasPrefix(rest[1+k:], "}") {
				name, n = rest[1:1+k], k+2
			}
		default:
			n = identifier(rest)
			name = rest[:n]
		}
		if n == 0 {
			line, column := place(template[:i+1])
			return "", fmt.Errorf("the prompt template has an invalid placeholder in line %d, column %d: write $model_input, or $$ for a dollar sign", line, column)
		}
		if name != "model_input" {
			return "", fmt.Errorf("the prompt template has the placeholder %q; the only one is model_input", name)
		}
		if modelInput == "" {
			return "", fmt.Errorf("model_input is empty, and the prompt template needs it")
		}
		out.WriteString(modelInput)
		i += 1 + n
	}
	return out.String(), nil
}

// identifier returns the length of the ASCII name at the beginning of s.
func identifier(s string) int {
	for i := range len(s) {
		c := s[i]
		letter := c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return i
		}
	}
	return len(s)
}

// place returns the line and the column, from 1 on, of the last character.
func place(s string) (line, column int) {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	line = 1
	if i := strings.LastIndexAny(s, "\n\r\v\f\x1c\x1d\x1e\u0085\u2028\u2029"); i >= 0 {
		for _, r := range s[:i] {
			if strings.ContainsRune("\n\r\v\f\x1c\x1d\x1e\u0085\u2028\u2029", r) {
				line++
			}
		}
		_, n := utf8.DecodeRuneInString(s[i:])
		line, s = line+1, s[i+n:]
	}
	return line, utf8.RuneCountInString(s)
}
