package command

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"tunebench/backend/chat"
)

// library is the folder of the user's prompts.
func (g *globals) library() (chat.PromptFolder, error) {
	paths, _, err := g.settings()
	return chat.PromptFolder(paths.PromptsDir()), err
}

// promptNames completes the name of a prompt.
func (g *globals) promptNames(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	d, err := g.library()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	all, _ := d.List() // what cannot be read is not on offer
	var names []cobra.Completion
	for _, p := range all {
		names = append(names, cobra.CompletionWithDesc(p.Name, oneLine(p.Text, 60)))
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

func newPrompts(g *globals) *cobra.Command {
	return group("prompts", "The library of prompts: list, show, save, delete", newPromptList(g), newPromptShow(g), newPromptSave(g), newPromptDelete(g))
}

func newPromptList(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "The prompts that were saved, with their variables", Args: cobra.NoArgs,
		Long: "Lists the prompts. Each is a file NAME.md in the folder prompts beside the configuration,\nwith variables such as {{question}}; tunebench chat --prompt NAME --var question=… asks one.",
		RunE: func(*cobra.Command, []string) error {
			d, err := g.library()
			if err != nil {
				return err
			}
			all, broken := d.List()
			if g.jsonOut() {
				if err := g.printJSON(nonNil(all)); err != nil {
					return err
				}
				return broken
			}
			var rows [][]string
			for _, p := range all {
				rows = append(rows, []string{p.Name, cmp.Or(strings.Join(p.Variables(), ", "), "-"), oneLine(p.Text, 80)})
			}
			if err := g.table([]string{"prompt", "variables", "begins"}, rows); err != nil {
				return err
			}
			return broken
		},
	}
}

func newPromptShow(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "show NAME", Short: "Print a prompt as it was saved", Args: cobra.ExactArgs(1), ValidArgsFunction: g.promptNames,
		RunE: func(_ *cobra.Command, args []string) error {
			d, err := g.library()
			if err != nil {
				return err
			}
			p, err := d.Read(args[0])
			if err != nil {
				return err
			}
			if g.jsonOut() {
				return g.printJSON(struct {
					chat.Prompt
					Variables []string `json:"variables"`
				}{p, nonNil(p.Variables())})
			}
			_, err = fmt.Fprint(g.out, p.File())
			return err
		},
	}
}

func newPromptSave(g *globals) *cobra.Command {
	var system string
	var replace bool
	c := &cobra.Command{
		Use: `save NAME ["prompt"]`, Short: "Save a prompt under a name", Args: cobra.MinimumNArgs(1),
		Long: "Saves a prompt, which is read from standard input when it does not stand on the command\nline. {{name}} in it is a variable; \\{{name}} stands for itself.",
		RunE: func(_ *cobra.Command, args []string) error {
			d, err := g.library()
			if err != nil {
				return err
			}
			text, err := g.question(args[1:])
			if err != nil {
				return err
			}
			p := chat.Prompt{Name: args[0], System: system, Text: text}
			if system == "" { // a file of the library may have one in front
				if p, err = chat.PromptFrom(args[0], text); err != nil {
					return err
				}
			}
			if err := d.Save(p, replace); err != nil {
				return err
			}
			ask := "tunebench chat --model base --prompt " + p.Name
			for _, v := range p.Variables() {
				ask += fmt.Sprintf(" --var %q", v+"=…")
			}
			g.say("saved the prompt %s; ask it with: %s", p.Name, ask)
			return nil
		},
	}
	c.Flags().StringVar(&system, "system", "", "system prompt that goes with it")
	c.Flags().BoolVar(&replace, "replace", false, "replace the prompt of that name")
	return c
}

func newPromptDelete(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "delete NAME", Aliases: []string{"rm"}, Short: "Delete a prompt", Args: cobra.ExactArgs(1), ValidArgsFunction: g.promptNames,
		RunE: func(_ *cobra.Command, args []string) error {
			d, err := g.library()
			if err != nil {
				return err
			}
			if err := d.Delete(args[0]); err != nil {
				return err
			}
			g.say("deleted the prompt %s", args[0])
			return nil
		},
	}
}

// prompted makes the question of a prompt of the library. What stands behind the
// options, or on standard input where that is asked for with "-", is the variable
// question.
func (g *globals) prompted(a *asking, args []string) (string, error) {
	d, err := g.library()
	if err != nil {
		return "", err
	}
	p, err := d.Read(a.prompt)
	if err != nil {
		return "", err
	}
	values := map[string]string{}
	for _, v := range a.vars {
		name, value, ok := strings.Cut(v, "=")
		if name = strings.TrimSpace(name); !ok || name == "" {
			return "", usagef("--var %q is no variable; write it as name=value", v)
		}
		values[name] = value
	}
	known := p.Variables()
	if len(args) > 0 {
		if _, twice := values["question"]; twice || !slices.Contains(known, "question") {
			return "", usagef("the prompt %s takes no question; its variables are given with --var: %s", p.Name, cmp.Or(strings.Join(known, ", "), "it has none"))
		}
		if values["question"], err = g.question(args); err != nil {
			return "", err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if !slices.Contains(known, name) {
			return "", usagef("the prompt %s has no variable %q; it has: %s", p.Name, name, cmp.Or(strings.Join(known, ", "), "none"))
		}
	}
	filled, missing := p.Fill(values)
	if len(missing) > 0 {
		return "", usagef("the prompt %s needs a value for %s: add --var %q", p.Name, strings.Join(missing, ", "), missing[0]+"=…")
	}
	if a.system == "" {
		a.system = filled.System
	}
	return filled.Text, nil
}
