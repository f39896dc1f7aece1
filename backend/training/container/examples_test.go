package container

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"tunebench/backend/artifact"
)

// TestExamples holds what the workbench shows of a row, its ids and which of
// them carry loss, against what the training code makes of it in Python.
// testdata/examples.py writes the file; .ci/tokenizers.sh does so again and
// compares.
func TestExamples(t *testing.T) {
	f, err := os.Open("testdata/examples.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	tokenizers := map[string]*artifact.Tokenizer{}
	seen := map[string]int{}
	for sc := bufio.NewScanner(f); sc.Scan(); {
		var row struct {
			Tokenizer, Format string
			Messages          [][2]string
			AnswerStart       int `json:"answer_start"`
			IDs               []int32
		}
		if err := json.Unmarshal(sc.Bytes(), &row); err != nil {
			t.Fatal(err)
		}
		tok := tokenizers[row.Tokenizer]
		if tok == nil {
			if tok, err = artifact.LoadTokenizer(os.DirFS(filepath.Join("../../artifact/testdata", row.Tokenizer))); err != nil {
				t.Fatal(err)
			}
			tokenizers[row.Tokenizer] = tok
		}
		format, err := artifact.FormatByName(row.Format)
		if err != nil {
			t.Fatal(err)
		}
		var msgs []artifact.Message
		for _, m := range row.Messages {
			msgs = append(msgs, artifact.Message{Role: m[0], Content: m[1]})
		}
		ids, start, err := format.EncodeExample(tok, msgs)
		if err != nil || !slices.Equal(ids, row.IDs) || start != row.AnswerStart {
			t.Errorf("%s with the tokenizer %s: %q\n  here %v, loss from %d (%v)\nPython %v, loss from %d", row.Format, row.Tokenizer, row.Messages, ids, start, err, row.IDs, row.AnswerStart)
		}
		seen[row.Format]++
	}
	for _, name := range artifact.Formats() {
		if seen[name] < 5 {
			t.Errorf("there are %d examples of %s", seen[name], name)
		}
	}
}
