package command

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"tunebench/backend/training"
)

func newTrainKept(g *globals) *cobra.Command {
	var tidy bool
	c := &cobra.Command{
		Use: "kept", Short: "The logs of training jobs that are kept on this machine, and for how long", Args: cobra.NoArgs,
		Long: "Lists the logs of training jobs that were read and are kept on this machine, so that each is read\nonce. training.keep_logs_days and training.keep_logs_mb in the configuration bound them; what is beyond\nis deleted when the first log of a session is opened, or with --tidy.",
		RunE: func(*cobra.Command, []string) error {
			paths, cfg, err := g.settings()
			if err != nil {
				return err
			}
			dir, keep := filepath.Join(paths.State, logsFolder), keepLogs(cfg)
			s := training.New(training.Config{LogDir: dir, KeepLogs: keep})
			if tidy {
				gone, err := s.TidyLogs()
				if err != nil {
					return err
				}
				var size int64
				for _, l := range gone {
					size += l.Bytes
				}
				g.say("deleted %d logs, %d bytes", len(gone), size)
			}
			kept, err := s.KeptLogs()
			if err != nil {
				return err
			}
			if g.jsonOut() {
				return g.printJSON(kept)
			}
			var rows [][]string
			var total int64
			for _, l := range kept {
				total += l.Bytes
				rows = append(rows, []string{l.Job, l.Place, fmt.Sprintf("%.1f MB", float64(l.Bytes)/(1<<20)), when(l.Used)})
			}
			if err := g.table([]string{"job", "account and region", "size", "last read"}, rows); err != nil {
				return err
			}
			g.say("%d logs, %.1f MB in %s. %s", len(kept), float64(total)/(1<<20), dir, keep.Text())
			return nil
		},
	}
	c.Flags().BoolVar(&tidy, "tidy", false, "delete what is beyond the bounds now")
	return c
}
