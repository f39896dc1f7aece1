package sagemaker

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tunebench/backend/artifact"
	"tunebench/backend/localaws/tinymistral"
)

// Limits of what a job takes into memory.
const (
	maxChannelBytes = 256 << 20
	maxRowBytes     = 4 << 20
)

// rowSet is a data channel as the engine takes it.
type rowSet struct {
	examples []tinymistral.Example
	tokens   int64 // predicted tokens of one pass, after cutting
	rows     int   // rows in the files
	empty    int   // left out: nothing was asked or answered
	tooLong  int   // left out: the answer begins beyond the sequence length
	cut      int   // kept with the end of their answer cut off
	shortest int   // tokens of the shortest row; 0 without rows
}

// rowReader reads the files of a data channel.
type rowReader struct {
	format    artifact.PromptFormat
	tokenizer *artifact.Tokenizer
	seqLen    int
}

// read reads all files of a channel's folder in the order of their names. The
// error names file and line.
func (rr *rowReader) read(ctx context.Context, channelName, dir string) (*rowSet, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	set := &rowSet{}
	var files, others []string
	for _, e := range entries {
		switch ext := strings.ToLower(filepath.Ext(e.Name())); {
		case e.IsDir():
		case ext == ".jsonl", ext == ".json" && e.Name() != "manifest.json":
			files = append(files, e.Name())
		default:
			others = append(others, e.Name())
		}
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("the channel %q holds no JSON Lines file (.jsonl or .json) but %s; put one JSON object per line into a .jsonl file", channelName, quoteList(others))
	}
	for _, name := range files {
		if err := rr.readFile(ctx, set, filepath.Join(dir, name)); err != nil {
			return nil, fmt.Errorf("channel %q, %s%w", channelName, name, err)
		}
	}
	return set, nil
}

func quoteList(names []string) string {
	if len(names) == 0 {
		return "nothing"
	}
	if len(names) > 5 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:5], ", "), len(names)-5)
	}
	return strings.Join(names, ", ")
}

// readFile adds the rows of one file. Its errors begin with what follows the
// file's name.
func (rr *rowReader) readFile(ctx context.Context, set *rowSet, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf(": %w", err)
	}
	defer f.Close()
	r := bufio.NewReaderSize(f, 1<<16)
	for n := 1; ; n++ {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		line, err := readLine(r)
		if err != nil && err != io.EOF {
			return fmt.Errorf(" line %d: %w", n, err)
		}
		if n == 1 {
			line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
		}
		if trimmed := bytes.TrimSpace(line); len(trimmed) > 0 {
			if rowErr := rr.add(set, trimmed); rowErr != nil {
				return fmt.Errorf(" line %d: %w", n, rowErr)
			}
		}
		if err == io.EOF {
			return nil
		}
	}
}

func readLine(r *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		line = append(line, part...)
		if len(line) > maxRowBytes {
			return nil, fmt.Errorf("the row is longer than %d bytes; the file may not be JSON Lines", maxRowBytes)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
	}
}

// row holds the columns that training reads: OpenOrca's, or messages.
type row struct {
	SystemPrompt *string        `json:"system_prompt"`
	Question     *string        `json:"question"`
	Response     *string        `json:"response"`
	Messages     []chatMessages `json:"messages"`
}

type chatMessages struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// add parses one row and makes an example of it.
func (rr *rowReader) add(set *rowSet, line []byte) error {
	if line[0] == '[' {
		return errors.New("it begins with \"[\"; the file must be JSON Lines, one object per line without an array around them")
	}
	var r row
	if err := json.Unmarshal(line, &r); err != nil {
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) && wrong.Field != "" {
			return fmt.Errorf("the column %q holds a %s where text must stand", wrong.Field, wrong.Value)
		}
		return fmt.Errorf("it is not a JSON object (%v); every line must be one", err)
	}
	msgs, err := r.messages(line)
	if err != nil {
		return err
	}
	set.rows++
	answer := msgs[len(msgs)-1].Content
	if strings.TrimSpace(answer) == "" || strings.TrimSpace(msgs[len(msgs)-2].Content) == "" {
		set.empty++
		return nil
	}
	ids, start, err := rr.format.EncodeExample(rr.tokenizer, msgs)
	if err != nil {
		return err
	}
	if set.shortest == 0 || len(ids) < set.shortest {
		set.shortest = len(ids)
	}
	if start > rr.seqLen {
		set.tooLong++
		return nil
	}
	if len(ids) > rr.seqLen+1 {
		set.cut++
	}
	set.tokens += int64(min(len(ids)-1, rr.seqLen))
	set.examples = append(set.examples, tinymistral.Example{IDs: ids, AnswerStart: start})
	return nil
}

// messages turns a row into a conversation that ends with an answer.
func (r *row) messages(line []byte) ([]artifact.Message, error) {
	if r.Messages != nil {
		var msgs []artifact.Message
		for _, m := range r.Messages {
			msgs = append(msgs, artifact.Message{Role: m.Role, Content: m.Content})
		}
		if len(msgs) < 2 || msgs[len(msgs)-1].Role != artifact.RoleAssistant {
			return nil, errors.New("messages must hold a question and end with the assistant's answer")
		}
		if err := artifact.CheckMessages(msgs); err != nil {
			return nil, err
		}
		return msgs, nil
	}
	if r.Question == nil || r.Response == nil {
		var columns map[string]json.RawMessage
		_ = json.Unmarshal(line, &columns) // it was an object a moment ago
		return nil, fmt.Errorf("the row has the columns %s; it needs question and response (system_prompt and id may stand beside them), or messages",
			quoteList(slices.Sorted(maps.Keys(columns))))
	}
	var msgs []artifact.Message
	if r.SystemPrompt != nil && *r.SystemPrompt != "" {
		msgs = append(msgs, artifact.Message{Role: artifact.RoleSystem, Content: *r.SystemPrompt})
	}
	return append(msgs, artifact.Message{Role: artifact.RoleUser, Content: *r.Question},
		artifact.Message{Role: artifact.RoleAssistant, Content: *r.Response}), nil
}

// usable says why a set can not be trained on, or nil.
func (set *rowSet) usable(channelName string, seqLen, context int) error {
	switch {
	case len(set.examples) > 0:
		return nil
	case set.rows == 0:
		return fmt.Errorf("the channel %q has no rows; give it a file with at least one", channelName)
	case set.tooLong > 0:
		return fmt.Errorf("none of the %d rows in the channel %q fits: the shortest has %d tokens and max_sequence_length is %d; raise it (the base model takes up to %d) or shorten the rows",
			set.rows, channelName, set.shortest, seqLen, context)
	}
	return fmt.Errorf("none of the %d rows in the channel %q has both a question and an answer", set.rows, channelName)
}
