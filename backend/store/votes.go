package store

import (
	"context"
	"database/sql"
	"time"
)

// Vote is what somebody thought of the answers of two models to one question,
// which is at a position of a conversation, or the row of a run. Models is a JSON
// list of two names, Winner one of them or "" for none, Note says which kind of
// none. Voter is "" for a person or the name of the model that judged, Form by
// which words it was asked.
type Vote struct {
	ID           int64
	Account      string
	Conversation int64 // 0 where Run is set
	Position     int
	Run          string
	Row          int64
	Models       string
	Winner, Note string
	Voter, Form  string
	Created      time.Time
}

// PutVote records a vote in place of an earlier one of the same voter on the same
// two models' answers, whichever of them came first.
func (s *Store) PutVote(ctx context.Context, v Vote) error {
	return s.write(ctx, func(tx *sql.Tx) error {
		conversation, position, run, row := sql.NullInt64{Int64: v.Conversation, Valid: v.Run == ""}, sql.NullInt64{Int64: int64(v.Position), Valid: v.Run == ""},
			sql.NullString{String: v.Run, Valid: v.Run != ""}, sql.NullInt64{Int64: v.Row, Valid: v.Run != ""}
		if _, err := tx.ExecContext(ctx, `DELETE FROM votes WHERE conversation IS ? AND position IS ? AND run IS ? AND row IS ? AND voter = ? AND form = ?
			AND models IN (?, json_array(json_extract(?, '$[1]'), json_extract(?, '$[0]')))`,
			conversation, position, run, row, v.Voter, v.Form, v.Models, v.Models, v.Models); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO votes (account, conversation, position, run, row, models, winner, note, voter, form, created)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			v.Account, conversation, position, run, row, v.Models, v.Winner, v.Note, v.Voter, v.Form, millis(v.Created))
		return err
	})
}

// VotesIn returns the votes in a conversation, oldest first.
func (s *Store) VotesIn(ctx context.Context, conversation int64) ([]Vote, error) {
	return s.votes(ctx, "conversation = ?", conversation)
}

// Votes returns the votes of an account, oldest first.
func (s *Store) Votes(ctx context.Context, account string) ([]Vote, error) {
	return s.votes(ctx, "account = ?", account)
}

// RunVotes returns the votes on the answers of a run, oldest first.
func (s *Store) RunVotes(ctx context.Context, run string) ([]Vote, error) {
	return s.votes(ctx, "run = ?", run)
}

func (s *Store) votes(ctx context.Context, where string, args ...any) ([]Vote, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT id, account, conversation, position, run, row, models, winner, note, voter, form, created FROM votes
		WHERE `+where+` ORDER BY id`, args...)
	if err != nil {
		return nil, s.explain(err)
	}
	defer rows.Close()
	var list []Vote
	for rows.Next() {
		var v Vote
		var conversation, position, row sql.NullInt64
		var run sql.NullString
		var created int64
		if err := rows.Scan(&v.ID, &v.Account, &conversation, &position, &run, &row, &v.Models, &v.Winner, &v.Note, &v.Voter, &v.Form, &created); err != nil {
			return nil, s.explain(err)
		}
		v.Conversation, v.Position, v.Run, v.Row, v.Created = conversation.Int64, int(position.Int64), run.String, row.Int64, fromMillis(created)
		list = append(list, v)
	}
	return list, s.explain(rows.Err())
}

// Round is the rows of a run that somebody votes on, in that order. Models is a
// JSON list of two names, Rows one of numbers.
type Round struct {
	ID, Account, Run string
	Models, Rows     string
	Seed             uint64
	Created          time.Time
}

// AddRound records a round.
func (s *Store) AddRound(ctx context.Context, r Round) error {
	return s.exec(ctx, "INSERT INTO rounds (id, account, run, models, rows, seed, created) VALUES (?, ?, ?, ?, ?, ?, ?)",
		r.ID, r.Account, r.Run, r.Models, r.Rows, int64(r.Seed), millis(r.Created))
}

// Rounds returns the rounds of an account, newest first.
func (s *Store) Rounds(ctx context.Context, account string) ([]Round, error) {
	return s.rounds(ctx, "account = ?", account)
}

// Round returns one round, or ErrNotFound.
func (s *Store) Round(ctx context.Context, id string) (Round, error) {
	list, err := s.rounds(ctx, "id = ?", id)
	if err == nil && len(list) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return Round{}, err
	}
	return list[0], nil
}

func (s *Store) rounds(ctx context.Context, where string, args ...any) ([]Round, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT id, account, run, models, rows, seed, created FROM rounds WHERE "+where+" ORDER BY created DESC, id DESC", args...)
	if err != nil {
		return nil, s.explain(err)
	}
	defer rows.Close()
	var list []Round
	for rows.Next() {
		var r Round
		var seed, created int64
		if err := rows.Scan(&r.ID, &r.Account, &r.Run, &r.Models, &r.Rows, &seed, &created); err != nil {
			return nil, s.explain(err)
		}
		r.Seed, r.Created = uint64(seed), fromMillis(created)
		list = append(list, r)
	}
	return list, s.explain(rows.Err())
}
