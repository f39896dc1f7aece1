package store

import (
	"context"
	"database/sql"
	"time"
)

// Vote is what somebody thought of the answers to one question. Models is a JSON
// list of two names, Winner one of them or "" for none, Note says which kind of
// none.
type Vote struct {
	ID, Conversation     int64
	Position             int
	Models, Winner, Note string
	Created              time.Time
}

// PutVote records a vote in place of an earlier one on the same question.
func (s *Store) PutVote(ctx context.Context, v Vote) error {
	return s.write(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "DELETE FROM votes WHERE conversation = ? AND position = ?", v.Conversation, v.Position); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "INSERT INTO votes (conversation, position, models, winner, note, created) VALUES (?, ?, ?, ?, ?, ?)",
			v.Conversation, v.Position, v.Models, v.Winner, v.Note, millis(v.Created))
		return err
	})
}

// Votes returns the votes in the conversations of an account, oldest first.
func (s *Store) Votes(ctx context.Context, account string) ([]Vote, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT v.id, v.conversation, v.position, v.models, v.winner, v.note, v.created
		FROM votes v JOIN conversations c ON c.id = v.conversation WHERE c.account = ? ORDER BY v.id`, account)
	if err != nil {
		return nil, s.explain(err)
	}
	defer rows.Close()
	var list []Vote
	for rows.Next() {
		var v Vote
		var created int64
		if err := rows.Scan(&v.ID, &v.Conversation, &v.Position, &v.Models, &v.Winner, &v.Note, &created); err != nil {
			return nil, s.explain(err)
		}
		v.Created = fromMillis(created)
		list = append(list, v)
	}
	return list, s.explain(rows.Err())
}
