package dataset

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"tunebench/backend/artifact"
	"tunebench/backend/safetext"
)

// LoadTokenizer reads the tokenizer of a model: a folder with tokenizer.json or
// tokenizer.model (a model's folder is one), or such a file.
func LoadTokenizer(path string) (*artifact.Tokenizer, error) {
	shown := safetext.Line(path)
	st, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read the tokenizer %s: %w", shown, err)
	}
	if st.IsDir() {
		t, err := artifact.LoadEitherTokenizer(os.DirFS(path))
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("the folder %s holds no %s and no %s; name the folder of a model or one of these files", shown, artifact.TokenizerFile, artifact.SentencePieceFile)
		}
		if err != nil {
			return nil, fmt.Errorf("read the tokenizer in %s: %w", shown, err)
		}
		return t, nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the tokenizer %s: %w", shown, err)
	}
	t, err := artifact.ParseEitherTokenizer(b)
	if err != nil {
		return nil, fmt.Errorf("read the tokenizer %s: %w", shown, err)
	}
	return t, nil
}

// FormatOfModel says which prompt format the chat template of a model's folder
// is, when it is one that is known.
func FormatOfModel(folder string) (string, error) {
	shown := safetext.Line(folder)
	template, where, err := artifact.ChatTemplate(os.DirFS(folder))
	if err != nil {
		return "", fmt.Errorf("the model in %s: %w", shown, err)
	}
	name, ok := artifact.DetectFormat(template)
	if !ok {
		return "", fmt.Errorf("the chat template in %s of %s is none of those that are known; name a prompt format: %s", where, shown, strings.Join(artifact.Formats(), ", "))
	}
	return name, nil
}

// TokensOf makes a counter of a model's own tokenizer; path is what it is called.
func TokensOf(t *artifact.Tokenizer, path string) TokenCounter {
	return TokenCounter{Name: safetext.Line(filepath.Clean(path)), Exact: true, Count: t.Count}
}

// CountTokens counts the tokens of all usable rows with the dataset's counter:
// of their system texts, questions and answers, without the tokens that a prompt
// format adds.
func (d *Dataset) CountTokens(ctx context.Context, progress func(Progress)) (TokenCount, error) {
	c := TokenCount{Counter: d.tokens.Name, Exact: d.tokens.Exact}
	var rows atomic.Int64
	err := sweep(ctx, d.rows, 0, func(ctx context.Context, lo, hi int64) (n int64, err error) {
		err = scanRange(ctx, d.rows, lo, hi, func(r *record) {
			if k, ok := d.tokensOf(r); ok {
				n += int64(k)
				rows.Add(1)
			}
		})
		return n, err
	}, func(_, hi int64, n int64) error {
		c.Tokens += n
		if progress != nil {
			total, _, _ := d.rows.status()
			progress(Progress{What: "counting tokens", Done: hi, Total: total})
		}
		return nil
	})
	if err == nil {
		err = d.WaitIndexed(ctx)
	}
	c.Rows, c.Low, c.High = rows.Load(), c.Tokens, c.Tokens
	return c, err
}

// tokensOf counts the tokens of a row; false when it has no text to count.
func (d *Dataset) tokensOf(r *record) (int, bool) {
	e := d.mapping.example(r)
	if e.Err != "" {
		return 0, false
	}
	return d.tokens.Count(e.System) + d.tokens.Count(e.Question) + d.tokens.Count(e.Answer), true
}
