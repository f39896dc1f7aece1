package command

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"tunebench/backend/config"
)

// Commands are either of these. A read-only session refuses those that change
// something in the account, or write a file outside of the program's own folders,
// before they begin; the account's clients refuse what is left.
var (
	changing = map[string]bool{
		"dataset fetch": true, "dataset prepare": true, "dataset upload": true,
		"train start": true, "train resume": true, "train again": true, "train stop": true, "train presets save": true, "train presets delete": true,
		"import start": true, "import delete": true, "import fix": true, "import unqueue": true,
		"sessions delete": true, "eval delete": true, "prompts save": true, "prompts delete": true, "loop": true, "local reset": true,
	}
	looking = map[string]bool{
		"chat": true, "completion bash": true, "completion fish": true, "completion powershell": true, "completion zsh": true, "help": true,
		"dataset badrows": true, "dataset filter": true, "dataset head": true, "dataset info": true, "dataset profile": true, "dataset search": true, "dataset tokens": true,
		"doctor": true, "permissions": true,
		"eval compare": true, "eval datasets": true, "eval export": true, "eval judge": true, "eval judge-prompt": true, "eval rounds": true, "eval vote": true, "eval votes": true, "eval list": true, "eval mark": true, "eval run": true, "eval score": true, "eval show": true, "eval trend": true,
		"import check": true, "import list": true, "import models": true, "import role": true, "import status": true,
		"models format": true, "models list": true, "models prove": true, "models show": true,
		"sessions export": true, "sessions list": true, "sessions show": true, "sessions table": true, "prompts list": true, "prompts show": true,
		// It changes nothing by itself; its clients are others.
		"local serve": true, "local owner": true,
		"train diff": true, "train kept": true, "train list": true, "train logs": true, "train metrics": true, "train plan": true, "train presets": true, "train presets show": true,
		"train role": true, "train status": true,
	}
	// writing are flags that make a reading command write a file.
	writing = []string{"raw", "out", "file", "save-recipe", "write"}
)

// pathOf is a command without the program's name.
func pathOf(c *cobra.Command) string {
	_, path, _ := strings.Cut(c.CommandPath(), " ")
	return path
}

// refuse says why a command cannot be run in a read-only session; nil when it can.
func (g *globals) refuse(c *cobra.Command) error {
	what := pathOf(c) + " changes something"
	if !changing[pathOf(c)] {
		what = ""
		for _, name := range writing {
			if f := c.Flags().Lookup(name); f != nil && f.Changed {
				what = "--" + name + " writes a file"
			}
		}
	}
	if what == "" || !g.isReadOnly() {
		return nil
	}
	return usagef("%s, and this is a read-only session; it is one by --read-only or by account.read_only in the configuration", what)
}

// isReadOnly looks into the configuration, too. What is wrong in it is told by
// whoever needs it.
func (g *globals) isReadOnly() bool {
	if g.readOnly {
		return true
	}
	paths, err := config.DefaultPaths(g.home)
	if err != nil {
		return false
	}
	cfg, err := config.Load(paths.ConfigFile())
	if _, wrong := errors.AsType[*config.Error](err); err != nil && !wrong {
		return false
	}
	return cfg.Account.ReadOnly
}
