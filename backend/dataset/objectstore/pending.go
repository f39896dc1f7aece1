package objectstore

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// pending is an upload in parts that is not finished, as it is remembered
// between runs. It counts only for the very same bytes.
type pending struct {
	Bucket   string           `json:"bucket"`
	Key      string           `json:"key"`
	SHA256   string           `json:"sha256"`
	Size     int64            `json:"size"`
	PartSize int64            `json:"part_size"`
	ID       string           `json:"upload_id"`
	Parts    map[int32]string `json:"parts"` // number → ETag

	file string // "" remembers nothing
}

// pending reads what is remembered of an upload; a new one has no ID.
func (u *upload) pending(f *local, key string) *pending {
	p := &pending{Bucket: u.bucket, Key: key, SHA256: hex.EncodeToString(f.sum[:]), Size: f.size, PartSize: f.part}
	if u.state == "" {
		return p
	}
	name := sha256.Sum256([]byte(u.bucket + "\n" + key))
	p.file = filepath.Join(u.state, hex.EncodeToString(name[:16])+".json")
	b, err := os.ReadFile(p.file)
	if err != nil {
		return p
	}
	var old pending
	if json.Unmarshal(b, &old) != nil || old.Bucket != p.Bucket || old.Key != p.Key || old.SHA256 != p.SHA256 || old.Size != p.Size || old.PartSize != p.PartSize || old.Parts == nil {
		return p // of other bytes
	}
	p.ID, p.Parts = old.ID, old.Parts
	return p
}

// save writes what is to be remembered, as a whole or not at all.
func (p *pending) save() error {
	if p.file == "" {
		return nil
	}
	b, err := json.Marshal(p)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(p.file), 0o700); err != nil {
		return fmt.Errorf("remember the upload: %w", err)
	}
	tmp := p.file + ".part"
	if err = os.WriteFile(tmp, b, 0o600); err == nil {
		err = os.Rename(tmp, p.file)
	}
	if err != nil {
		return fmt.Errorf("remember the upload: %w", err)
	}
	return nil
}

// forget is for an upload that is finished.
func (p *pending) forget() error {
	if p.file == "" {
		return nil
	}
	if err := os.Remove(p.file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("forget the upload: %w", err)
	}
	return nil
}
