package tui_test

import (
	"strings"
	"testing"
	"time"

	"tunebench/backend/chat"
	"tunebench/backend/evaluation"
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

// TestChatSettings: settings are taken for all models or for one, and what cannot
// be meant is said at the field.
func TestChatSettings(t *testing.T) {
	var w *uitest.World
	play(t, func() *uitest.World { w = uitest.Full(); return w }, 120, 40, func(r *rig) {
		r.press("4", "esc", "S")
		r.want("Settings of the next question", "system prompt", "top-k", "seed")
		r.press("down", "ctrl+u")
		r.write("many")
		r.press("ctrl+s")
		r.want("a whole number from 1")
		r.press("ctrl+u")
		r.write("64")
		r.press("down", "ctrl+u")
		r.write("0.25")
		r.press("ctrl+s")
		r.want("temperature 0.25", "up to 64 tokens")
		r.press("S", "up", "right")
		r.press("down", "down", "ctrl+u")
		r.write("9")
		r.press("ctrl+s")
		r.want("up to 64 tokens", "base in its own way")
		r.press("i")
		r.write("Name a colour.")
		r.press("enter", "esc", "v", "v")
		r.want(`"max_tokens": 9,`, `"max_tokens": 64,`, "InvokeModelWithResponseStream")
		r.press("v")
		r.want("are not known here", "of 512 that the model holds")
		r.press("S", "up", "right", "up", "enter") // the last button: as all models
		r.lacks("in its own way")
	})
}

// TestChatBranch: a question is changed and sent again in a branch; the answers'
// differences are marked; a request is taken along; sets are saved and taken.
func TestChatBranch(t *testing.T) {
	var w *uitest.World
	play(t, func() *uitest.World {
		w = uitest.Full()
		w.Sets = map[string][]string{"all three": {"base", "style-20260714-102210", "elsewhere"}}
		return w
	}, 120, 40, func(r *rig) {
		r.press("4")
		for _, q := range []string{"One?", "Two?", "Three?"} {
			r.write(q)
			r.press("enter")
		}
		r.want("> One?", "> Two?", "> Three?")
		r.press("esc", ":")
		r.write("resend 2")
		r.press("enter")
		r.want("> One?", "> Two?")
		r.lacks("> Three?")
		r.write(" And why?")
		r.press("enter")
		r.want("> One?", "> Two? And why?")
		r.press("esc", "d", "c")
		r.want("Copy the request as", "base  aws", "style-20260714-102210  boto3")
		r.press("enter")
		r.want("what asks base again (aws): copied")
		r.press("M")
		r.want("save these as", "all three")
		r.press("down", "enter")
		r.want("━━ elsewhere")
		r.press("esc", "M", "enter")
		r.write("mine")
		r.press("enter")
		r.want("are the set mine")
	})
}

// TestChatDiff: the words in which answers differ are marked.
func TestChatDiff(t *testing.T) {
	play(t, func() *uitest.World {
		w := uitest.Full()
		a := w.Answers["style-20260714-102210"]
		a.Text = "The Mossbank tent is sold in a dark brown."
		w.Answers["style-20260714-102210"] = a
		return w
	}, 120, 40, func(r *rig) {
		r.press("c", "enter", "esc")
		underlined := func() (words []string) {
			for _, line := range r.app.Frame()[6:20] {
				for _, part := range strings.Split(line, "\x1b[")[1:] {
					if code, text, ok := strings.Cut(part, "m"); ok && strings.HasPrefix(code, ";4;") {
						words = append(words, strings.TrimSpace(text))
					}
				}
			}
			return words
		}
		if got := underlined(); len(got) != 0 {
			t.Errorf("marked before it was asked for: %q", got)
		}
		r.press("d")
		got := strings.Join(underlined(), " ")
		for _, want := range []string{"a", "dark", "It", "months."} {
			if !strings.Contains(" "+got+" ", " "+want+" ") {
				t.Errorf("%q is not marked: %q", want, got)
			}
		}
		if strings.Contains(got, "Mossbank") || strings.Contains(got, "brown") {
			t.Errorf("marked: %q", got)
		}
	})
}

// TestChatTight: a prompt that leaves no room for the answer is said before it is
// sent.
func TestChatTight(t *testing.T) {
	play(t, uitest.Full, 160, 40, func(r *rig) {
		r.press("4")
		r.write(strings.Repeat("word ", 300))
		r.press("enter")
		r.want("base holds 512 tokens: the prompt has about", "n begins anew")
	})
}

// TestChatBlind: names are hidden until the vote, which goes to the model that
// stood there.
func TestChatBlind(t *testing.T) {
	var w *uitest.World
	play(t, func() *uitest.World {
		w = uitest.Full()
		w.Voters = []chat.Voter{{Votes: 11, Models: []chat.Rated{{Model: "base", Rating: 1040, Low: 980, High: 1100, Votes: 11, Wins: 7, Losses: 3, Ties: 1}}}}
		w.Opinion = evaluation.Opinion{Outcome: chat.Second}
		return w
	}, 120, 40, func(r *rig) {
		r.press("4", "esc", "<")
		r.want("nothing was asked yet")
		r.press("J")
		r.write("base")
		r.press("enter")
		r.want("base judges after each of your votes, never before")
		r.press("B", "i")
		r.write("Which colour?")
		r.press("enter")
		r.want("━━ A ─", "━━ B ─", "34 tokens")
		r.lacks("━━ base")
		r.lacks("style-2026")
		r.press("esc")
		r.press(">")
		want := "vote 0 style-20260714-102210 base: second"
		left := false
		if left = !strings.Contains(strings.Join(w.Done(), "\n"), want); left {
			want = "vote 0 base style-20260714-102210: second"
		}
		if !strings.Contains(strings.Join(w.Done(), "\n"), want) {
			t.Errorf("%q was not kept: %q", want, w.Done())
		}
		if left {
			r.want("style-20260714-102210 is better; left was base")
		} else {
			r.want("base is better; left was style-20260714-102210")
		}
		r.want("better", "worse", "━━ base")
		r.want("the judge base says", "is better, as you do")
		if done := strings.Join(w.Done(), "\n"); strings.Index(done, "ask the judge") < strings.Index(done, "vote 0") || !strings.Contains(done, "base votes 0 ") {
			t.Errorf("%s", done)
		}
		r.press("R")
		r.want("━ Votes ─", "1040", "980 to 1100", "people")
	})
}
