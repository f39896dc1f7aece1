// Command tunebench is a terminal workbench: prepare a dataset, fine-tune
// Mistral on Amazon SageMaker, import it into Amazon Bedrock, chat with it and
// score it.
package main

import (
	"embed"
	"io/fs"
	"os"

	"tunebench/backend/dataset"
	"tunebench/tui/command"
	"tunebench/tui/crash"
)

//go:embed testdata/openorca-sample.jsonl testdata/heldout.jsonl testdata/unseen-wordings.jsonl
var samples embed.FS

func main() {
	crash.Main() // returns unless this process watches another
	sub, err := fs.Sub(samples, "testdata")
	if err != nil {
		panic(err) // the embedded folder is named in this file
	}
	dataset.SetSample(sub)
	os.Exit(command.Main())
}
