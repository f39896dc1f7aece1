package command

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"os"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"tunebench/backend/dataset"
	"tunebench/backend/safetext"
)

// badRowOut is one bad row in JSON output. The row's own text stands in raw, or
// in raw_base64 when it is not UTF-8.
type badRowOut struct {
	Row       int64   `json:"row"`
	File      string  `json:"file"`
	Line      int64   `json:"line"`
	Reason    string  `json:"reason"`
	Raw       *string `json:"raw,omitempty"`
	RawBase64 string  `json:"raw_base64,omitempty"`
}

func newDatasetBadRows(g *globals) *cobra.Command {
	var in reading
	var raw string
	c := &cobra.Command{
		Use: "badrows FILE", Short: "Rows that cannot be used, each with its reason",
		Long: "Lists the rows that cannot be read or have no question or no answer: the file,\n" +
			"the line (of Parquet and CSV the row), the reason; with -o json also the row as\n" +
			"the file has it. --raw OUT writes those rows, byte for byte, to a file of their\n" +
			"own. Status 3 says that there are bad rows.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			d, done, err := in.open(cmd.Context(), g, args[0])
			if err != nil {
				return err
			}
			defer done()
			out := bufio.NewWriter(g.out)
			list := &listPrinter{w: out}
			keep := func(dataset.BadRow) error { return nil }
			if raw != "" {
				f, err := os.OpenFile(raw, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
				if err != nil {
					return fmt.Errorf("write the bad rows: %w; name a file that does not exist yet", err)
				}
				w := bufio.NewWriter(f)
				keep = func(b dataset.BadRow) error {
					_, err := w.Write(append(b.Raw, '\n'))
					return err
				}
				defer func() {
					if ferr := w.Flush(); err == nil || ferr != nil && isVerdict(err) {
						err = firstError(ferr, err)
					}
					if cerr := f.Close(); cerr != nil {
						err = firstError(cerr, err)
					}
				}()
			}
			n := 0
			failed := d.BadRows(cmd.Context(), func(b dataset.BadRow) error {
				n++
				if err := keep(b); err != nil {
					return fmt.Errorf("write the bad rows: %w", err)
				}
				if g.jsonOut() {
					return list.add(badRow(b))
				}
				_, err := fmt.Fprintf(out, "%s:%d: %s\n", safetext.Line(b.File), b.Number, safetext.Line(b.Reason))
				return err
			})
			if g.jsonOut() {
				list.end()
			}
			if err := firstError(failed, out.Flush()); err != nil {
				return err
			}
			if n > 0 {
				return verdictf("%d of %d rows of %s cannot be used", n, d.Info().Rows, args[0])
			}
			return nil
		},
	}
	in.flags(c)
	c.Flags().StringVar(&raw, "raw", "", "write the bad rows as they are to this file, which must not exist")
	return c
}

func badRow(b dataset.BadRow) badRowOut {
	o := badRowOut{Row: b.Row, File: safetext.Line(b.File), Line: b.Number, Reason: safetext.Line(b.Reason)}
	if utf8.Valid(b.Raw) {
		s := string(b.Raw)
		o.Raw = &s
	} else {
		o.RawBase64 = base64.StdEncoding.EncodeToString(b.Raw)
	}
	return o
}

// firstError is the first of two errors that is one.
func firstError(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

func isVerdict(err error) bool {
	_, ok := err.(verdictError)
	return ok
}
