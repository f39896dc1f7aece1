package command

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestClipboard: the text goes where the user can paste it from, and what is said
// is what was done.
func TestClipboard(t *testing.T) {
	bin := t.TempDir()
	tool := func(name, script string) {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+script), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	got := filepath.Join(bin, "got")
	tool("wl-copy", "cat > "+got+".wl\n")
	tool("xclip", "echo no display >&2; exit 1\n")
	tool("xsel", "cat > "+got+".xsel\n")
	tool("tmux", `[ "$1 $2 $3" = "load-buffer -w -" ] && cat > `+got+".tmux\n")
	look := func(name string) (string, error) {
		p := filepath.Join(bin, name)
		if _, err := os.Stat(p); err != nil {
			return "", exec.ErrNotFound
		}
		return p, nil
	}
	for name, tc := range map[string]struct {
		env      string
		how      string
		terminal bool
		file     string // that holds the text
	}{
		"desktop":          {"WAYLAND_DISPLAY", "by wl-copy", false, got + ".wl"},
		"the next command": {"DISPLAY", "by xsel", false, got + ".xsel"},
		"over ssh":         {"SSH_CONNECTION WAYLAND_DISPLAY", "by OSC 52, if this terminal allows it; it is also in ", true, "copied"},
		"tmux over ssh":    {"SSH_TTY TMUX WAYLAND_DISPLAY", "into tmux's buffer", false, got + ".tmux"},
		"a terminal only":  {"", "by OSC 52", true, "copied"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			c := clipboard{look: look, file: filepath.Join(dir, "copied"), env: func(k string) string {
				if strings.Contains(" "+tc.env+" ", " "+k+" ") {
					return "x"
				}
				return ""
			}}
			text := strings.Repeat("text ü\n", 50_000) + name
			if _, err := c.copy(t.Context(), "before"); err != nil {
				t.Fatal(err)
			}
			done, err := c.copy(t.Context(), text)
			if err != nil || !strings.HasPrefix(done.How, tc.how) || done.Terminal != tc.terminal {
				t.Fatalf("%+v, %v", done, err)
			}
			if tc.file == "copied" {
				tc.file = c.file
				if st, err := os.Stat(c.file); err != nil || st.Mode().Perm() != 0o600 {
					t.Errorf("%v, %v", st, err)
				}
			}
			if b, err := os.ReadFile(tc.file); err != nil || string(b) != text {
				t.Errorf("%d bytes of %d came, %v", len(b), len(text), err)
			}
			if left, _ := os.ReadDir(dir); len(left) > 1 {
				t.Errorf("%v is left behind", left)
			}
		})
	}
	c := clipboard{look: look, file: filepath.Join(t.TempDir(), "none", "copied"), env: func(string) string { return "" }}
	if _, err := c.copy(t.Context(), "x"); err == nil {
		t.Error("a text that could not be kept was called copied")
	}
}
