package command

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
)

func TestDatasetFetch(t *testing.T) {
	const rows = `{"question":"Which port?","response":"5432"}` + "\n"
	const commit = "0123456789abcdef0123456789abcdef01234567"
	sum := sha256.Sum256([]byte(rows))
	hub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/api/datasets/a/b/revision/v1":
			fmt.Fprintf(w, `{"sha":%q}`, commit)
		case "/api/datasets/a/b/tree/" + commit:
			fmt.Fprintf(w, `[{"type":"file","path":"data/x.jsonl","oid":%q,"size":%d,"lfs":{"oid":%q,"size":%d}}]`, commit, len(rows), hex.EncodeToString(sum[:]), len(rows))
		case "/datasets/a/b/resolve/" + commit + "/data/x.jsonl":
			_, _ = w.Write([]byte(rows))
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(hub.Close)
	t.Setenv("HF_ENDPOINT", hub.URL)
	t.Setenv("HF_TOKEN", "hf_secretsecret")
	home := t.TempDir()
	run := func(args ...string) (status int, out, errOut string) {
		var o, e bytes.Buffer
		status = Run(t.Context(), append([]string{"--home", home, "dataset"}, args...), nil, &o, &e)
		return status, o.String(), e.String()
	}
	if status, out, errOut := run("fetch", "a/b", "--revision", "v1", "--list"); status != 0 || !strings.Contains(out, "data/x.jsonl") {
		t.Errorf("list: %d %s%s", status, out, errOut)
	}
	status, out, errOut := run("fetch", "a/b", "--revision", "v1", "-o", "json")
	var got fetchOut
	if err := json.Unmarshal([]byte(out), &got); err != nil || status != 0 || len(got.Files) != 1 || got.Commit != commit {
		t.Fatalf("%d %s%s, %v", status, out, errOut, err)
	}
	if rel, err := filepath.Rel(home, got.Files[0].Local); err != nil || !strings.HasSuffix(rel, filepath.Join("datasets", "hub", "a", "b", commit[:12], "data", "x.jsonl")) {
		t.Errorf("it lies at %s", got.Files[0].Local)
	}
	if status, out, _ := run("head", got.Files[0].Local); status != 0 || !strings.Contains(out, "Which port?") {
		t.Errorf("what was fetched does not open: %d %s", status, out)
	}
	if status, _, errOut := run("fetch", "a/c"); status != 1 || !strings.Contains(errOut, "or it is private") || strings.Contains(errOut, "hf_") {
		t.Errorf("a dataset that is not there: %d %s", status, errOut)
	}
	if status, _, errOut := run("fetch", "a/b", "--revision", "v1", "--file", "y*"); status != 1 || !strings.Contains(errOut, "--list") {
		t.Errorf("a file that is not there: %d %s", status, errOut)
	}
}
