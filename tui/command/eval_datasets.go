package command

import (
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"tunebench/backend/config"
	"tunebench/backend/evaluation/builtin"
	"tunebench/metrics/fmevalio"
)

// builtInOut is one of FMEval's datasets as data.
type builtInOut struct {
	fmevalio.DataConfig
	Template string `json:"prompt_template"`
	Metric   string `json:"metric,omitempty"`
	Why      string `json:"why_not,omitempty"`
	Path     string `json:"path"`
	Here     bool   `json:"here"`
}

func newEvalDatasets(g *globals) *cobra.Command {
	var fetch bool
	c := &cobra.Command{
		Use: "datasets [NAME...]", Short: "FMEval's own datasets, and whether they are here; --fetch brings them",
		Long: `Lists FMEval's own datasets, as eval run --dataset and run files name them, and whether
they were fetched already. --fetch brings those that are named here, as eval run does.

They lie in ` + fmevalio.BuiltInRoot + ` (` + builtin.Region + `). Where that cannot be reached,
` + builtin.Mirror + ` names another address, or a folder, that holds the same files.`,
		ValidArgs: builtin.Names(),
		RunE: func(cmd *cobra.Command, args []string) error {
			var names []string
			for _, name := range args {
				b, ok, err := builtin.Find(name)
				if err == nil && !ok {
					b, ok, err = builtin.Find(builtin.Prefix + name)
				}
				if err != nil {
					return usageError{err}
				}
				if ok {
					names = append(names, b.Name)
				}
			}
			if len(args) == 0 && fetch {
				return usagef("name the datasets to fetch; tunebench eval datasets lists them")
			}
			if fetch {
				err := g.with(cmd.Context(), func(s *session) error {
					for _, name := range names {
						bar := newProgressLine(g)
						err := s.eval.Fetch(cmd.Context(), builtin.Prefix+name, bar.show)
						bar.end()
						if err != nil {
							return err
						}
					}
					return nil
				})
				if err != nil {
					return err
				}
			}
			return g.listBuiltIns(names)
		},
	}
	c.Flags().BoolVar(&fetch, "fetch", false, "bring the datasets here that are named")
	return c
}

func (g *globals) listBuiltIns(names []string) error {
	paths, err := config.DefaultPaths(g.home)
	if err != nil {
		return err
	}
	store := builtin.New(builtInPlace(paths))
	var list []builtInOut
	rows := [][]string{}
	for _, b := range fmevalio.BuiltIns() {
		wanted := len(names) == 0
		for _, n := range names {
			wanted = wanted || n == b.Name
		}
		if !wanted {
			continue
		}
		path, here := store.Local(b)
		list = append(list, builtInOut{b.DataConfig, fmevalio.DefaultTemplate(b.Name), b.Metric, b.Why, path, here})
		metric, state := b.Metric, "not fetched"
		if metric == "" {
			metric = "none: " + b.Why
		}
		if here {
			state = path
		}
		rows = append(rows, []string{builtin.Prefix + b.Name, metric, state})
	}
	if g.jsonOut() {
		return g.printJSON(list)
	}
	return g.table([]string{"dataset", "evaluated by", "here"}, rows)
}

// builtInPlace says where FMEval's datasets are kept and come from.
func builtInPlace(paths config.Paths) builtin.Options {
	return builtin.Options{Dir: filepath.Join(paths.Cache, "fmeval"), Mirror: os.Getenv(builtin.Mirror)}
}
