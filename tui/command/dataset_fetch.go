package command

import (
	"os"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"

	"tunebench/backend/config"
	"tunebench/backend/dataset/hub"
)

// fetchOut is `dataset fetch -o json`.
type fetchOut struct {
	Repo   string        `json:"repo"`
	Commit string        `json:"commit"`
	Folder string        `json:"folder"`
	Files  []hub.Fetched `json:"files"`
}

func newDatasetFetch(g *globals) *cobra.Command {
	var files []string
	var revision, out string
	var list bool
	c := &cobra.Command{
		Use: "fetch OWNER/NAME", Short: "Bring a dataset's files here from Hugging Face",
		Long: "Brings the files of a dataset here, by default all that hold rows, for example\n\n" +
			"  tunebench dataset fetch Open-Orca/OpenOrca --file '1M*.parquet'\n\n" +
			"into a folder of its version (--out names another). Every file is held against the\n" +
			"hash that the hub has of it. When it is stopped, or the network drops, the same\n" +
			"command goes on where it stopped. HF_TOKEN in the environment is sent to the hub,\n" +
			"and only there, for datasets that need it; HF_ENDPOINT names another hub.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := hub.New(os.Getenv("HF_ENDPOINT"), os.Getenv("HF_TOKEN"))
			if err != nil {
				return err
			}
			set, err := client.Look(cmd.Context(), args[0], revision)
			if err != nil {
				return err
			}
			if list {
				if g.jsonOut() {
					return g.printJSON(set)
				}
				rows := make([][]string, 0, len(set.Files))
				for _, f := range set.Files {
					rows = append(rows, []string{f.Path, strconv.FormatInt(f.Size, 10)})
				}
				return g.table([]string{"file", "bytes"}, rows)
			}
			chosen, err := set.Choose(files)
			if err != nil {
				return err
			}
			folder := out
			if folder == "" {
				paths, err := config.DefaultPaths(g.home)
				if err != nil {
					return err
				}
				folder = filepath.Join(paths.State, "datasets", "hub", filepath.FromSlash(set.Repo), set.Commit[:12])
			}
			bar := newProgressLine(g)
			got, err := client.Fetch(cmd.Context(), set, chosen, folder, bar.show)
			bar.end()
			if err != nil {
				return err
			}
			if g.jsonOut() {
				return g.printJSON(fetchOut{set.Repo, set.Commit, folder, nonNil(got)})
			}
			rows := make([][]string, 0, len(got))
			for _, f := range got {
				rows = append(rows, []string{f.Path, strconv.FormatInt(f.Size, 10), strconv.FormatInt(f.Kept, 10), f.Local})
			}
			return g.table([]string{"file", "bytes", "was here", "path"}, rows)
		},
	}
	c.Flags().StringArrayVar(&files, "file", nil, "a file, or several by a pattern with * and ?; can be given again")
	c.Flags().StringVar(&revision, "revision", "", "branch, tag or commit (default main)")
	c.Flags().StringVar(&out, "out", "", "folder to write to")
	c.Flags().BoolVar(&list, "list", false, "show the files and fetch none")
	return c
}
