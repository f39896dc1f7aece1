// Package store is the SQLite file in which the workbench remembers what an
// account does not: which dataset a training job was given, the prompt format
// of a model, evaluation records, transcripts, preferences.
//
// What belongs here: the schema and typed reads and writes, one file per
// service. What does not: decisions about what the values mean, and anything
// that can be asked of the account itself. Several processes may have the file
// open at once; every write is one short transaction.
package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sort"
	"time"

	"modernc.org/sqlite" // also registers the driver "sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// ErrNotFound is returned when nothing is stored under the name asked for.
var ErrNotFound = errors.New("not in the store")

// busyTimeout is how long a write waits for another process's write.
const busyTimeout = 10 * time.Second

//go:embed migrations/*.sql
var migrationFiles embed.FS

// Store is the open file. Its methods are safe for concurrent use.
type Store struct {
	db   *sql.DB
	path string
}

// Open opens the store at path, makes it when it is absent, and brings its
// schema up to date.
func Open(ctx context.Context, path string) (*Store, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open the store %s: %w", path, err)
	}
	if err := os.MkdirAll(filepath.Dir(abs), 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of the store: %w", err)
	}
	// Transcripts and datasets' rows are private: create the file before SQLite
	// would, with our mode.
	f, err := os.OpenFile(abs, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the store: %w", err)
	}
	if err := f.Close(); err != nil {
		return nil, fmt.Errorf("open the store: %w", err)
	}
	db, err := sql.Open("sqlite", dsn(abs))
	if err != nil {
		return nil, fmt.Errorf("open the store %s: %w", abs, err)
	}
	db.SetMaxOpenConns(4)
	s := &Store{db: db, path: abs}
	if err := s.migrate(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return s, nil
}

// Close closes the file.
func (s *Store) Close() error { return s.db.Close() }

// Path is the file the store lies in.
func (s *Store) Path() string { return s.path }

// dsn names the file and what every connection to it is set to. FULL makes a
// commit outlive a power cut as well as a kill.
func dsn(path string) string {
	q := url.Values{"_txlock": {"immediate"}, "_pragma": {
		fmt.Sprintf("busy_timeout(%d)", busyTimeout.Milliseconds()),
		"journal_mode(WAL)",
		"synchronous(FULL)",
		"foreign_keys(1)",
	}}
	u := url.URL{Scheme: "file", Path: filepath.ToSlash(path), RawQuery: q.Encode()}
	return u.String()
}

// migrations returns the scripts in order; the first makes version 1.
func migrations() ([]string, error) {
	names, err := fs.Glob(migrationFiles, "migrations/*.sql")
	if err != nil {
		return nil, err
	}
	sort.Strings(names)
	scripts := make([]string, len(names))
	for i, name := range names {
		b, err := migrationFiles.ReadFile(name)
		if err != nil {
			return nil, err
		}
		scripts[i] = string(b)
	}
	return scripts, nil
}

// migrate runs the scripts that the file has not seen. The version is read
// again inside the transaction, since another process may be at the same work.
func (s *Store) migrate(ctx context.Context) error {
	scripts, err := migrations()
	if err != nil {
		return err
	}
	version := 0
	if err := s.db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return s.explain(err)
	}
	if version == len(scripts) {
		return nil
	}
	return s.write(ctx, func(tx *sql.Tx) error {
		if err := tx.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
			return err
		}
		if version > len(scripts) {
			return fmt.Errorf("the store %s was written by a newer tunebench (schema %d, this one knows %d); update tunebench or use another --home", s.path, version, len(scripts))
		}
		for ; version < len(scripts); version++ {
			if _, err := tx.ExecContext(ctx, scripts[version]); err != nil {
				return fmt.Errorf("bring the store %s to schema %d: %w", s.path, version+1, err)
			}
		}
		_, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", version))
		return err
	})
}

// write runs f in one transaction that holds the write lock from its start, so
// that it never fails half-way because another process wrote.
func (s *Store) write(ctx context.Context, f func(tx *sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return s.explain(err)
	}
	if err := f(tx); err != nil {
		_ = tx.Rollback() // f's error says what went wrong
		return s.explain(err)
	}
	return s.explain(tx.Commit())
}

// writeQuick is write without waiting until the disk has the data.
func (s *Store) writeQuick(ctx context.Context, f func(tx *sql.Tx) error) error {
	c, err := s.db.Conn(ctx)
	if err != nil {
		return s.explain(err)
	}
	defer c.Close()
	if _, err := c.ExecContext(ctx, "PRAGMA synchronous = NORMAL"); err != nil {
		return s.explain(err)
	}
	// The connection goes back to those that wait.
	defer c.ExecContext(context.WithoutCancel(ctx), "PRAGMA synchronous = FULL")
	tx, err := c.BeginTx(ctx, nil)
	if err != nil {
		return s.explain(err)
	}
	if err := f(tx); err != nil {
		_ = tx.Rollback() // f's error says what went wrong
		return s.explain(err)
	}
	return s.explain(tx.Commit())
}

// exec is write for one statement.
func (s *Store) exec(ctx context.Context, query string, args ...any) error {
	return s.write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, query, args...)
		return err
	})
}

// explain turns SQLite's errors into sentences that say what to do.
func (s *Store) explain(err error) error {
	var se *sqlite.Error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sql.ErrNoRows):
		return ErrNotFound
	case !errors.As(err, &se):
		return err
	}
	switch se.Code() & 0xff {
	case sqlite3.SQLITE_FULL:
		return fmt.Errorf("the disk that holds the store %s is full; free some space and try again: %w", s.path, err)
	case sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT:
		return fmt.Errorf("the store %s is damaged or no SQLite file; move it away to start with an empty one: %w", s.path, err)
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
		return fmt.Errorf("the store %s cannot be written; check the permissions of the file and its folder, or use another --home: %w", s.path, err)
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return fmt.Errorf("another process has kept the store %s locked for %s; end it and try again: %w", s.path, busyTimeout, err)
	case sqlite3.SQLITE_IOERR:
		return fmt.Errorf("read or write the store %s: %w", s.path, err)
	}
	return err
}

// ForgetAccount removes what is stored about an account's jobs and models. Runs,
// records and transcripts stay: they are the user's results.
func (s *Store) ForgetAccount(ctx context.Context, account string) error {
	return s.write(ctx, func(tx *sql.Tx) error {
		for _, table := range []string{"training_jobs", "log_positions", "import_jobs", "models", "wakings", "queue"} {
			if _, err := tx.ExecContext(ctx, "DELETE FROM "+table+" WHERE account = ?", account); err != nil {
				return err
			}
		}
		return nil
	})
}

// Pref returns a remembered preference, or fallback when there is none.
func (s *Store) Pref(ctx context.Context, key, fallback string) (string, error) {
	value := fallback
	err := s.db.QueryRowContext(ctx, "SELECT value FROM prefs WHERE key = ?", key).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return fallback, nil
	}
	return value, s.explain(err)
}

// SetPref remembers a preference.
func (s *Store) SetPref(ctx context.Context, key, value string) error {
	return s.exec(ctx, "INSERT INTO prefs (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", key, value)
}

// millis is how times are stored; the zero time is 0.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// fromMillis is the inverse of millis, in UTC.
func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
