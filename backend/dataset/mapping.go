package dataset

import (
	"fmt"
	"slices"
	"strings"

	"tunebench/backend/safetext"
)

// Names that columns are known by, the most telling first; letter case and
// "-", " " and "_" make no difference. Pairs are tried before single names, so
// that a file's own convention wins over a lucky mix of two.
var (
	questionNames = []string{"question", "query", "prompt", "instruction", "problem", "user", "text_input", "model_input", "input", "q"}
	answerNames   = []string{"response", "answer", "answers", "completion", "output", "target_output", "target", "chosen",
		"assistant", "reply", "solution", "expected", "reference", "ground_truth", "label", "a"}
	systemNames   = []string{"system_prompt", "system", "system_message", "context", "passage"}
	idNames       = []string{"id", "_id", "uid", "uuid", "qid", "question_id", "row_id", "idx", "index"}
	categoryNames = []string{"category", "subject", "topic", "task", "domain", "type", "kind"}
	messagesNames = []string{"messages", "conversations", "conversation", "dialogue", "dialog", "chat"}

	pairs = []struct{ question, answer string }{
		{"question", "response"},          // OpenOrca
		{"instruction", "output"},         // Alpaca
		{"instruction", "response"},       // Dolly
		{"prompt", "completion"},          // completion-style files
		{"prompt", "response"},            //
		{"question", "answers"},           // SQuAD
		{"model_input", "target_output"},  // FMEval
		{"question", "answer"},            //
		{"model_input", "model_output"},   //
		{"model_input", "target_answers"}, //
	}
)

func canonical(name string) string {
	return strings.NewReplacer("-", "_", " ", "_").Replace(strings.ToLower(strings.TrimSpace(name)))
}

// guess finds the columns that play each part.
func guess(columns []string) Mapping {
	find := func(names ...string) string {
		for _, want := range names {
			for _, c := range columns {
				if canonical(c) == want {
					return c
				}
			}
		}
		return ""
	}
	m := Mapping{ID: find(idNames...), Category: find(categoryNames...), System: find(systemNames...)}
	for _, p := range pairs {
		if q, a := find(p.question), find(p.answer); q != "" && a != "" {
			m.Question, m.Answer = q, a
			break
		}
	}
	if m.Question == "" {
		if m.Messages = find(messagesNames...); m.Messages != "" {
			return m
		}
		m.Question, m.Answer = find(questionNames...), find(answerNames...)
	}
	switch canonical(m.Question) {
	case "instruction":
		m.Context = find("input", "context")
		if canonical(m.System) == "context" {
			m.System = ""
		}
	}
	for _, part := range []*string{&m.ID, &m.Category, &m.System} {
		if *part != "" && (*part == m.Question || *part == m.Answer) {
			*part = ""
		}
	}
	return m
}

// check refuses a mapping that names columns the file does not have.
func (m Mapping) check(columns []string) error {
	for _, c := range []string{m.ID, m.System, m.Question, m.Context, m.Answer, m.Messages, m.Category} {
		if c != "" && !slices.Contains(columns, c) {
			return fmt.Errorf("there is no column %q; the columns are %s", safetext.Line(c), columnList(columns))
		}
	}
	return nil
}

func columnList(columns []string) string {
	if len(columns) == 0 {
		return "none"
	}
	shown := make([]string, 0, len(columns))
	for i, c := range columns {
		if i == 20 {
			shown = append(shown, fmt.Sprintf("and %d more", len(columns)-i))
			break
		}
		shown = append(shown, safetext.Line(c))
	}
	return strings.Join(shown, ", ")
}

// ColumnsError says that a dataset can be looked at but not trained on or
// evaluated, because no column is its question or its answer.
type ColumnsError struct {
	Path    string
	Found   []string // the columns of the file
	Missing []string // "question", "answer"
}

func (e *ColumnsError) Error() string {
	if slices.Contains(e.Found, "paragraphs") {
		return fmt.Sprintf("%s is in SQuAD's nested form; write a row for each question with: "+
			"jq -c '.data[].paragraphs[] | .context as $c | .qas[] | {id, context: $c, question, answer: (.answers[0].text // \"\")}' FILE > rows.jsonl", safetext.Line(e.Path))
	}
	return fmt.Sprintf("%s has no column for the %s; its columns are %s. Needed are a question and an answer, as in OpenOrca (question, response; "+
		"optional id, system_prompt, category), or messages, or instruction and output, or prompt and completion: rename the columns",
		safetext.Line(e.Path), strings.Join(e.Missing, " and the "), columnList(e.Found))
}

// usable says whether the mapping gives examples.
func (m Mapping) usable(path string, columns []string) error {
	if m.Messages != "" {
		return nil
	}
	e := &ColumnsError{Path: path, Found: columns}
	if m.Question == "" {
		e.Missing = append(e.Missing, "question")
	}
	if m.Answer == "" {
		e.Missing = append(e.Missing, "answer")
	}
	if e.Missing == nil {
		return nil
	}
	return e
}
