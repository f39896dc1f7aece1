package tui_test

import (
	"strings"
	"testing"
	"time"

	"tunebench/backend/chat"
	"tunebench/backend/modelimport"
	"tunebench/tui/uitest"
)

// TestChatColumns: models whose names are long and alike are told apart.
func TestChatColumns(t *testing.T) {
	var w *uitest.World
	play(t, func() *uitest.World {
		w = uitest.Full()
		w.Models = nil
		for _, ref := range []string{"tunebench-a-long-name-for-a-job-20260714-102210-lr-1-and-a-very-long-end", "tunebench-a-long-name-for-a-job-20260714-102210-lr-2-and-a-very-long-end", "base"} {
			w.Models = append(w.Models, chat.Model{Ref: ref, ID: ref, Kind: chat.Imported})
		}
		return w
	}, 100, 30, func(r *rig) {
		r.press("4", "esc", ":")
		r.write("models " + w.Models[0].Ref + " " + w.Models[1].Ref + " base")
		r.press("enter")
		r.want("━━ base", "→1-and", "→2-and")
	})
}

// TestChatWakingCost: where an account bills, what waking costs stands with the
// model that wakes.
func TestChatWakingCost(t *testing.T) {
	play(t, func() *uitest.World {
		w := uitest.Full()
		w.Account.Bills = true
		w.Details = map[string]modelimport.Details{"elsewhere": {Units: 2}}
		return w
	}, 120, 40, func(r *rig) {
		r.press("4", "esc", ":")
		r.write("models base elsewhere")
		r.press("enter")
		r.write("Are you there?")
		r.press("enter")
		r.want("waking", "waking it costs $0.57: five minutes of 2 custom model", "ctrl+x cancel")
	})
}

// TestChatReference: an answer is scored against the reference while it arrives.
func TestChatReference(t *testing.T) {
	var st *uitest.Stream
	play(t, func() *uitest.World {
		w := uitest.Full()
		st = uitest.NewStream()
		w.Streams = map[string]*uitest.Stream{"base": st}
		return w
	}, 120, 40, func(r *rig) {
		r.press("c", "enter")
		r.want("reference brown")
		st.Token("It is dark ")
		r.pass(100 * time.Millisecond)
		r.want("F1 0.00")
		st.Token("brown")
		r.pass(100 * time.Millisecond)
		if !strings.Contains(r.text(), "F1 0.40") {
			t.Errorf("the score of a partial answer:\n%s", r.text())
		}
		st.End()
		r.pass(100 * time.Millisecond)
	})
}
