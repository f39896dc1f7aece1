package store

import (
	"context"
	"database/sql"
	"strings"
	"time"
)

// Waking is one time that a model had to be woken.
type Waking struct {
	Started  time.Time
	Took     time.Duration
	Attempts int
}

// AddWaking records that a model was woken.
func (s *Store) AddWaking(ctx context.Context, account, arn string, w Waking) error {
	return s.exec(ctx, "INSERT INTO wakings (account, arn, started, took, attempts) VALUES (?, ?, ?, ?, ?)",
		account, arn, millis(w.Started), int64(w.Took), w.Attempts)
}

// Wakings returns the newest wakings of a model, newest first.
func (s *Store) Wakings(ctx context.Context, account, arn string, limit int) ([]Waking, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT started, took, attempts FROM wakings WHERE account = ? AND arn = ? ORDER BY started DESC, id DESC LIMIT ?", account, arn, limit)
	if err != nil {
		return nil, s.explain(err)
	}
	defer rows.Close()
	var list []Waking
	for rows.Next() {
		var w Waking
		var started, took int64
		if err := rows.Scan(&started, &took, &w.Attempts); err != nil {
			return nil, s.explain(err)
		}
		w.Started, w.Took = fromMillis(started), time.Duration(took)
		list = append(list, w)
	}
	return list, s.explain(rows.Err())
}

// Conversation is a transcript's head. Models and Settings are JSON.
type Conversation struct {
	ID                                       int64
	Account, Region, Title, Models, Settings string
	Created, Updated                         time.Time
}

// PutConversation records a conversation, as a new one when its ID is 0, and
// returns its ID.
func (s *Store) PutConversation(ctx context.Context, c Conversation) (int64, error) {
	id := c.ID
	err := s.write(ctx, func(tx *sql.Tx) error {
		if id != 0 {
			_, err := tx.ExecContext(ctx, "UPDATE conversations SET title = ?, models = ?, settings = ?, updated = ? WHERE id = ?",
				c.Title, c.Models, c.Settings, millis(c.Updated), id)
			return err
		}
		r, err := tx.ExecContext(ctx, "INSERT INTO conversations (account, region, title, models, settings, created, updated) VALUES (?, ?, ?, ?, ?, ?, ?)",
			c.Account, c.Region, c.Title, c.Models, c.Settings, millis(c.Created), millis(c.Updated))
		if err != nil {
			return err
		}
		id, err = r.LastInsertId()
		return err
	})
	return id, err
}

// Conversations returns conversations whose title or turns hold query (all of
// them when it is empty), the last used first.
func (s *Store) Conversations(ctx context.Context, query string, limit int) ([]Conversation, error) {
	where, args := "1", []any{}
	if query != "" {
		where = `title LIKE ? ESCAPE '\' OR EXISTS (SELECT 1 FROM turns WHERE conversation = conversations.id AND content LIKE ? ESCAPE '\')`
		args = append(args, like(query), like(query))
	}
	return s.conversations(ctx, where, append(args, limit)...)
}

// Conversation returns one conversation, or ErrNotFound.
func (s *Store) Conversation(ctx context.Context, id int64) (Conversation, error) {
	list, err := s.conversations(ctx, "id = ?", id, 1)
	if err == nil && len(list) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return Conversation{}, err
	}
	return list[0], nil
}

func (s *Store) conversations(ctx context.Context, where string, args ...any) ([]Conversation, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT id, account, region, title, models, settings, created, updated FROM conversations WHERE "+where+
		" ORDER BY updated DESC, id DESC LIMIT ?", args...)
	if err != nil {
		return nil, s.explain(err)
	}
	defer rows.Close()
	var list []Conversation
	for rows.Next() {
		var c Conversation
		var created, updated int64
		if err := rows.Scan(&c.ID, &c.Account, &c.Region, &c.Title, &c.Models, &c.Settings, &created, &updated); err != nil {
			return nil, s.explain(err)
		}
		c.Created, c.Updated = fromMillis(created), fromMillis(updated)
		list = append(list, c)
	}
	return list, s.explain(rows.Err())
}

// DeleteConversation removes a conversation and its turns.
func (s *Store) DeleteConversation(ctx context.Context, id int64) error {
	return s.exec(ctx, "DELETE FROM conversations WHERE id = ?", id)
}

// Turn is one message of a conversation. Answers of several models to one
// question have the same Position.
type Turn struct {
	ID, Conversation                                     int64
	Position                                             int
	Role, Model, Content, Sent, Phase, StopReason, Error string
	Latency, FirstToken                                  time.Duration
	InputTokens, OutputTokens                            int
	Created                                              time.Time
}

// PutTurn records a turn, as a new one when its ID is 0, and returns its ID. The
// conversation counts as used at the turn's time.
func (s *Store) PutTurn(ctx context.Context, t Turn) (int64, error) {
	id := t.ID
	err := s.write(ctx, func(tx *sql.Tx) error {
		if id != 0 {
			_, err := tx.ExecContext(ctx, `UPDATE turns SET content = ?, sent = ?, phase = ?, stop_reason = ?, error = ?, latency = ?, first_token = ?,
				input_tokens = ?, output_tokens = ? WHERE id = ?`,
				t.Content, t.Sent, t.Phase, t.StopReason, t.Error, int64(t.Latency), int64(t.FirstToken), t.InputTokens, t.OutputTokens, id)
			return err
		}
		r, err := tx.ExecContext(ctx, `INSERT INTO turns (conversation, position, role, model, content, sent, phase, stop_reason, error, latency, first_token,
			input_tokens, output_tokens, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			t.Conversation, t.Position, t.Role, t.Model, t.Content, t.Sent, t.Phase, t.StopReason, t.Error, int64(t.Latency), int64(t.FirstToken),
			t.InputTokens, t.OutputTokens, millis(t.Created))
		if err != nil {
			return err
		}
		if id, err = r.LastInsertId(); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "UPDATE conversations SET updated = max(updated, ?) WHERE id = ?", millis(t.Created), t.Conversation)
		return err
	})
	return id, err
}

// Turns returns a conversation's turns in their order.
func (s *Store) Turns(ctx context.Context, conversation int64) ([]Turn, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT id, conversation, position, role, model, content, sent, phase, stop_reason, error, latency, first_token,
		input_tokens, output_tokens, created FROM turns WHERE conversation = ? ORDER BY position, id`, conversation)
	if err != nil {
		return nil, s.explain(err)
	}
	defer rows.Close()
	var list []Turn
	for rows.Next() {
		var t Turn
		var latency, first, created int64
		if err := rows.Scan(&t.ID, &t.Conversation, &t.Position, &t.Role, &t.Model, &t.Content, &t.Sent, &t.Phase, &t.StopReason, &t.Error,
			&latency, &first, &t.InputTokens, &t.OutputTokens, &created); err != nil {
			return nil, s.explain(err)
		}
		t.Latency, t.FirstToken, t.Created = time.Duration(latency), time.Duration(first), fromMillis(created)
		list = append(list, t)
	}
	return list, s.explain(rows.Err())
}

// like makes the pattern that finds text anywhere, with ESCAPE '\'.
func like(text string) string {
	return "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(text) + "%"
}
