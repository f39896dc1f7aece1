package store

import (
	"context"
	"database/sql"
	"strings"
	"time"
)

// Run is an evaluation run. Spec, Models and Result are JSON; Owner names the
// process that executes it, which says so at least at each Heartbeat.
type Run struct {
	ID, Account, Region, Name  string
	Spec, Models, Result       string
	Status, DatasetHash, Owner string
	Total                      int // records that the run will have
	Heartbeat, Created, Ended  time.Time
}

const runColumns = "id, account, region, name, spec, models, result, status, dataset_sha256, owner, total, heartbeat, created, ended"

// AddRun records a new run.
func (s *Store) AddRun(ctx context.Context, r Run) error {
	return s.exec(ctx, "INSERT INTO runs ("+runColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		r.ID, r.Account, r.Region, r.Name, r.Spec, r.Models, r.Result, r.Status, r.DatasetHash, r.Owner, r.Total, millis(r.Heartbeat), millis(r.Created), millis(r.Ended))
}

func scanRun(scan func(...any) error) (Run, error) {
	var r Run
	var heartbeat, created, ended int64
	err := scan(&r.ID, &r.Account, &r.Region, &r.Name, &r.Spec, &r.Models, &r.Result, &r.Status, &r.DatasetHash, &r.Owner, &r.Total, &heartbeat, &created, &ended)
	r.Heartbeat, r.Created, r.Ended = fromMillis(heartbeat), fromMillis(created), fromMillis(ended)
	return r, err
}

// Run returns one run, or ErrNotFound.
func (s *Store) Run(ctx context.Context, id string) (Run, error) {
	r, err := scanRun(s.db.QueryRowContext(ctx, "SELECT "+runColumns+" FROM runs WHERE id = ?", id).Scan)
	return r, s.explain(err)
}

// Runs returns all runs, newest first.
func (s *Store) Runs(ctx context.Context) ([]Run, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT "+runColumns+" FROM runs ORDER BY created DESC, id DESC")
	if err != nil {
		return nil, s.explain(err)
	}
	defer rows.Close()
	var list []Run
	for rows.Next() {
		r, err := scanRun(rows.Scan)
		if err != nil {
			return nil, s.explain(err)
		}
		list = append(list, r)
	}
	return list, s.explain(rows.Err())
}

// ClaimRun makes owner the process that executes a run, provided that it still
// belongs to previous; false when another process was faster.
func (s *Store) ClaimRun(ctx context.Context, id, previous, owner string, now time.Time) (bool, error) {
	claimed := false
	err := s.write(ctx, func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, "UPDATE runs SET owner = ?, heartbeat = ?, status = 'running', ended = 0 WHERE id = ? AND owner = ?", owner, millis(now), id, previous)
		if err != nil {
			return err
		}
		n, err := r.RowsAffected()
		claimed = n == 1
		return err
	})
	return claimed, err
}

// BeatRun says that the owner of a run is alive.
func (s *Store) BeatRun(ctx context.Context, id, owner string, now time.Time) error {
	return s.exec(ctx, "UPDATE runs SET heartbeat = ? WHERE id = ? AND owner = ?", millis(now), id, owner)
}

// EndRun records a run's final status and scoreboard.
func (s *Store) EndRun(ctx context.Context, id, owner, status, result string, ended time.Time) error {
	return s.exec(ctx, "UPDATE runs SET status = ?, result = ?, ended = ?, owner = '' WHERE id = ? AND owner = ?", status, result, millis(ended), id, owner)
}

// DeleteRun removes a run and its records.
func (s *Store) DeleteRun(ctx context.Context, id string) error {
	return s.exec(ctx, "DELETE FROM runs WHERE id = ?", id)
}

// Record is one row's output from one model. Scores is JSON.
type Record struct {
	Model                                                                   string
	Row                                                                     int64
	RowID, Category, System, Question, Reference, Output, Error, StopReason string
	Scores                                                                  string
	Others                                                                  string // scores of the record that RecordQuery.With asks for
	Latency, FirstToken                                                     time.Duration
	InputTokens, OutputTokens                                               int
	Created                                                                 time.Time
}

// CachedAnswer is an answer by the hash of its request.
type CachedAnswer struct {
	Hash, Model, Output, StopReason string
	Latency, FirstToken             time.Duration
	InputTokens, OutputTokens       int
	Created                         time.Time
}

const recordColumns = "model, row, row_id, category, system, question, reference, output, error, stop_reason, scores, latency, first_token, input_tokens, output_tokens, created"

// AddRecords writes records of a run, and the answers behind them, in one
// transaction: after a crash either all of them are there or none is. They
// outlive a process that is killed at once, but a power cut only after SQLite's
// next checkpoint: each group would else wait for the disk.
func (s *Store) AddRecords(ctx context.Context, run string, records []Record, answers []CachedAnswer) error {
	return s.writeQuick(ctx, func(tx *sql.Tx) error {
		put, err := tx.PrepareContext(ctx, "INSERT OR REPLACE INTO records (run, "+recordColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
		if err != nil {
			return err
		}
		defer put.Close()
		for i := range records {
			r := &records[i]
			if _, err := put.ExecContext(ctx, run, r.Model, r.Row, r.RowID, r.Category, r.System, r.Question, r.Reference, r.Output, r.Error, r.StopReason,
				r.Scores, int64(r.Latency), int64(r.FirstToken), r.InputTokens, r.OutputTokens, millis(r.Created)); err != nil {
				return err
			}
		}
		if len(answers) == 0 {
			return nil
		}
		keep, err := tx.PrepareContext(ctx, "INSERT OR REPLACE INTO answers (hash, model, output, stop_reason, latency, first_token, input_tokens, output_tokens, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")
		if err != nil {
			return err
		}
		defer keep.Close()
		for i := range answers {
			a := &answers[i]
			if _, err := keep.ExecContext(ctx, a.Hash, a.Model, a.Output, a.StopReason, int64(a.Latency), int64(a.FirstToken), a.InputTokens, a.OutputTokens, millis(a.Created)); err != nil {
				return err
			}
		}
		return nil
	})
}

// CachedAnswer returns the answer to a request, or ErrNotFound.
func (s *Store) CachedAnswer(ctx context.Context, hash string) (CachedAnswer, error) {
	a := CachedAnswer{Hash: hash}
	var latency, first, created int64
	err := s.db.QueryRowContext(ctx, "SELECT model, output, stop_reason, latency, first_token, input_tokens, output_tokens, created FROM answers WHERE hash = ?", hash).
		Scan(&a.Model, &a.Output, &a.StopReason, &latency, &first, &a.InputTokens, &a.OutputTokens, &created)
	a.Latency, a.FirstToken, a.Created = time.Duration(latency), time.Duration(first), fromMillis(created)
	return a, s.explain(err)
}

// CountRecords returns how many records each run has.
func (s *Store) CountRecords(ctx context.Context) (map[string]int, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT run, count(*) FROM records GROUP BY run")
	if err != nil {
		return nil, s.explain(err)
	}
	defer rows.Close()
	counts := map[string]int{}
	for rows.Next() {
		var run string
		var n int
		if err := rows.Scan(&run, &n); err != nil {
			return nil, s.explain(err)
		}
		counts[run] = n
	}
	return counts, s.explain(rows.Err())
}

// RecordQuery selects and orders records of a run.
type RecordQuery struct {
	Run, Model, Category string
	Search               string // text in question, reference, output or error
	Failed               bool   // only records with an error
	Row                  *int64 // only this row
	// Bound is the score that AllFail, Least and Most are about: rows on which no
	// record of the run has more than 0 of it, and records within bounds.
	Bound       string
	AllFail     bool
	Least, Most *float64
	Marked      bool // only rows of the dataset that are marked
	// Score orders by this score, lowest first, or highest first if Descending;
	// with Baseline, by what the record has more than the baseline's record of
	// the same row. "" orders by row.
	Score, Baseline string
	Descending      bool
	// With also reads the scores of this model's records of the same rows.
	With          string
	Offset, Limit int // Limit 0 means no limit
}

// Records calls f with the records that q selects, and returns how many there
// are without Offset and Limit. It stops at f's error.
func (s *Store) Records(ctx context.Context, q RecordQuery, f func(Record) error) (int, error) {
	from, args := " FROM records r", []any{}
	key := ""
	if q.Score != "" {
		key = "json_extract(r.scores, ?)"
		if q.Baseline != "" {
			from += " JOIN records b ON b.run = r.run AND b.row = r.row AND b.model = ? AND b.error = ''"
			args = append(args, q.Baseline)
			key += " - json_extract(b.scores, ?)"
		}
	}
	other := "''"
	if q.With != "" {
		from += " LEFT JOIN records w ON w.run = r.run AND w.row = r.row AND w.model = ? AND w.error = ''"
		args = append(args, q.With)
		other = "coalesce(w.scores, '')"
	}
	where := []string{"r.run = ?"}
	args = append(args, q.Run)
	add := func(clause string, values ...any) { where, args = append(where, clause), append(args, values...) }
	if q.Model != "" {
		add("r.model = ?", q.Model)
	}
	if q.Category != "" {
		add("r.category = ?", q.Category)
	}
	if q.Failed {
		add("r.error <> ''")
	}
	path := func(score string) string { return `$."` + strings.ReplaceAll(score, `"`, "") + `"` }
	if q.AllFail {
		add("NOT EXISTS (SELECT 1 FROM records o WHERE o.run = r.run AND o.row = r.row AND o.error = '' AND json_extract(o.scores, ?) > 0)", path(q.Bound))
	}
	if q.Least != nil {
		add("json_extract(r.scores, ?) >= ?", path(q.Bound), *q.Least)
	}
	if q.Most != nil {
		add("json_extract(r.scores, ?) <= ?", path(q.Bound), *q.Most)
	}
	if q.Marked {
		add("EXISTS (SELECT 1 FROM marks m JOIN runs u ON u.dataset_sha256 = m.dataset_sha256 WHERE u.id = r.run AND m.row = r.row)")
	}
	if q.Row != nil {
		add("r.row = ?", *q.Row)
	}
	if q.Score != "" {
		add("r.error = ''")
	}
	if q.Search != "" {
		p := like(q.Search)
		add(`(r.question LIKE ? ESCAPE '\' OR r.reference LIKE ? ESCAPE '\' OR r.output LIKE ? ESCAPE '\' OR r.error LIKE ? ESCAPE '\')`, p, p, p, p)
	}
	from += " WHERE " + strings.Join(where, " AND ")
	total := 0
	if err := s.db.QueryRowContext(ctx, "SELECT count(*)"+from, args...).Scan(&total); err != nil {
		return 0, s.explain(err)
	}
	// Models answer in any order; they are listed in that of the run.
	const place = ", (SELECT j.key FROM runs, json_each(runs.spec, '$.models') j WHERE runs.id = r.run AND j.value = r.model LIMIT 1), r.rowid"
	order := " ORDER BY r.row" + place
	if key != "" {
		direction := " ASC"
		if q.Descending {
			direction = " DESC"
		}
		order = " ORDER BY " + key + direction + ", r.row" + place
		path := `$."` + strings.ReplaceAll(q.Score, `"`, "") + `"`
		args = append(args, path)
		if q.Baseline != "" {
			args = append(args, path)
		}
	}
	limit := q.Limit
	if limit <= 0 {
		limit = -1
	}
	rows, err := s.db.QueryContext(ctx, "SELECT r."+strings.ReplaceAll(recordColumns, ", ", ", r.")+", "+other+from+order+" LIMIT ? OFFSET ?", append(args, limit, q.Offset)...)
	if err != nil {
		return 0, s.explain(err)
	}
	defer rows.Close()
	for rows.Next() {
		var r Record
		var latency, first, created int64
		if err := rows.Scan(&r.Model, &r.Row, &r.RowID, &r.Category, &r.System, &r.Question, &r.Reference, &r.Output, &r.Error, &r.StopReason, &r.Scores,
			&latency, &first, &r.InputTokens, &r.OutputTokens, &created, &r.Others); err != nil {
			return 0, s.explain(err)
		}
		r.Latency, r.FirstToken, r.Created = time.Duration(latency), time.Duration(first), fromMillis(created)
		if err := f(r); err != nil {
			return total, err
		}
	}
	return total, s.explain(rows.Err())
}
