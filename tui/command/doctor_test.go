package command

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"tunebench/backend/account"
)

// TestDoctor: on a fresh local account nothing is missing, and every permission to
// look was tried.
func TestDoctor(t *testing.T) {
	var out, bad bytes.Buffer
	if status := Run(t.Context(), []string{"--home", t.TempDir(), "doctor", "-o", "json"}, strings.NewReader(""), &out, &bad); status != exitDone {
		t.Fatalf("status %d: %s", status, bad.String())
	}
	var fs []finding
	if err := json.Unmarshal(out.Bytes(), &fs); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, f := range fs {
		seen[f.Check] = true
		if !f.OK || f.Result == account.ProbeFailed || f.Detail == "" {
			t.Errorf("%+v", f)
		}
	}
	for _, check := range []string{"terminal", "config", "state folder", "disk", "identity", "list training jobs", "read training logs", "list import jobs",
		"list imported models", "list foundation models", "list inference profiles", "bucket", "list the bucket", "models"} {
		if !seen[check] {
			t.Errorf("%s was not checked", check)
		}
	}
}

// TestExamineTerminal: what the terminal lacks is said with a remedy, and keeps
// nobody from working.
func TestExamineTerminal(t *testing.T) {
	for name, tc := range map[string]struct {
		env  map[string]string
		size [2]int
		want string // check: result: part of detail or remedy
	}{
		"good":      {map[string]string{"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "en_US.UTF-8", "EDITOR": "vi"}, [2]int{80, 24}, "terminal:ok:80×24 colours:ok:24 characters:ok:UTF-8 editor:ok:vi"},
		"bastion":   {map[string]string{"TERM": "screen-256color", "SSH_CONNECTION": "x", "TMUX": "x", "LANG": "C"}, [2]int{120, 40}, "terminal:ok:SSH,_in_tmux colours:ok:256 characters:warning:LANG=C.UTF-8 editor:warning:EDITOR"},
		"small":     {map[string]string{"TERM": "xterm", "NO_COLOR": "1", "LC_ALL": "C.utf8", "VISUAL": "code -w"}, [2]int{40, 10}, "terminal:warning:60×16 colours:ok:none characters:ok:UTF-8 editor:ok:code"},
		"dumb":      {map[string]string{"TERM": "dumb"}, [2]int{80, 24}, "terminal:warning:--accessible"},
		"no screen": {nil, [2]int{}, "terminal:ok:no_terminal"},
	} {
		fs := examineTerminal(func(k string) string { return tc.env[k] }, tc.size)
		for _, want := range strings.Fields(tc.want) {
			p := strings.SplitN(want, ":", 3)
			found := false
			for _, f := range fs {
				found = found || f.Check == p[0] && f.Result == p[1] && f.OK && strings.Contains(f.Detail+" "+f.Remedy, strings.ReplaceAll(p[2], "_", " ")) && (f.Result == account.ProbeOK) == (f.Remedy == "")
			}
			if !found {
				t.Errorf("%s: %s is not among %+v", name, want, fs)
			}
		}
	}
}
