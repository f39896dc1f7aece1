package command

import (
	"tunebench/backend/account"
	"tunebench/backend/artifact"
	"tunebench/backend/config"
	"tunebench/backend/dataset"
	"tunebench/tui"
)

// screenTokenizer is the tokenizer that the dataset pane begins with: the one of
// the configuration, or else that of the model which the local account trains.
func screenTokenizer(cfg config.Config) tui.Tokenizer {
	if path := cfg.Dataset.Tokenizer; path != "" {
		return tui.Tokenizer{Name: path, Load: func() (*artifact.Tokenizer, error) { return dataset.LoadTokenizer(path) }}
	}
	if cfg.Account.Name == account.Local {
		return tui.Tokenizer{Name: "the local base model", Load: account.LocalTokenizer}
	}
	return tui.Tokenizer{}
}
