package command

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tunebench/backend/account"
	"tunebench/backend/artifact"
	"tunebench/backend/config"
	"tunebench/tui"
)

// TestScreenTokenizer: on the local account a row is shown in the tokens of the
// model that is trained there; elsewhere in those of the tokenizer that was named.
func TestScreenTokenizer(t *testing.T) {
	rows := filepath.Join(t.TempDir(), "rows.jsonl")
	if err := os.WriteFile(rows, []byte(`{"question":"What does [INST] mean?","response":"Oslo."}`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	open := func(f *tui.Files) tui.Dataset {
		d, err := f.Open(t.Context(), rows, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { d.Close() })
		return d
	}
	local := config.Default()
	d := open(&tui.Files{Tokenizer: screenTokenizer(local)})
	p, err := d.Prompt(t.Context(), 0, "mistral-v3", 0)
	if err != nil {
		t.Fatal(err)
	}
	tok, err := account.LocalTokenizer()
	if err != nil {
		t.Fatal(err)
	}
	f, err := artifact.FormatByName("mistral-v3")
	if err != nil {
		t.Fatal(err)
	}
	ids, start, err := f.EncodeExample(tok, []artifact.Message{{Role: artifact.RoleUser, Content: "What does [INST] mean?"}, {Role: artifact.RoleAssistant, Content: "Oslo."}})
	if err != nil || len(ids) != len(p.Tokens) || start != p.AnswerStart {
		t.Fatalf("%d tokens with the answer at %d, want %d at %d (%v)", len(p.Tokens), p.AnswerStart, len(ids), start, err)
	}
	for i, id := range ids {
		if p.Tokens[i].ID != id {
			t.Errorf("token %d is %d, want %d", i, p.Tokens[i].ID, id)
		}
	}
	if n := strings.Count(p.Text, "[INST]"); n != 2 || p.Tokens[1].ID != ids[1] || !p.Tokens[1].Special {
		t.Errorf("%q should begin a turn once and hold the text [INST] once", p.Text)
	}

	aws := config.Default()
	aws.Account.Name = account.AWS
	if _, err := open(&tui.Files{Tokenizer: screenTokenizer(aws)}).Prompt(t.Context(), 0, "mistral-v3", 0); !errors.Is(err, tui.ErrNoTokenizer) {
		t.Errorf("without a tokenizer: %v", err)
	}
	aws.Dataset.Tokenizer = filepath.Join("..", "..", "backend", "localaws", "tinymistral", "base")
	files := &tui.Files{Tokenizer: screenTokenizer(aws)}
	if p, err := open(files).Prompt(t.Context(), 0, "mistral-v3", 8); err != nil || p.Length != len(ids) || p.Kept != 8 && p.Kept != 0 {
		t.Errorf("with a tokenizer that was named: %d tokens, %d kept, %v", p.Length, p.Kept, err)
	}
	if err := files.UseTokenizer(t.Context(), filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a tokenizer that is not there was taken")
	}
	if _, err := open(files).Prompt(t.Context(), 0, "mistral-v3", 0); err != nil {
		t.Errorf("the tokenizer before it is gone: %v", err)
	}
	aws.Dataset.Tokenizer = filepath.Join(t.TempDir(), "gone")
	if _, err := open(&tui.Files{Tokenizer: screenTokenizer(aws)}).Prompt(t.Context(), 0, "mistral-v3", 0); err == nil || !strings.Contains(err.Error(), "gone") {
		t.Errorf("a tokenizer that is not there: %v", err)
	}
}
