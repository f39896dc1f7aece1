package account

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// accessKey is the local account's one key pair.
type accessKey struct {
	AccessKeyID     string `json:"access_key_id"`
	SecretAccessKey string `json:"secret_access_key"`
}

// loadKey reads the key pair of a local account, and makes it the first time.
func loadKey(dir string) (accessKey, error) {
	path := filepath.Join(dir, "key.json")
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := writeKey(path); err != nil {
			return accessKey{}, fmt.Errorf("make the local account's key: %w", err)
		}
		b, err = os.ReadFile(path)
	}
	if err != nil {
		return accessKey{}, fmt.Errorf("read the local account's key: %w", err)
	}
	var k accessKey
	if err := json.Unmarshal(b, &k); err != nil || k.AccessKeyID == "" || k.SecretAccessKey == "" {
		return accessKey{}, fmt.Errorf("the local account's key file %s is damaged; remove it, and the next start makes a new one", path)
	}
	return k, nil
}

// writeKey makes the file whole or not at all; another process's file wins.
func writeKey(path string) error {
	k := accessKey{AccessKeyID: "LOCAL" + rand.Text()[:15], SecretAccessKey: (rand.Text() + rand.Text())[:40]}
	b, err := json.Marshal(k)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), "key-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if _, err = f.Write(b); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}
