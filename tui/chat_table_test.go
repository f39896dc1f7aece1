package tui_test

import (
	"strings"
	"testing"

	"tunebench/backend/chat"
	"tunebench/backend/modelimport"
	"tunebench/tui/uitest"
)

// TestChatTable: every answer is a line with its figures; the table is sorted,
// leads back to the answer, and says what is not known.
func TestChatTable(t *testing.T) {
	play(t, func() *uitest.World {
		w := uitest.Full()
		w.Account.Bills, w.Account.Region = true, "us-east-1"
		w.Details = map[string]modelimport.Details{"style-20260714-102210": {Units: 2}}
		return w
	}, 160, 30, func(r *rig) {
		r.press("4", "esc", "T")
		r.want("nothing was asked yet")
		r.press("c", "1", "c", "enter")
		r.want("price unknown", "$0.57 for 5 min")
		for _, q := range []string{"Two?", "Three?"} {
			r.write(q)
			r.press("enter")
		}
		r.want("within 5 min")
		r.press("esc", ">", "T")
		r.want("Every answer of this session", "tokens/s", "3 of 3 finished", "1-0-0", "0-1-0", "$0.57", "better", "worse", "exact", "won-lost-neither")
		first := func() string {
			_, rest, _ := strings.Cut(r.text(), "tokens/s")
			return strings.Split(rest, "\n")[1]
		}
		if !strings.Contains(first(), " 1  In what color") {
			t.Errorf("as asked:\n%s", r.text())
		}
		r.press("g")
		r.want("no price of base is known; set one in prices.tokens of the configuration")
		r.press("j")
		r.want("five minutes of 2 custom model units for a copy")
		r.press("s", "s", "s", "s", "s")
		r.want("by cost")
		if !strings.Contains(first(), "$0.57") {
			t.Errorf("by cost:\n%s", r.text())
		}
		r.press("r")
		r.want("the other way round")
		if strings.Contains(first(), "$0.57") {
			t.Errorf("the other way round:\n%s", r.text())
		}
		r.press("G", "enter")
		r.want("> In what color", "enter write")
		r.press("T", "esc")
		r.want("enter write")
	})
}

// TestChatTableBlind: the table does not tell who is who before a vote.
func TestChatTableBlind(t *testing.T) {
	play(t, uitest.Full, 120, 30, func(r *rig) {
		r.press("c", "enter", "esc", "B", "T")
		r.want("names are hidden until a vote")
		r.lacks("Every answer")
		r.press("<", "T")
		r.want("Every answer of this session")
	})
}

// TestChatCode: a block of code is copied by itself, and chosen where there are
// several.
func TestChatCode(t *testing.T) {
	play(t, func() *uitest.World {
		w := uitest.Full()
		a := w.Answers["base"]
		a.Text = "No code."
		w.Answers["base"] = a
		b := w.Answers["style-20260714-102210"]
		b.Text = "So:\n```go\nfunc f() {\n}\n```\nDone."
		w.Answers["style-20260714-102210"] = b
		return w
	}, 120, 40, func(r *rig) {
		r.press("4")
		r.write("One?")
		r.press("enter", "esc", "Y")
		r.want("go code of style-20260714-102210, 2 lines: copied")
		b := r.world.Answers["base"]
		b.Text = "~~~sh\nls\n~~~\n\n```\ndf\n```\n"
		r.world.Answers["base"] = b
		r.press("a", "Y")
		r.want("Copy a block of code", "ls", "base, question 2, 1 line sh", "func f() { }", "question 1, 2 lines go")
		r.write("question 1,")
		r.press("enter")
		r.want("go code of style-20260714-102210, 2 lines: copied")
		r.press("n", "i")
		r.world.Answers["base"] = chat.AnswerState{Phase: chat.Finished, Text: "none"}
		r.world.Answers["style-20260714-102210"] = chat.AnswerState{Phase: chat.Finished, Text: "none"}
		r.write("Again?")
		r.press("enter", "esc", "Y")
		r.want("there is no block of code in these answers")
	})
}

// TestChatOpened: a session that is opened goes on as it was held: settings of all
// and of one, system prompt, earlier turns, votes.
func TestChatOpened(t *testing.T) {
	play(t, func() *uitest.World {
		w := uitest.Full()
		all := chat.Settings{MaxTokens: 33, Temperature: 0.25, TopP: 1}
		own := all
		own.MaxTokens = 7
		w.Talks = []chat.Conversation{{ID: 3, Title: "One?", Models: []string{"base", "style-20260714-102210"},
			Set: chat.Manner{Settings: all, System: "Be kind.", Talk: true, Own: map[string]chat.Own{"base": {System: "Be rude.", Settings: own}}}}}
		w.TalkTurns = []chat.Turn{{Position: 0, Role: "system", Content: "Be kind."}, {Position: 0, Role: "user", Content: "One?"},
			{Position: 1, Role: "assistant", Model: "base", Content: "1", Phase: chat.Finished}, {Position: 1, Role: "assistant", Model: "style-20260714-102210", Content: "2", Phase: chat.Finished}}
		w.Voted = map[int][]chat.Voted{0: {{Models: []string{"base", "style-20260714-102210"}, Winner: "style-20260714-102210"}}}
		return w
	}, 140, 40, func(r *rig) {
		r.press("4", "esc", "o", "enter")
		r.want("> One?", "worse", "better", "temperature 0.25", "up to 33 tokens", "base in its own way", "with the earlier turns", "system: Be kind.")
		r.press("i")
		r.write("Two?")
		r.press("enter", "esc", "v", "v")
		r.want(`"max_tokens": 7,`, `"max_tokens": 33,`)
		r.press("S", "up", "right")
		r.want("Be rude.")
	})
}

// TestChatForget: sessions and sets of models are deleted after a question.
func TestChatForget(t *testing.T) {
	play(t, func() *uitest.World {
		w := uitest.Full()
		w.Sets = map[string][]string{"pair": {"base", "elsewhere"}}
		w.Talks = []chat.Conversation{{ID: 3, Title: "One?", Models: []string{"base"}}}
		return w
	}, 120, 30, func(r *rig) {
		r.press("4", "esc", "M", "down", "ctrl+x")
		r.want("Delete the set?", "pair: base, elsewhere")
		r.press("y")
		r.want("deleted the set pair")
		r.press("o", "ctrl+x")
		r.want("Delete the session?", "One?")
		r.press("n", "o", "ctrl+x", "y")
		r.want("deleted the session")
		if did := strings.Join(r.world.Done(), "\n"); !strings.Contains(did, "set pair \n") && !strings.HasSuffix(did, "set pair ") || !strings.Contains(did, "delete session 3") {
			t.Errorf("%q", did)
		}
		// One answer is copied out of the table, and its request taken along.
		r.press("esc", "i")
		r.write("One?")
		r.press("enter", "esc", "T", "g", "y")
		r.want("the answer of base: copied")
		r.press("c")
		r.want("Copy the request as", "base  boto3")
		r.lacks("style-20260714-102210  boto3")
	})
}
