package evaluation

import (
	"net/http"
	"strings"
	"testing"

	"tunebench/backend/chat/chattest"
)

const judgeID = "judge.model-v1:0"

// TestJudge: a judge that prefers the answer without a full stop decides every
// row on which the answers differ; one that always says 1 decides none, and its
// taste for the first place is seen.
func TestJudge(t *testing.T) {
	var reply func(first, second string) string
	f := newFixture(t, func(w http.ResponseWriter, r *http.Request, c chattest.Call) {
		if c.Model != judgeID {
			say(w, r, c)
			return
		}
		_, rest, _ := strings.Cut(c.Prompt, "Answer 1:\n")
		first, rest, _ := strings.Cut(rest, "\n\nAnswer 2:\n")
		second, _, _ := strings.Cut(rest, "\n\nReply with")
		chattest.Say(w, c, reply(first, second))
	})
	f.server.Foundation = append(f.server.Foundation, judgeID, "other."+judgeID)
	l, err := f.Start(t.Context(), Spec{Dataset: writeDataset(t, 100), Models: []string{"base", "tuned"}})
	if err != nil {
		t.Fatal(err)
	}
	run, err := finish(t, l)
	if err != nil {
		t.Fatal(err)
	}
	// The base says "The answer is wordN.", the tuned one "wordN", or "wrong" for
	// every tenth: there this judge prefers the base.
	reply = func(first, second string) string {
		for i, text := range []string{first, second} {
			if strings.HasPrefix(text, "word") {
				return []string{"1", "**2**."}[i]
			}
		}
		if strings.HasSuffix(first, ".") {
			return " Answer 1 "
		}
		return "2"
	}
	last := 0
	j, err := f.Judge(t.Context(), JudgeSpec{Run: run.ID, Judge: judgeID}, func(done, total int) { last = done * 1000 / total })
	if err != nil {
		t.Fatal(err)
	}
	if j.Rows != 100 || j.WinsB != 90 || j.WinsA != 10 || j.Ties+j.Swayed+j.Unclear+j.Failed != 0 || j.First != 0.5 || j.Share != 0.9 || j.PValue > 1e-10 || j.Exact != 90 || j.Known != 90 || last != 1000 {
		t.Errorf("%+v, progress %d", j, last)
	}
	calls := len(f.server.Calls())
	if again, err := f.Judge(t.Context(), JudgeSpec{Run: run.ID, Judge: judgeID}, nil); err != nil || again != j {
		t.Errorf("again %+v, %v", again, err)
	}
	if n := len(f.server.Calls()); n != calls || calls != 400 {
		t.Errorf("%d calls, then %d", calls, n)
	}

	f.server.Answer = func(w http.ResponseWriter, _ *http.Request, c chattest.Call) { chattest.Say(w, c, "1") }
	j, err = f.Judge(t.Context(), JudgeSpec{Run: run.ID, Judge: "other." + judgeID, Limit: 50}, nil)
	if err != nil || j.Rows != 50 || j.Swayed != 50 || j.First != 1 || j.PValue != 1 {
		t.Errorf("a judge that is swayed: %+v, %v", j, err)
	}
	for text, want := range map[string]int{"1": 1, "2.": 2, "Tie": 0, "Answer 2 is better": 2, "I think 1": -1, "": -1, "12": -1} {
		if got := verdict(text); got != want {
			t.Errorf("%q: %d", text, got)
		}
	}
	if _, err := f.Judge(t.Context(), JudgeSpec{Run: run.ID, Judge: judgeID, A: "base", B: "base"}, nil); err == nil {
		t.Error("one model was judged against itself")
	}
}
