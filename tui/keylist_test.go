package tui_test

import (
	"os"
	"strings"
	"testing"

	"tunebench/tui/keys"
	"tunebench/tui/uitest"
)

// keyList is the documentation's list of keys, made from the tables that dispatch
// uses. Everything below the mark is written by the test with -update.
const (
	keyList = "keys/README.md"
	keyMark = "<!-- from here on written by: go test ./tui -run TestKeyList -update -->\n"
)

// TestKeyList: the documentation names every action and key, and no other.
func TestKeyList(t *testing.T) {
	play(t, uitest.Full, 80, 24, func(r *rig) {
		want := keys.Markdown(r.app.Tables())
		have, err := os.ReadFile(keyList)
		if err != nil {
			r.t.Fatal(err)
		}
		head, rest, ok := strings.Cut(string(have), keyMark)
		if !ok {
			r.t.Fatalf("%s lacks the line %q", keyList, keyMark)
		}
		if *update {
			if err := os.WriteFile(keyList, []byte(head+keyMark+want), 0o644); err != nil {
				r.t.Fatal(err)
			}
			return
		}
		if rest != want {
			r.t.Errorf("%s is not what the tables say; write it again with go test ./tui -run TestKeyList -update", keyList)
		}
	})
}
