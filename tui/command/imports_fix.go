package command

import (
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"tunebench/backend/modelimport"
)

// fixOut is what `import fix` did.
type fixOut struct {
	Source     string            `json:"source"`
	Out        string            `json:"out,omitempty"`
	Fixes      []modelimport.Fix `json:"fixes"`
	Importable bool              `json:"importable"`
}

func newImportFix(g *globals) *cobra.Command {
	var out string
	var dry bool
	c := &cobra.Command{
		Use: "fix FOLDER", Short: "Mend what can be mended safely, in a copy; exit 3 when something still blocks",
		Long: `Mends what the artifact itself decides: the names of settings that older readers
know, the metadata of the shard index, a second copy of the chat template. The
artifact stays as it is; the copy links the files that do not change.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, dir := cmd.Context(), args[0]
			if out == "" {
				out = strings.TrimRight(filepath.Clean(dir), string(filepath.Separator)) + "-fixed"
			}
			return g.with(ctx, func(s *session) error {
				fixes, err := s.imports.Fixes(ctx, dir)
				if err != nil {
					return err
				}
				done := fixOut{Source: dir, Fixes: nonNil(fixes.List)}
				check := dir
				if len(fixes.List) > 0 && !dry {
					if err := fixes.Write(ctx, dir, out); err != nil {
						return err
					}
					done.Out, check = out, out
				}
				r, err := s.imports.Check(ctx, check)
				if err != nil {
					return err
				}
				done.Importable = r.Importable
				if g.jsonOut() {
					err = g.printJSON(done)
				} else {
					rows := make([][]string, 0, len(fixes.List))
					for _, f := range fixes.List {
						rows = append(rows, []string{f.Check, f.File, f.What})
					}
					err = g.table([]string{"check", "file", "what"}, rows)
				}
				if err != nil {
					return err
				}
				switch {
				case len(fixes.List) == 0:
					g.say("nothing can be mended safely; tunebench import check says what is wrong")
				case dry:
					g.say("nothing was written")
				default:
					g.say("the mended copy is %s", out)
				}
				if !r.Importable {
					return verdictf("%s cannot be imported; tunebench import check says why", check)
				}
				return nil
			})
		},
	}
	c.Flags().StringVar(&out, "out", "", "folder for the mended copy (default: FOLDER-fixed)")
	c.Flags().BoolVar(&dry, "dry-run", false, "say what would be changed, and write nothing")
	return c
}
