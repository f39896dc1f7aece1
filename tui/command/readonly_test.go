package command

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// TestEveryCommandIsOneOrTheOther: a new command has to be put into one of the
// lists, and a flag that writes a file into the third.
func TestEveryCommandIsOneOrTheOther(t *testing.T) {
	root := newRoot(&globals{})
	root.InitDefaultCompletionCmd("x")
	root.InitDefaultHelpCmd()
	seen := map[string]bool{}
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		for _, sub := range c.Commands() {
			walk(sub)
		}
		if path := pathOf(c); path != "" && (c.Runnable() && !c.HasSubCommands() || changing[path] || looking[path]) {
			seen[path] = true
			if changing[path] == looking[path] {
				t.Errorf("%s: does it change something? Put it into changing or looking", path)
			}
			c.Flags().VisitAll(func(f *pflag.Flag) {
				if !changing[path] && strings.Contains(f.Usage, "write") && !strings.Contains(f.Usage, "was written") && !contains(writing, f.Name) {
					t.Errorf("%s --%s: does it write a file? Put it into writing", path, f.Name)
				}
			})
		}
	}
	walk(root)
	for _, list := range []map[string]bool{changing, looking} {
		for path := range list {
			if !seen[path] {
				t.Errorf("there is no command %s", path)
			}
		}
	}
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// TestReadOnlyCommands: what changes anything is refused before it begins, by the
// flag and by the configuration; the rest works.
func TestReadOnlyCommands(t *testing.T) {
	home := t.TempDir()
	run := func(args ...string) (int, string, string) {
		var out, bad bytes.Buffer
		status := Run(t.Context(), append([]string{"--home", home}, args...), strings.NewReader(""), &out, &bad)
		return status, out.String(), bad.String()
	}
	for path := range changing {
		args := strings.Fields(path)
		switch path {
		case "loop", "local reset", "train start", "import start":
		default:
			args = append(args, "x")
		}
		if status, _, bad := run(append(args, "--read-only")...); status != exitUsage || !strings.Contains(bad, "read-only session") {
			t.Errorf("%s: %d %s", path, status, bad)
		}
	}
	rows := filepath.Join(home, "rows.jsonl")
	if err := os.WriteFile(rows, []byte("{\"question\":\"q\",\"response\":\"a\"}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if status, out, bad := run("--read-only", "dataset", "info", rows); status != exitDone || out == "" {
		t.Errorf("dataset info: %d %s", status, bad)
	}
	bad := filepath.Join(home, "bad")
	if status, _, said := run("--read-only", "dataset", "badrows", rows, "--raw", bad); status != exitUsage || !strings.Contains(said, "--raw writes a file") {
		t.Errorf("badrows --raw: %d %s", status, said)
	}
	if err := os.MkdirAll(filepath.Join(home, "config"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(home, "config.toml"), []byte("[account]\nread_only = true\nbucket = \"data\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if status, _, said := run("dataset", "prepare", rows, "--out", bad); status != exitUsage || !strings.Contains(said, "account.read_only") {
		t.Errorf("dataset prepare: %d %s", status, said)
	}
	status, out, said := run("permissions")
	var p struct{ Statement []struct{ Action []string } }
	if err := json.Unmarshal([]byte(out), &p); status != exitDone || err != nil || len(p.Statement) < 5 || strings.Contains(out, "CreateTrainingJob") || !strings.Contains(out, "arn:aws:s3:::data/*") {
		t.Errorf("permissions: %d %s %s %v", status, out, said, err)
	}
}
