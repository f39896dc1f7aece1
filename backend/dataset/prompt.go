package dataset

import (
	"context"
	"fmt"
	"io"
	"strings"

	"tunebench/backend/artifact"
	"tunebench/backend/safetext"
)

// PromptToken is one token of a rendered row.
type PromptToken struct {
	ID int32 `json:"id"`
	// Text is what the token stands for, cleaned; of a special token its name.
	Text string `json:"text"`
	// Special tokens were put in by the prompt format.
	Special bool `json:"special,omitempty"`
	// Loss says that the token is one of those that are learnt.
	Loss bool `json:"loss,omitempty"`
}

// Why a row is not trained on as it is; values of Prompt.Verdict.
const (
	PromptWhole   = ""
	PromptCut     = "the end of the answer is cut off"
	PromptTooLong = "left out: the answer begins beyond the sequence length"
	PromptEmpty   = "left out: no question or no answer"
)

// Prompt is a row exactly as it is trained on.
type Prompt struct {
	Row    int64         `json:"row"` // from 1
	Format string        `json:"format"`
	Text   string        `json:"text"` // special tokens spelled out, cleaned
	Tokens []PromptToken `json:"tokens"`
	// Length is the number of tokens before truncation, AnswerStart the first
	// that is learnt.
	Length      int `json:"length"`
	AnswerStart int `json:"answer_start"`
	// Kept is how many tokens are left at the sequence length; 0 when the row is
	// left out.
	Kept    int    `json:"kept"`
	Verdict string `json:"verdict,omitempty"`
}

// Prompt renders row index (from 0) in a prompt format with a model's tokenizer,
// cut at maxLength tokens (0 for no limit), as the training code does. A row
// that cannot be read is an error.
func (d *Dataset) Prompt(ctx context.Context, index int64, format string, t *artifact.Tokenizer, maxLength int) (Prompt, error) {
	var p Prompt
	found := false
	err := d.Examples(ctx, index, func(e Example) (err error) {
		found = true
		if p, err = promptOf(e, format, t, maxLength); err != nil {
			return err
		}
		return io.EOF
	})
	if err == nil && !found {
		err = fmt.Errorf("there is no row %d", index+1)
	}
	return p, err
}

func promptOf(e Example, format string, t *artifact.Tokenizer, maxLength int) (Prompt, error) {
	p := Prompt{Row: e.Index + 1}
	f, err := artifact.FormatByName(format)
	if err != nil {
		return p, err
	}
	p.Format = f.Name
	if e.Err != "" {
		return p, fmt.Errorf("%s", safetext.Line(e.Err))
	}
	var msgs []artifact.Message
	if e.System != "" {
		msgs = append(msgs, artifact.Message{Role: artifact.RoleSystem, Content: e.System})
	}
	msgs = append(msgs, artifact.Message{Role: artifact.RoleUser, Content: e.Question}, artifact.Message{Role: artifact.RoleAssistant, Content: e.Answer})
	ids, start, err := f.EncodeExample(t, msgs)
	if err != nil {
		return p, err
	}
	p.Length, p.AnswerStart, p.Kept = len(ids), start, len(ids)
	switch {
	case strings.TrimSpace(e.Question) == "" || strings.TrimSpace(e.Answer) == "":
		p.Kept, p.Verdict = 0, PromptEmpty
	case maxLength > 0 && start >= maxLength:
		p.Kept, p.Verdict = 0, PromptTooLong
	case maxLength > 0 && len(ids) > maxLength:
		p.Kept, p.Verdict = maxLength, PromptCut
	}
	var text strings.Builder
	p.Tokens = make([]PromptToken, len(ids))
	for i, id := range ids {
		tok := PromptToken{ID: id, Loss: i >= start}
		if t.IsSpecial(id) {
			tok.Text, tok.Special = t.Token(id), true
		} else {
			tok.Text = t.Spelled(id)
		}
		text.WriteString(tok.Text)
		tok.Text = safetext.Text(tok.Text)
		p.Tokens[i] = tok
	}
	p.Text = safetext.Text(text.String())
	return p, nil
}
