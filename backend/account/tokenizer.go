package account

import (
	"tunebench/backend/artifact"
	"tunebench/backend/localaws/tinymistral/base"
)

// LocalTokenizer loads the tokenizer of the model that the local account trains.
func LocalTokenizer() (*artifact.Tokenizer, error) { return artifact.LoadTokenizer(base.FS()) }
