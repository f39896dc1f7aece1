package tui_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"tunebench/backend/dataset"
	"tunebench/tui/uitest"
)

// TestSearch: hits are counted while they are typed, n and N go from one to the
// next and on from the other end, esc ends it.
func TestSearch(t *testing.T) {
	play(t, uitest.Full, 120, 40, func(r *rig) {
		r.press("/")
		r.write("mossbank")
		r.pass(time.Second)
		r.want("268 hits", "all columns")
		r.press("enter")
		r.want("/mossbank  268 hits", "row 2")
		r.press("n")
		r.want("row 10")
		r.press("N", "N", "N")
		r.want("searched on from the other end", "row 1,19")
		r.press("esc")
		r.lacks("hits")
		r.press("n")
		r.want("nothing was searched yet")

		// One column only, and a regular expression.
		r.press("/", "tab", "tab", "ctrl+r")
		r.want("in response, regular expression")
		r.write("^[0-9]+$")
		r.press("enter")
		r.want("row 5", "133 hits")
		r.press("/")
		r.write("(")
		r.press("enter")
		r.want("missing closing")
		r.press("esc")
		r.press("/", "ctrl+r")
		r.write("not in any row")
		r.press("enter")
		r.want(`no row contains "not in any row" in response`)
	})
}

// TestFilter: a filter makes a view of the same rows, on the same row; errors stand
// under the word; esc goes back to where one was.
func TestFilter(t *testing.T) {
	play(t, uitest.Full, 120, 40, func(r *rig) {
		r.press("down", "down", "down", "&")
		r.write("len(answre) > 3")
		r.press("enter")
		r.want("^^^^^^", "there is no column")
		for range len("len(answre) > 3") {
			r.press("backspace")
		}
		r.write("answer ~ mon")
		r.press("enter")
		r.want("shown answer ~ mon", "6 months")
		r.lacks("South America")
		r.want("row 11") // the first that is kept after row 4
		r.press("G")
		r.want("row 1,19")
		// A search inside of the view finds only what the view has.
		r.press("/")
		r.write("mossbank")
		r.press("enter")
		r.want("row 2")
		r.press("n")
		r.want("row 11")
		r.press("esc")
		r.want("row 11")
		r.lacks("shown")
		r.want("South America")
	})
}

// TestCompleteFilter: tab puts a suggestion in where the cursor is.
func TestCompleteFilter(t *testing.T) {
	play(t, uitest.Full, 120, 40, func(r *rig) {
		r.press("&")
		r.write("ans")
		r.want("answer")
		r.press("tab")
		r.write(" ~ months")
		r.press("enter")
		r.want("shown answer ~ months")
		r.press("&") // it is there to be changed
		r.want("& answer ~ months")
		for range len("answer ~ months") {
			r.press("backspace")
		}
		r.press("enter") // an empty filter shows all
		r.lacks("shown")
	})
}

// TestEmptyView: a filter that keeps nothing says so and is left with esc.
func TestEmptyView(t *testing.T) {
	play(t, uitest.Full, 80, 24, func(r *rig) {
		r.press("&")
		r.write("answer ~ zzz")
		r.press("enter")
		r.want("0 shown", "no row; esc shows all")
		r.press("enter")
		r.want("this view has no rows")
		r.press("esc")
		r.want("1,200 rows", "row 1")
	})
}

// TestProfile: rows that look wrong are one key away.
func TestProfile(t *testing.T) {
	world := func() *uitest.World {
		w := uitest.Full()
		w.Rows = slices.Clone(w.Rows)
		for _, i := range []int{7, 11} {
			w.Rows[i].Answer = ""
		}
		w.Rows[12].Answer = "As an AI language model, I cannot answer that."
		return w
	}
	play(t, world, 120, 40, func(r *rig) {
		r.press("s")
		r.want("Rows that look wrong", "empty answer", "refusal", "Sub-mixes", "flan", "tokens, estimated")
		r.press("down", "enter")
		r.want("1 shown rows that look wrong: refusal", "row 13")
		r.press("esc")
		r.want("row 13")
		r.press("s", "up", "enter")
		r.want("2 shown rows that look wrong: empty answer")
	})
	play(t, func() *uitest.World { w := world(); w.Slow = true; return w }, 80, 24, func(r *rig) {
		r.press("s")
		r.want("reading, ")
		r.press("esc")
		r.lacks("Rows that look wrong")
	})
}

// TestHostileSearch: what a file holds does not break the frame where it is marked.
func TestHostileSearch(t *testing.T) {
	play(t, func() *uitest.World {
		w := uitest.Full()
		w.Rows = slices.Clone(w.Rows)
		w.Rows[0].Fields = slices.Clone(w.Rows[0].Fields)
		for i := range w.Rows[0].Fields {
			w.Rows[0].Fields[i].Value = strings.Repeat("日本語 e\u0301 ", 40) + "needle" + strings.Repeat(" \U0001f469\u200d\U0001f467", 20)
		}
		return w
	}, 80, 24, func(r *rig) {
		r.press("/")
		r.write("needle")
		r.press("enter")
		r.want("needle")
		checkFrame(r.t, r.app.Frame(), 80, 24, false)
		r.press("enter")
		checkFrame(r.t, r.app.Frame(), 80, 24, false)
	})
}

// prompted is a world whose first row is known token by token, cut at a length.
func prompted(length int) func() *uitest.World {
	return func() *uitest.World {
		w := uitest.Full()
		tok := func(id int32, text string) dataset.PromptToken { return dataset.PromptToken{ID: id, Text: text} }
		sp := func(id int32, text string) dataset.PromptToken {
			return dataset.PromptToken{ID: id, Text: text, Special: true}
		}
		p := dataset.Prompt{Row: 1, Format: "mistral-v3", Tokens: []dataset.PromptToken{sp(1, "<s>"), sp(3, "[INST]"),
			tok(10930, " Help"), tok(1158, " as"), tok(2495, " much"), tok(1158, " as"), tok(1136, " you"), tok(1309, " can"), tok(29491, "."), tok(781, "\n"), tok(781, "\n"),
			tok(1425, "In"), tok(2592, " what"), tok(1501, " [INST"), tok(29561, "]"), sp(4, "[/INST]"), tok(10573, " brown"), tok(1072, " and"), tok(5813, " sky"), sp(2, "</s>")}}
		p.Length, p.AnswerStart, p.Kept = len(p.Tokens), 16, len(p.Tokens)
		for i := range p.Tokens {
			p.Tokens[i].Loss = i >= p.AnswerStart
		}
		if length > 0 {
			p.Kept, p.Verdict = length, dataset.PromptCut
		}
		w.Prompts = map[int64]dataset.Prompt{0: p}
		return w
	}
}

// TestPrompt: a row is shown as it is trained on, in text and in tokens, and what
// only looks like a special token is not shown as one.
func TestPrompt(t *testing.T) {
	play(t, prompted(0), 120, 40, func(r *rig) {
		r.want("as it is trained", "20 tokens, 4 learnt", "<s>[INST] Help as much", "In what [INST][/INST]", "▌  brown and sky</s>", "the loss is on this")
		r.press("i")
		r.want("▁Help", "10930", "29561", "▌ ▁brown ▁and ▁sky </s>", "▌ 10573")
		r.press("down", "enter")
		r.want("Not in tokens: no tokenizer is known. T takes one") // of the row below nothing is known
		r.press("T")
		r.write("/models/mistral")
		r.press("enter")
		if did := r.world.Done(); !slices.Contains(did, "tokenizer /models/mistral") {
			r.t.Errorf("the tokenizer was not taken: %q", did)
		}
		r.want("row 2 ") // the cursor is where it was
	})
	play(t, prompted(18), 80, 24, func(r *rig) {
		r.press("i")
		r.want("enter shows the row") // it is not in sight at this size
		r.press("enter", "G")
		r.want("the end of the answer is cut off", "▌  brown and", "╎", "cut off")
	})
}
