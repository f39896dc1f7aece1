package tui

import (
	"context"
	"errors"
	"io"

	"tunebench/backend/chat"
	"tunebench/backend/dataset"
	"tunebench/backend/training"
)

// errReadOnly says why something was not done.
var errReadOnly = errors.New("this is a read-only session: nothing is changed in the account, and no file is written; start without --read-only (account.read_only in the configuration) to do it")

// changing are the actions that a read-only session does not offer. What is done
// is refused below, by what the workbench is given; this only says so earlier.
var changing = []string{
	"dataset.do", "dataset.write", "training.do", "training.stop", "training.save", "training.save-preset", "training.delete-preset",
	"import.do", "import.delete", "import.unqueue", "chat.export", "score.export",
}

// readOnly takes away what changes anything.
func (d *Deps) readOnly() {
	d.Create = func(string) (io.WriteCloser, error) { return nil, errReadOnly }
	d.KeepTheme = nil
	d.Datasets = readOnlyDatasets{d.Datasets}
	open := d.Open
	if open == nil {
		return
	}
	d.Open = func(ctx context.Context) (*Services, error) {
		s, err := open(ctx)
		if err != nil {
			return nil, err
		}
		s.Training = readOnlyTraining{s.Training}
		s.Chat = readOnlyChat{s.Chat}
		return s, nil
	}
}

type readOnlyDatasets struct{ Datasets }

func (readOnlyDatasets) Prepare(context.Context, string, dataset.PrepareOptions, func(dataset.Progress)) (dataset.Manifest, error) {
	return dataset.Manifest{}, errReadOnly
}

func (readOnlyDatasets) WriteRecipe(string, dataset.RecipeFile) error { return errReadOnly }

type readOnlyTraining struct{ Training }

func (readOnlyTraining) SavePreset(training.Preset, bool) error { return errReadOnly }
func (readOnlyTraining) DeletePreset(string) error              { return errReadOnly }

type readOnlyChat struct{ Chat }

func (readOnlyChat) SavePrompt(chat.Prompt, bool) error { return errReadOnly }
func (readOnlyChat) DeletePrompt(string) error          { return errReadOnly }

func (readOnlyChat) DeleteConversation(context.Context, int64) error { return errReadOnly }

// unoffered gives the changing actions a reason not to be used.
func (a *App) unoffered() {
	for _, t := range a.Tables() {
		for i := range t.Bindings {
			for _, id := range changing {
				if t.Bindings[i].ID == id {
					t.Bindings[i].Off = func() string { return "this is a read-only session" }
				}
			}
		}
	}
}
