package store

import (
	"context"
	"time"
)

// Marks returns what the rows of a dataset have been marked as, by row.
func (s *Store) Marks(ctx context.Context, datasetHash string) (map[int64]string, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT row, mark FROM marks WHERE dataset_sha256 = ?", datasetHash)
	if err != nil {
		return nil, s.explain(err)
	}
	defer rows.Close()
	marks := map[int64]string{}
	for rows.Next() {
		var row int64
		var mark string
		if err := rows.Scan(&row, &mark); err != nil {
			return nil, s.explain(err)
		}
		marks[row] = mark
	}
	return marks, s.explain(rows.Err())
}

// PutMark marks a row of a dataset; an empty mark takes it away.
func (s *Store) PutMark(ctx context.Context, datasetHash string, row int64, mark string, now time.Time) error {
	if mark == "" {
		return s.exec(ctx, "DELETE FROM marks WHERE dataset_sha256 = ? AND row = ?", datasetHash, row)
	}
	return s.exec(ctx, "INSERT OR REPLACE INTO marks (dataset_sha256, row, mark, created) VALUES (?, ?, ?, ?)", datasetHash, row, mark, millis(now))
}
