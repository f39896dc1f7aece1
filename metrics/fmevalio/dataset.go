package fmevalio

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"tunebench/metrics/nprand"
	"tunebench/metrics/pytext"
)

// The MIME types of datasets.
const (
	JSON      = "application/json"
	JSONLines = "application/jsonlines"
)

// DataConfig says what a dataset is and where its columns are, as JMESPath
// expressions; empty ones are not there.
type DataConfig struct {
	Name     string `json:"dataset_name"`
	URI      string `json:"dataset_uri"`
	MIMEType string `json:"dataset_mime_type"`

	ModelInput      string `json:"model_input_location"`
	ModelOutput     string `json:"model_output_location"`
	TargetOutput    string `json:"target_output_location"`
	Category        string `json:"category_location"`
	Context         string `json:"context_location"`
	SentMoreInput   string `json:"sent_more_input_location"`
	SentLessInput   string `json:"sent_less_input_location"`
	SentMoreLogProb string `json:"sent_more_log_prob_location"`
	SentLessLogProb string `json:"sent_less_log_prob_location"`
}

// The columns of a record, under FMEval's names and in the order in which a
// results file has them.
const (
	ModelInput          = "model_input"
	Prompt              = "prompt"
	ModelOutput         = "model_output"
	ModelLogProbability = "model_log_probability"
	TargetOutput        = "target_output"
	Category            = "category"
	Context             = "context"
	SentMoreInput       = "sent_more_input"
	SentLessInput       = "sent_less_input"
	SentMorePrompt      = "sent_more_prompt"
	SentLessPrompt      = "sent_less_prompt"
	SentMoreLogProb     = "sent_more_log_prob"
	SentLessLogProb     = "sent_less_log_prob"
	ErrorColumn         = "error"
)

var columnOrder = []string{
	ModelInput, Prompt, ModelOutput, ModelLogProbability, TargetOutput, Category, Context, SentMoreInput, SentLessInput,
	SentMorePrompt, SentLessPrompt, SentMoreLogProb, SentLessLogProb, ErrorColumn,
}

// Record is a row: values by column. Texts are strings (numbers, lists and so on
// as Python's str writes them), log-probabilities are as in the file, and the
// context is a list of texts.
type Record map[string]any

// Text returns a column that holds a text; ok is false if it is not there.
func (r Record) Text(column string) (s string, ok bool) {
	s, ok = r[column].(string)
	return s, ok
}

// number returns a log-probability.
func (r Record) number(column string) (float64, bool) {
	switch v := r[column].(type) {
	case float64:
		return v, true
	case pytext.Int:
		return v.Float(), true
	}
	return 0, false
}

// Dataset is what a file holds: the columns there are and the rows.
type Dataset struct {
	Columns map[string]bool
	Records []Record
}

// MaxRows is the number of rows that FMEval looks at; what comes later must be
// valid but is not sampled from.
const MaxRows = 100_000

type columnLocation struct {
	name string
	at   *location
}

func (c DataConfig) locations() ([]columnLocation, error) {
	var all []columnLocation
	for _, l := range []struct{ name, expression string }{
		{ModelInput, c.ModelInput}, {ModelOutput, c.ModelOutput}, {TargetOutput, c.TargetOutput}, {Category, c.Category},
		{Context, c.Context}, {SentMoreInput, c.SentMoreInput}, {SentLessInput, c.SentLessInput},
		{SentMoreLogProb, c.SentMoreLogProb}, {SentLessLogProb, c.SentLessLogProb},
	} {
		if l.expression == "" {
			continue
		}
		at, err := compile(l.name, l.expression)
		if err != nil {
			return nil, err
		}
		all = append(all, columnLocation{l.name, at})
	}
	return all, nil
}

// cast is FMEval's: everything but log-probabilities becomes text.
func cast(column string, v any) any {
	switch column {
	case SentMoreLogProb, SentLessLogProb:
		return v
	case Context:
		if list, ok := v.([]any); ok {
			texts := make([]any, len(list))
			for i, e := range list {
				texts[i] = pytext.Str(e)
			}
			return texts
		}
	}
	return pytext.Str(v)
}

// Load reads a dataset. JSON Lines: the whole text without white space at its
// ends is split at line feeds, and every line must hold a value; an expression
// that finds null in the first line drops its column for all. JSON: each
// expression must find a list without nulls, and all of one length.
func Load(c DataConfig, r io.Reader) (*Dataset, error) {
	locations, err := c.locations()
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("dataset %s cannot be read: %w", c.Name, err)
	}
	if !utf8.Valid(text) {
		return nil, fmt.Errorf("dataset %s is not UTF-8: save it in that encoding", c.Name)
	}
	var d *Dataset
	switch c.MIMEType {
	case JSONLines:
		d, err = loadLines(c, locations, text)
	case JSON:
		d, err = loadJSON(c, locations, text)
	default:
		err = fmt.Errorf("the MIME type %q is not known; use %s or %s", c.MIMEType, JSONLines, JSON)
	}
	if err != nil {
		return nil, err
	}
	if len(d.Records) == 0 {
		return nil, fmt.Errorf("dataset %s has no rows", c.Name)
	}
	return d, nil
}

func loadLines(c DataConfig, locations []columnLocation, text []byte) (*Dataset, error) {
	d := &Dataset{Columns: map[string]bool{}}
	line := 0
	for l := range bytes.SplitSeq(bytes.TrimFunc(text, pytext.Space), []byte{'\n'}) {
		line++
		v, err := pytext.Decode(l)
		if err != nil {
			return nil, fmt.Errorf("dataset %s, line %d: %w", c.Name, line, err)
		}
		doc, record := newDocument(v), Record{}
		for _, loc := range locations {
			found, err := loc.at.search(doc)
			if err != nil {
				return nil, fmt.Errorf("dataset %s, line %d, column %s: %w", c.Name, line, loc.name, err)
			}
			if _, list := found.([]any); list != (loc.name == Context) && found != nil {
				return nil, fmt.Errorf("dataset %s, line %d: the JMESPath %q for %s finds a %s where it must be %s", c.Name, line, loc.at.text, loc.name, kind(list), kind(!list))
			}
			if found == nil {
				continue
			}
			if line == 1 {
				d.Columns[loc.name] = true
			}
			if d.Columns[loc.name] {
				record[loc.name] = cast(loc.name, found)
			}
		}
		if len(d.Records) < MaxRows {
			d.Records = append(d.Records, record)
		}
	}
	return d, nil
}

func kind(list bool) string {
	if list {
		return "list"
	}
	return "single value"
}

func loadJSON(c DataConfig, locations []columnLocation, text []byte) (*Dataset, error) {
	v, err := pytext.Decode(text)
	if err != nil {
		return nil, fmt.Errorf("dataset %s: %w", c.Name, err)
	}
	doc := newDocument(v)
	d := &Dataset{Columns: map[string]bool{}}
	rows := -1
	first := ""
	for _, loc := range locations {
		found, err := loc.at.search(doc)
		if err != nil {
			return nil, fmt.Errorf("dataset %s, column %s: %w", c.Name, loc.name, err)
		}
		list, ok := found.([]any)
		if !ok || len(list) == 0 {
			return nil, fmt.Errorf("dataset %s: the JMESPath %q for %s must find a list with values", c.Name, loc.at.text, loc.name)
		}
		for i, e := range list {
			if e == nil {
				return nil, fmt.Errorf("dataset %s: the JMESPath %q for %s finds null at place %d", c.Name, loc.at.text, loc.name, i+1)
			}
			if _, nested := e.([]any); nested != (loc.name == Context) {
				return nil, fmt.Errorf("dataset %s: the JMESPath %q for %s finds a %s at place %d", c.Name, loc.at.text, loc.name, kind(nested), i+1)
			}
		}
		if rows < 0 {
			rows, first = len(list), loc.name
			d.Records = make([]Record, min(rows, MaxRows))
			for i := range d.Records {
				d.Records[i] = Record{}
			}
		}
		if len(list) != rows {
			return nil, fmt.Errorf("dataset %s: %s has %d values and %s has %d; an expression like [*].x leaves nulls out", c.Name, first, rows, loc.name, len(list))
		}
		d.Columns[loc.name] = true
		for i := range d.Records {
			d.Records[i][loc.name] = cast(loc.name, list[i])
		}
	}
	return d, nil
}

// SampleSeed is the seed of FMEval's sampling.
const SampleSeed = 1234

// Sample returns n of the rows in FMEval's order; it shuffles also when n is all
// of them. n = 0 returns all rows as they come.
func (d *Dataset) Sample(n int) []Record {
	if n <= 0 {
		return d.Records
	}
	rows := make([]Record, 0, min(n, len(d.Records)))
	for _, i := range nprand.Sample(len(d.Records), n, SampleSeed) {
		rows = append(rows, d.Records[i])
	}
	return rows
}

// ErrMissingColumn says that a dataset lacks a column that an evaluation needs.
var ErrMissingColumn = errors.New("missing required column")

// require checks that the dataset has the columns.
func (d *Dataset) require(c DataConfig, columns ...string) error {
	for _, col := range columns {
		if !d.Columns[col] {
			return fmt.Errorf("dataset %s: %w: %s (set %s_location)", c.Name, ErrMissingColumn, col, col)
		}
	}
	return nil
}
