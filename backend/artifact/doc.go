// Package artifact reads and writes the folder that a training job leaves and
// an import job takes: config.json, safetensors weights (one file or shards),
// tokenizer.json or tokenizer.model, tokenizer_config.json with its chat template, and the prompt
// formats those templates stand for.
//
// What belongs here: the file formats themselves, read from an fs.FS or an
// io.ReaderAt, and the text that a model of such a folder is fed. What does
// not: where the files lie (S3, disk, memory), judgements about whether a
// service will take them, and any arithmetic on the weights. The package uses
// the standard library only.
package artifact

// Names of the files of an artifact folder.
const (
	ConfigFile           = "config.json"
	WeightsFile          = "model.safetensors"
	WeightsIndexFile     = "model.safetensors.index.json"
	TokenizerFile        = "tokenizer.json"
	SentencePieceFile    = "tokenizer.model"
	TokenizerConfigFile  = "tokenizer_config.json"
	GenerationConfigFile = "generation_config.json"
	SpecialTokensFile    = "special_tokens_map.json"
	ChatTemplateJinja    = "chat_template.jinja"
	ChatTemplateJSON     = "chat_template.json"
)
