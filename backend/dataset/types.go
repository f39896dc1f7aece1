// Package dataset opens files of examples, shows them by the window, renders
// them as a model will see them, and prepares the splits that a training job
// and an evaluation read.
//
// It belongs here if it is about rows and files of rows. Uploading, training,
// scoring and drawing are not.
package dataset

// Field is one column's value in one row, as the file has it, cleaned for
// display.
type Field struct {
	Name  string
	Value string
}

// Row is one example. ID to Category come from the columns that the dataset's
// Mapping names; Fields holds every column in the file's order. All text has
// passed safetext.
type Row struct {
	// Index is the row's zero-based position in the dataset.
	Index int64

	ID       string
	System   string
	Question string
	Answer   string
	Category string

	Fields []Field

	// Err says why this row cannot be read, in words; the other rows still can.
	Err string
}

// Mapping names the column that plays each part; "" means none does.
type Mapping struct {
	ID       string `json:"id,omitempty"`
	System   string `json:"system,omitempty"`
	Question string `json:"question,omitempty"`
	// Context is put after the question, behind a blank line (Alpaca's input).
	Context  string `json:"context,omitempty"`
	Answer   string `json:"answer,omitempty"`
	Messages string `json:"messages,omitempty"`
	Category string `json:"category,omitempty"`
}

// Info is what is known about an open dataset at this moment.
type Info struct {
	Path string `json:"path"`
	// Format is "jsonl", "json", "csv", "tsv" or "parquet"; "mixed" when files
	// of several formats make up the dataset.
	Format string `json:"format"`
	// Note says how the file is read where that is not the usual way of its
	// format: which character separates its fields, which list holds the rows.
	Note string `json:"note,omitempty"`
	// Bytes is the size of the files as they are stored.
	Bytes int64 `json:"bytes"`
	// Rows is the number of rows, an estimate until RowsExact.
	Rows      int64 `json:"rows"`
	RowsExact bool  `json:"rows_exact"`
	// Columns lists the columns seen so far, in the file's order.
	Columns []string `json:"columns"`
	Mapping Mapping  `json:"mapping"`
	// Indexed is the fraction of the file that has been indexed, 0 to 1.
	Indexed float64 `json:"-"`
	// Files lists the files of a dataset that has several, in their order.
	Files []string `json:"files,omitempty"`
	// Grown counts how often the file has grown since it was opened.
	Grown int `json:"-"`
	// Stale says what happened to the file under us, in words: it was replaced,
	// cut short or removed, and should be opened again. "" when nothing did.
	Stale string `json:"stale,omitempty"`
}

// Split names used as file names: train.jsonl, validation.jsonl, test.jsonl.
const (
	Train      = "train"
	Validation = "validation"
	Test       = "test"
)

// SplitInfo describes one written split.
type SplitInfo struct {
	Name   string `json:"name"`
	File   string `json:"file"`
	Rows   int64  `json:"rows"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// SourceInfo describes one file that splits were made of.
type SourceInfo struct {
	Path   string `json:"path"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// Manifest is manifest.json beside the splits: enough to make them again and to
// know what a model was trained on.
type Manifest struct {
	Version int    `json:"version"`
	Source  string `json:"source"`
	// SourceSHA256 is the hash of the file as it is stored; of the hashes of all
	// files, a line each, when there are several.
	SourceSHA256 string       `json:"source_sha256"`
	Sources      []SourceInfo `json:"sources,omitempty"`
	SourceRows   int64        `json:"source_rows"`
	Mapping      Mapping      `json:"mapping"`
	Recipe       *Recipe      `json:"recipe,omitempty"`
	// Against are the files of the recipe's evaluation file.
	Against []SourceInfo `json:"against,omitempty"`
	// TokenCounter says whose tokens the recipe counted, when it did.
	TokenCounter string         `json:"token_counter,omitempty"`
	PromptFormat string         `json:"prompt_format"`
	Seed         uint64         `json:"seed"`
	Split        [3]float64     `json:"split"`
	Splits       []SplitInfo    `json:"splits"`
	Dropped      map[string]int `json:"dropped,omitempty"` // reason → rows left out
}

// Progress reports how far a longer piece of work has come.
type Progress struct {
	What  string
	Done  int64
	Total int64 // 0 when unknown
}
