package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/parquet-go/parquet-go"

	"tunebench/backend/localaws/tinymistral/corpus"
)

// writeSample writes the sample dataset in its three forms, and the two files
// for evaluation.
func writeSample(dir string) error {
	sample := corpus.Sample()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, rows := range map[string][]corpus.Row{
		"openorca-sample.jsonl": sample,
		"heldout.jsonl":         corpus.HeldOut(),
		"unseen-wordings.jsonl": corpus.UnseenWordings(),
	} {
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		for _, r := range rows {
			if err := enc.Encode(r); err != nil {
				return fmt.Errorf("write %s: %w", name, err)
			}
		}
		if err := os.WriteFile(filepath.Join(dir, name), b.Bytes(), 0o644); err != nil {
			return err
		}
	}
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	records := [][]string{{"id", "system_prompt", "question", "response", "category"}}
	for _, r := range sample {
		records = append(records, []string{r.ID, r.SystemPrompt, r.Question, r.Response, r.Category})
	}
	if err := w.WriteAll(records); err != nil {
		return fmt.Errorf("write openorca-sample.csv: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "openorca-sample.csv"), b.Bytes(), 0o644); err != nil {
		return err
	}
	b.Reset()
	if err := parquet.Write(&b, sample, parquet.Compression(&parquet.Snappy)); err != nil {
		return fmt.Errorf("write openorca-sample.parquet: %w", err)
	}
	return os.WriteFile(filepath.Join(dir, "openorca-sample.parquet"), b.Bytes(), 0o644)
}
