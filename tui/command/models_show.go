package command

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tunebench/backend/modelimport"
)

// modelShown is an imported model with everything that is known of it.
type modelShown struct {
	modelimport.Model
	modelimport.Details
	Awake string `json:"awake"`
}

func newModelShow(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "show MODEL", Short: "Everything that is known of an imported model: origin, size, last use, cost, tags",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			return g.with(ctx, func(s *session) error {
				all, err := s.imports.Models(ctx)
				if err != nil {
					return err
				}
				i := slices.IndexFunc(all, func(m modelimport.Model) bool { return m.Name == args[0] || m.ARN == args[0] })
				if i < 0 {
					return fmt.Errorf("there is no imported model %s; tunebench import models shows those there are", args[0])
				}
				m := all[i]
				d, err := s.imports.Details(ctx, m)
				if err != nil {
					return err
				}
				m.Units = d.Units
				now := time.Now()
				if g.jsonOut() {
					return g.printJSON(modelShown{m, d, d.Awake(now)})
				}
				var tags []string
				for _, k := range slices.Sorted(maps.Keys(d.Tags)) {
					tags = append(tags, k+"="+d.Tags[k])
				}
				p := s.config.Prices
				cost := "nothing: the local account bills nobody"
				if s.account.Bills() {
					window := float64(d.Units) * p.CMUMinute * modelimport.Window.Minutes()
					cost = fmt.Sprintf("$%.2f a month to store, $%.2f for each window of five minutes and copy; %d windows from here today (prices of %s, %s)",
						float64(d.Units)*p.CMUMonth, window, d.Windows, p.Date, p.Region)
				}
				fields(g.out, "model", m.Name, "arn", m.ARN, "architecture", m.Architecture, "source", m.Source, "training job", m.TrainingJob,
					"import job", m.ImportJob, "prompt format", m.PromptFormat, "imported", when(m.Created), "units", fmt.Sprint(d.Units)+" "+d.UnitsVersion,
					"last use", when(d.LastUse), "now", d.Awake(now), "cost", cost, "tags", strings.Join(tags, ", "), "tags error", d.TagsErr)
				if since, idle := d.IdleSince(m, now); idle {
					g.say("nobody here has used it for %d days; it is billed for storage until it is deleted", int(now.Sub(since).Hours()/24))
				}
				return nil
			})
		},
	}
}
