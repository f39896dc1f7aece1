package command

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"tunebench/backend/account"
	"tunebench/backend/training"
)

// shelf is the training service without an account: it knows the presets.
func (g *globals) shelf() (*training.Service, error) {
	paths, cfg, err := g.settings()
	if err != nil {
		return nil, err
	}
	base := cfg.Training.BaseModel
	if cfg.Account.Name == account.Local {
		base = training.SmallBase
	}
	return training.New(training.Config{BaseModel: base, Defaults: cfg.Training, Own: training.PresetFolder(paths.PresetsDir())}), nil
}

// preset returns a preset by name, "" the default, for the account's base model.
func (g *globals) preset(name string) (training.Preset, error) {
	s, err := g.shelf()
	if err != nil {
		return training.Preset{}, err
	}
	return s.Preset(name)
}

// presetNames completes the name of a preset.
func (g *globals) presetNames(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	s, err := g.shelf()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []cobra.Completion
	for _, p := range s.Presets() {
		names = append(names, cobra.CompletionWithDesc(p.Name, p.Summary))
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

func newTrainPresets(g *globals) *cobra.Command {
	c := &cobra.Command{
		Use: "presets", Short: "Named settings to start jobs with: list, show, save, delete", Args: cobra.NoArgs,
		Long: "Lists the presets for the account's base model: those that come with the program, the\ndefault first, and your own, which lie as JSON in the folder presets beside the configuration.",
		RunE: func(*cobra.Command, []string) error {
			s, err := g.shelf()
			if err != nil {
				return err
			}
			all := s.Presets()
			if g.jsonOut() {
				return g.printJSON(nonNil(all))
			}
			var rows [][]string
			for _, p := range all {
				kind := "built in"
				if p.Own {
					kind = "yours"
				}
				rows = append(rows, []string{p.Name, kind, oneLine(p.Summary, 100)})
			}
			if err := g.table([]string{"preset", "kind", "what for"}, rows); err != nil {
				return err
			}
			return s.BrokenPresets()
		},
	}
	c.AddCommand(newPresetShow(g), newPresetSave(g), newPresetDelete(g))
	return c
}

func newPresetShow(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "show NAME", Short: "All that a preset sets", Args: cobra.ExactArgs(1), ValidArgsFunction: g.presetNames,
		RunE: func(_ *cobra.Command, args []string) error {
			p, err := g.preset(args[0])
			if err != nil {
				return err
			}
			if g.jsonOut() {
				return g.printJSON(p)
			}
			pairs := []string{"preset", p.Name, "what for", p.Summary, "base model", p.BaseModel}
			lines := training.Spec{Set: p.Settings.Texts(), Options: p.Options}.Lines()
			for _, l := range lines {
				pairs = append(pairs, l[0], l[1])
			}
			fields(g.out, pairs...)
			return nil
		},
	}
}

func newPresetSave(g *globals) *cobra.Command {
	var req trainRequest
	var summary, job string
	var replace bool
	c := &cobra.Command{
		Use: "save NAME", Short: "Save settings and options under a name", Args: cobra.ExactArgs(1),
		Long: "Saves a preset: another one (--preset, or the default) or what a job was started with (--job),\nchanged by --set and, without --job, by the other flags. Nothing is started.",
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := g.shelf()
			if err != nil {
				return err
			}
			spec, err := req.asked(g, cmd)
			if err != nil {
				return err
			}
			if job != "" {
				err := g.with(cmd.Context(), func(s *session) (err error) {
					spec, err = s.training.Again(cmd.Context(), job)
					return err
				})
				if err != nil {
					return err
				}
			}
			if err := addSet(&spec, req.set); err != nil {
				return err
			}
			from, err := s.Preset(spec.Preset)
			if err != nil {
				return err
			}
			p := training.Preset{Name: args[0], Summary: summary, Settings: from.Settings, Options: spec.Options}
			switch {
			case summary != "":
			case job != "":
				p.Summary = "as the job " + job
			default:
				p.Summary = from.Name + " with changes"
			}
			if err := p.Settings.Override(spec.Set); err != nil {
				return err
			}
			if err := s.SavePreset(p, replace); err != nil {
				return err
			}
			g.say("saved the preset %s; start a job with it: tunebench train start --preset %s --dataset FILE", p.Name, p.Name)
			return nil
		},
	}
	req.optionFlags(g, c)
	f := c.Flags()
	f.StringVar(&summary, "summary", "", "what the preset is for, in a line")
	f.StringVar(&job, "job", "", "take what this job of yours was started with")
	f.BoolVar(&replace, "replace", false, "replace the preset of that name")
	c.MarkFlagsMutuallyExclusive("job", "preset")
	return c
}

func newPresetDelete(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "delete NAME", Short: "Delete a preset of yours", Args: cobra.ExactArgs(1), ValidArgsFunction: g.presetNames,
		RunE: func(_ *cobra.Command, args []string) error {
			s, err := g.shelf()
			if err != nil {
				return err
			}
			if slices.ContainsFunc(training.Presets(), func(p training.Preset) bool { return p.Name == args[0] }) {
				return fmt.Errorf("%s comes with the program and cannot be deleted", args[0])
			}
			if err := s.DeletePreset(args[0]); err != nil {
				return err
			}
			g.say("deleted the preset %s", args[0])
			return nil
		},
	}
}
