package store

import (
	"context"
	"time"
)

// Uses returns when a model answered this workbench since a time, in the chat and
// in evaluations, earliest first. last is the last time at all, zero if it never
// did.
func (s *Store) Uses(ctx context.Context, account, model string, since time.Time) (times []time.Time, last time.Time, err error) {
	const answered = `
		SELECT t.created AS at FROM turns t JOIN conversations c ON c.id = t.conversation
			WHERE c.account = ?1 AND t.model = ?2 AND t.role = 'assistant' AND t.phase IN ('finished', 'cancelled', 'broken')
		UNION ALL
		SELECT r.created FROM records r JOIN runs ON runs.id = r.run
			WHERE runs.account = ?1 AND r.model = ?2 AND r.error = ''`
	var ms int64
	if err := s.db.QueryRowContext(ctx, "SELECT coalesce(max(at), 0) FROM ("+answered+")", account, model).Scan(&ms); err != nil {
		return nil, last, s.explain(err)
	}
	if ms > 0 {
		last = fromMillis(ms)
	}
	rows, err := s.db.QueryContext(ctx, "SELECT at FROM ("+answered+") WHERE at >= ?3 ORDER BY at", account, model, millis(since))
	if err != nil {
		return nil, last, s.explain(err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(&ms); err != nil {
			return nil, last, s.explain(err)
		}
		times = append(times, fromMillis(ms))
	}
	return times, last, s.explain(rows.Err())
}
