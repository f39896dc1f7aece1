// Package base embeds the base model of the local account: a complete artifact
// folder made by package makebase. README.md says what the model knows, what
// it can not do and how it was made.
//
// What belongs here: that folder. Nothing else does.
package base

import (
	"embed"
	"io/fs"
)

//go:embed config.json model.safetensors tokenizer.json tokenizer_config.json generation_config.json special_tokens_map.json
var files embed.FS

// FS returns the artifact folder of the base model.
func FS() fs.FS { return files }
