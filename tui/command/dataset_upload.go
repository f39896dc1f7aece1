package command

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"tunebench/backend/dataset"
	"tunebench/backend/dataset/objectstore"
	"tunebench/backend/safetext"
)

func newDatasetUpload(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "upload DIR [S3URI]", Short: "Put a prepared dataset into S3, verified",
		Long: "Uploads the splits and the manifest of a folder that dataset prepare wrote, by\n" +
			"default to datasets/NAME/ in the account's bucket. Files are held against the\n" +
			"manifest before and against S3's own checksums (SHA-256) after. When it is stopped,\n" +
			"the same command goes on where it stopped; what is there already is not sent again.",
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			m, err := dataset.ReadManifest(args[0])
			if err != nil {
				return err
			}
			var bytes int64
			for _, s := range m.Splits {
				bytes += s.Bytes
			}
			return g.with(cmd.Context(), func(s *session) error {
				to := ""
				if len(args) > 1 {
					to = args[1]
				} else {
					dir, err := filepath.Abs(args[0])
					if err != nil {
						return err
					}
					if s.account.Bucket() == "" {
						return usagef("no bucket is known; name one: dataset upload %s s3://BUCKET/FOLDER/", args[0])
					}
					to = "s3://" + s.account.Bucket() + "/datasets/" + filepath.Base(dir) + "/"
				}
				if !strings.HasPrefix(to, "s3://") {
					return usagef("%q is no S3 location; write s3://bucket/folder/", to)
				}
				if s.account.Bills() {
					if err := g.confirm(fmt.Sprintf("Upload %d bytes to %s? Amazon bills what is stored there.", bytes, safetext.Line(to))); err != nil {
						return err
					}
				}
				bar := newProgressLine(g)
				files, err := objectstore.New(s.account.S3()).Upload(cmd.Context(), args[0], to,
					objectstore.UploadOptions{State: filepath.Join(s.paths.State, "uploads")}, bar.show)
				bar.end()
				if err != nil {
					return err
				}
				if g.jsonOut() {
					return g.printJSON(nonNil(files))
				}
				rows := make([][]string, 0, len(files))
				for _, f := range files {
					rows = append(rows, []string{f.File, strconv.FormatInt(f.Bytes, 10), strconv.FormatInt(f.Kept, 10), f.SHA256[:12], f.URI})
				}
				return g.table([]string{"file", "bytes", "was there", "sha256", "object"}, rows)
			})
		},
	}
}
