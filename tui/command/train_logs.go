package command

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"tunebench/backend/training"
)

// logOut is one line of `train logs -o json` (JSON Lines).
type logOut struct {
	Time   time.Time       `json:"time"`
	Stream string          `json:"stream"`
	Late   bool            `json:"late,omitempty"`
	Text   string          `json:"text"`
	Event  *training.Event `json:"event,omitempty"`
}

// logQuery chooses lines of a log.
type logQuery struct {
	follow bool
	search string
	regexp bool
	since  time.Time
}

func newTrainLogs(g *globals) *cobra.Command {
	var q logQuery
	var since string
	c := &cobra.Command{
		Use: "logs JOB", Short: "The log of a training job",
		Long: "Prints the log of a training job in the order of its times: all hosts and attempts,\n" +
			"each line once. With --follow lines come as they arrive until the job has ended;\n" +
			"one that arrives late comes late.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var err error
			if q.since, err = parseSince(since, time.Now()); err != nil {
				return err
			}
			ctx := cmd.Context()
			return g.with(ctx, func(s *session) error {
				if _, err := s.training.Job(ctx, args[0]); err != nil {
					return err
				}
				return g.printLogs(ctx, s, args[0], q)
			})
		},
	}
	f := c.Flags()
	f.BoolVarP(&q.follow, "follow", "f", false, "go on until the job has ended")
	f.StringVar(&q.search, "search", "", "only lines that hold this text; capitals count when there is one")
	f.BoolVar(&q.regexp, "regexp", false, "read the text of --search as a regular expression (RE2)")
	f.StringVar(&since, "since", "", "only lines from then on: a span before now (10m, 2h) or a time (2026-11-27T06:00:00Z)")
	return c
}

// parseSince reads a span before now or a time; "" is the beginning.
func parseSince(s string, now time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if d, err := time.ParseDuration(s); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	for _, form := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02"} {
		if t, err := time.ParseInLocation(form, s, time.Local); err == nil {
			return t, nil
		}
	}
	return time.Time{}, usagef("--since %q is neither a span like 10m or 2h nor a time like 2026-11-27T06:00:00Z", s)
}

// caughtUp waits until a log has been read to its end once.
func caughtUp(ctx context.Context, w *training.Watch) error {
	for !w.CaughtUp() {
		select {
		case <-w.Changed():
		case <-w.Done():
			if err := w.Err(); err != nil {
				return err
			}
			return ctx.Err()
		}
	}
	return nil
}

func (g *globals) printLogs(ctx context.Context, s *session, name string, q logQuery) error {
	enc := json.NewEncoder(g.out)
	enc.SetEscapeHTML(false)
	w := s.training.Watch(ctx, name)
	defer w.Close()
	if err := caughtUp(ctx, w); err != nil {
		return err
	}
	var hits *training.LogHits
	if q.search != "" {
		var err error
		if hits, err = w.Search(ctx, q.search, q.regexp); err != nil {
			return usagef("--search: %v", err)
		}
		defer hits.Close()
		for hits.Scanned() < w.Len() && hits.Err() == nil {
			select {
			case <-hits.Changed():
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if err := hits.Err(); err != nil {
			return err
		}
	}
	several := w.Streams() > 1
	show := func(l training.LogLine) error {
		if l.Time.Before(q.since) {
			return nil
		}
		if g.jsonOut() {
			return enc.Encode(logOut{l.Time, l.Stream, l.Late, l.Text, l.Event})
		}
		stream := ""
		if several || w.Streams() > 1 {
			stream = l.Stream + "  "
		}
		_, err := fmt.Fprintf(g.out, "%s  %s%s\n", l.Time.Local().Format("15:04:05.000"), stream, l.Text)
		return err
	}
	// What is there, in the order of its times; then what comes, as it comes.
	const lot = 1000
	n := w.Len()
	total := n
	if hits != nil {
		total = hits.Len()
	}
	for at := 0; at < total; {
		read, place := w.Lines, w.Place
		if hits != nil {
			read, place = hits.Lines, func(arrival int) int { return hits.Before(w.Place(arrival)) }
		}
		lines := read(at, min(lot, total-at))
		if len(lines) == 0 {
			return errors.New("the kept log could not be read")
		}
		// A line that comes late meanwhile shifts those behind it.
		at = place(lines[len(lines)-1].Arrival) + 1
		for _, l := range lines {
			if l.Arrival >= n {
				continue // it comes below
			}
			if err := show(l); err != nil {
				return err
			}
		}
	}
	if !q.follow {
		return nil
	}
	flush := func() error {
		for n < w.Len() {
			lines := w.Arrived(n, lot)
			if len(lines) == 0 {
				return errors.New("the kept log could not be read on")
			}
			for _, l := range lines {
				n++
				if hits != nil {
					if from, _ := hits.Match(l.Text); from < 0 {
						continue
					}
				}
				if err := show(l); err != nil {
					return err
				}
			}
		}
		return nil
	}
	for {
		select {
		case <-w.Changed():
			if err := flush(); err != nil {
				return err
			}
		case <-w.Done():
			if err := flush(); err != nil {
				return err
			}
			if err := w.Err(); err != nil && ctx.Err() == nil {
				return err
			}
			return nil
		}
	}
}

// metricsOut is what `train metrics -o json` prints: the values by step. A value
// that was not logged is left out; one that was no number is the text "nan".
type metricsOut struct {
	Job    string            `json:"job"`
	Points []map[string]any  `json:"points"`
	Advice []training.Advice `json:"advice"`
}

func newTrainMetrics(g *globals) *cobra.Command {
	c := &cobra.Command{
		Use: "metrics JOB", Short: "Loss, learning rate, gradient norm, throughput and memory of a training job, by step",
		Long: "Prints what the job's log says of loss, eval loss, learning rate, gradient norm, tokens\n" +
			"per second and GPU memory, a row for each step, and on standard error what is worth\n" +
			"knowing about them; -o csv prints comma-separated values. It reads the lines of this workbench's training code, of Hugging\n" +
			"Face's Trainer, TRL, axolotl and LLaMA-Factory.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			return g.with(ctx, func(s *session) error {
				if _, err := s.training.Job(ctx, args[0]); err != nil {
					return err
				}
				w := s.training.Watch(ctx, args[0])
				defer w.Close()
				if err := caughtUp(ctx, w); err != nil {
					return err
				}
				return g.printMetrics(args[0], w.Points())
			})
		},
	}
	return c
}

func (g *globals) printMetrics(job string, points []training.Point) error {
	names := training.Metrics()
	advice := training.Advise(points)
	if g.jsonOut() {
		out := metricsOut{Job: job, Points: []map[string]any{}, Advice: nonNil(advice)}
		for _, p := range points {
			row := map[string]any{"step": p.Step}
			for _, n := range names {
				switch text := metricText(p.Value(n)); text {
				case "":
				case "nan":
					row[n] = text
				default:
					row[n] = p.Value(n)
				}
			}
			out.Points = append(out.Points, row)
		}
		return g.printJSON(out)
	}
	head := append([]string{"step"}, names...)
	rows := make([][]string, 0, len(points))
	for _, p := range points {
		row := []string{strconv.Itoa(p.Step)}
		for _, n := range names {
			row = append(row, metricText(p.Value(n)))
		}
		rows = append(rows, row)
	}
	if g.output == "csv" {
		c := csv.NewWriter(g.out)
		return c.WriteAll(append([][]string{head}, rows...))
	}
	for _, row := range rows {
		for i := range row {
			if row[i] == "" {
				row[i] = "-"
			}
		}
	}
	if err := g.table(head, rows); err != nil {
		return err
	}
	for _, a := range advice {
		g.say("%s", a.Text)
	}
	return nil
}

// metricText writes a value; "" for one that was not logged.
func metricText(v float64) string {
	switch {
	case v != v:
		return ""
	case v-v != 0:
		return "nan"
	}
	return strconv.FormatFloat(v, 'g', 6, 64)
}
