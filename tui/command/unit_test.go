package command

import (
	"strings"
	"testing"
)

func containsText(s, text string) bool { return strings.Contains(s, text) }

func TestParseSplit(t *testing.T) {
	if p, err := parseSplit("0.8, 0.1,0.1"); err != nil || p != [3]float64{0.8, 0.1, 0.1} {
		t.Errorf("0.8,0.1,0.1: %v, %v", p, err)
	}
	for _, bad := range []string{"", "1", "0.5,0.5", "0.9,0.2,0.1", "0,0.5,0.5", "a,0,0", "-1,1,1", "NaN,0,1"} {
		if _, err := parseSplit(bad); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

func TestParseAtLeast(t *testing.T) {
	if m, err := parseAtLeast([]string{"f1_score=0.5"}); err != nil || m["f1_score"] != 0.5 {
		t.Errorf("f1_score=0.5: %v, %v", m, err)
	}
	for _, bad := range []string{"f1_score", "f1=0.5", "f1_score=much"} {
		if _, err := parseAtLeast([]string{bad}); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

func TestFieldsLeavesOutEmptyValues(t *testing.T) {
	var b strings.Builder
	fields(&b, "job", "x", "failure reason", "", "status", "Completed")
	if got, want := b.String(), "job     x\nstatus  Completed\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestShowsUnicode(t *testing.T) {
	for _, c := range []struct {
		env  map[string]string
		want bool
	}{
		{map[string]string{"TERM": "xterm-256color", "LANG": "en_GB.UTF-8"}, true},
		{map[string]string{"TERM": "xterm-256color"}, true},
		{map[string]string{"TERM": "dumb", "LANG": "en_GB.UTF-8"}, false},
		{map[string]string{"TERM": "xterm", "LANG": "C"}, false},
		{map[string]string{"TERM": "xterm", "LC_ALL": "POSIX", "LANG": "C.utf8"}, false},
		{map[string]string{"TERM": "xterm", "LC_CTYPE": "C.utf8", "LANG": "C"}, true},
	} {
		if got := showsUnicode(func(name string) string { return c.env[name] }); got != c.want {
			t.Errorf("%v: %v", c.env, got)
		}
	}
}
