package store

import (
	"context"
	"database/sql"
	"time"
)

// The states of a request in the queue.
const (
	QueueWaiting  = "waiting"  // for its turn
	QueueStarting = "starting" // somebody has taken it and starts it
	QueueFailed   = "failed"   // it could not be started; Error says why
)

// Queued is a request that waits for its turn.
type Queued struct {
	ID              int64
	Account, Region string
	// Request is what is to be done, as its service wrote it.
	Request          string
	State, Error     string
	Created, Updated time.Time
}

// Enqueue puts a request at the end of the queue and returns its number.
func (s *Store) Enqueue(ctx context.Context, q Queued) (id int64, err error) {
	err = s.write(ctx, func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, "INSERT INTO queue (account, region, request, state, created, updated) VALUES (?, ?, ?, ?, ?, ?)",
			q.Account, q.Region, q.Request, QueueWaiting, millis(q.Created), millis(q.Created))
		if err != nil {
			return err
		}
		id, err = r.LastInsertId()
		return err
	})
	return id, err
}

// Queue returns the requests of an account, the one whose turn is next first.
func (s *Store) Queue(ctx context.Context, account, region string) ([]Queued, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT id, account, region, request, state, error, created, updated
		FROM queue WHERE account = ? AND region = ? ORDER BY id`, account, region)
	if err != nil {
		return nil, s.explain(err)
	}
	defer rows.Close()
	var all []Queued
	for rows.Next() {
		var q Queued
		var created, updated int64
		if err := rows.Scan(&q.ID, &q.Account, &q.Region, &q.Request, &q.State, &q.Error, &created, &updated); err != nil {
			return nil, s.explain(err)
		}
		q.Created, q.Updated = fromMillis(created), fromMillis(updated)
		all = append(all, q)
	}
	return all, s.explain(rows.Err())
}

// TakeQueued makes a request one's own: it is starting from now on. ok is false
// if another process was faster. A request that was taken before the time stale,
// by a process that has ended since, can be taken again.
func (s *Store) TakeQueued(ctx context.Context, id int64, now, stale time.Time) (ok bool, err error) {
	err = s.write(ctx, func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, "UPDATE queue SET state = ?, updated = ? WHERE id = ? AND (state = ? OR state = ? AND updated < ?)",
			QueueStarting, millis(now), id, QueueWaiting, QueueStarting, millis(stale))
		if err != nil {
			return err
		}
		n, err := r.RowsAffected()
		ok = n == 1
		return err
	})
	return ok, err
}

// SetQueued says how it stands with a request.
func (s *Store) SetQueued(ctx context.Context, id int64, state, problem string, now time.Time) error {
	return s.exec(ctx, "UPDATE queue SET state = ?, error = ?, updated = ? WHERE id = ?", state, problem, millis(now), id)
}

// RemoveQueued takes a request out of the queue. It is no error when it has left
// already.
func (s *Store) RemoveQueued(ctx context.Context, id int64) error {
	return s.exec(ctx, "DELETE FROM queue WHERE id = ?", id)
}
