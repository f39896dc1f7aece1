package evaluation

import (
	"net/http"
	"reflect"
	"strings"
	"testing"

	"tunebench/backend/chat"
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
	if again, err := f.Judge(t.Context(), JudgeSpec{Run: run.ID, Judge: judgeID}, nil); err != nil || !reflect.DeepEqual(again, j) {
		t.Errorf("again %+v, %v", again, err)
	}
	if n := len(f.server.Calls()); n != calls || calls != 400 {
		t.Errorf("%d calls, then %d", calls, n)
	}

	// People voted on ten of the rows, and on nine of them as the judge did.
	talk := f.cfg.Chat
	for row := range int64(10) {
		o := chat.First // "tuned" stood first
		if row == 3 {
			o = chat.Tie
		} else if row%10 == 0 {
			o = chat.Second
		}
		if err := talk.Cast(t.Context(), chat.Ballot{Run: run.ID, Row: row, First: "tuned", Second: "base", Outcome: o}); err != nil {
			t.Fatal(err)
		}
	}
	j, err = f.Judge(t.Context(), JudgeSpec{Run: run.ID, Judge: judgeID, Limit: 20}, nil)
	if err != nil || j.People == nil || j.People.N != 10 || j.People.Same != 9 || j.People.Kappa == nil {
		t.Fatalf("with people's votes: %+v, %v", j, err)
	}
	voters, err := talk.Voters(t.Context(), "base")
	if err != nil || len(voters) != 2 || voters[0].Votes != 10 || voters[1].Judge != judgeID || voters[1].Votes != 100 || voters[1].People.Same != 9 {
		t.Fatalf("%+v, %v", voters, err)
	}
	if best := voters[1].Models[0]; best.Model != "tuned" || best.Against == nil || best.Against.Wins != 90 || best.Against.Losses != 10 || best.Against.Share != 0.9 {
		t.Errorf("%+v", best)
	}

	// Another prompt is asked anew, and its votes stand beside the others.
	if err := f.SetJudgePrompt(t.Context(), "Only {question} and {answer_1}"); err == nil {
		t.Error("a prompt without the second answer was taken")
	}
	if err := f.SetJudgePrompt(t.Context(), strings.Replace(JudgePrompt, "Two answers", "Now two answers", 1)); err != nil {
		t.Fatal(err)
	}
	j, err = f.Judge(t.Context(), JudgeSpec{Run: run.ID, Judge: judgeID, Limit: 20}, nil)
	if err != nil || j.Form == "" || j.WinsB != 18 || len(f.server.Calls()) != calls+40 {
		t.Errorf("with another prompt: %+v, %v", j, err)
	}
	if voters, err := talk.Voters(t.Context(), ""); err != nil || len(voters) != 3 || voters[1].Votes != 100 || voters[2].Votes != 20 || voters[2].Form != j.Form {
		t.Errorf("%+v, %v", voters, err)
	}
	if err := f.SetJudgePrompt(t.Context(), ""); err != nil {
		t.Fatal(err)
	}

	// What is no verdict is told and does not count.
	f.server.Answer = func(w http.ResponseWriter, _ *http.Request, c chattest.Call) {
		chattest.Say(w, c, "Both have\x1b[2J their merits.")
	}
	o, err := f.AskJudge(t.Context(), AskJudge{Judge: "other." + judgeID, Question: "q", First: "x", Second: "y"})
	if err != nil || o.Outcome != "" || o.Unread != "Both have their merits." {
		t.Errorf("%+v, %v", o, err)
	}
	j, err = f.Judge(t.Context(), JudgeSpec{Run: run.ID, Judge: "other." + judgeID, Limit: 2}, nil)
	if err != nil || j.Unclear != 2 || len(j.Unread) != 1 || j.WinsA+j.WinsB+j.Ties+j.Swayed != 0 {
		t.Errorf("%+v, %v", j, err)
	}
	f.server.Answer = func(w http.ResponseWriter, _ *http.Request, _ chattest.Call) {
		chattest.Fail(w, 400, "ValidationException", "this judge is on holiday")
	}
	f.server.Foundation = append(f.server.Foundation, "absent."+judgeID)
	j, err = f.Judge(t.Context(), JudgeSpec{Run: run.ID, Judge: "absent." + judgeID, Limit: 4}, nil)
	if err != nil || j.Failed != 4 || len(j.Errors) != 1 || !strings.Contains(j.Errors[0], "on holiday") {
		t.Errorf("a judge that cannot be asked: %+v, %v", j, err)
	}
	if voters, err := talk.Voters(t.Context(), ""); err != nil || len(voters) != 3 {
		t.Errorf("a vote was made of no verdict: %+v, %v", voters, err)
	}
	f.server.Foundation = append(f.server.Foundation, "swayed."+judgeID)
	f.server.Answer = func(w http.ResponseWriter, _ *http.Request, c chattest.Call) { chattest.Say(w, c, "1") }
	j, err = f.Judge(t.Context(), JudgeSpec{Run: run.ID, Judge: "swayed." + judgeID, Limit: 50}, nil)
	if err != nil || j.Rows != 50 || j.Swayed != 50 || j.First != 1 || j.PValue != 1 {
		t.Errorf("a judge that is swayed: %+v, %v", j, err)
	}
	if _, err := f.Judge(t.Context(), JudgeSpec{Run: run.ID, Judge: judgeID, A: "base", B: "base"}, nil); err == nil {
		t.Error("one model was judged against itself")
	}
}

// TestVerdict: only a reply that is a verdict is one.
func TestVerdict(t *testing.T) {
	for text, want := range map[string]int{"1": 1, "2.": 2, "Tie": 0, " **Answer 2** ": 2, "Verdict: 1": 1, "The first is right.\n\n**Verdict: 1**": 1, "a\nverdict: tie.\n": 0} {
		if got, err := verdict(text); got != want || err != nil {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "12", "I think 1", "Answer 2 is better", "2 is better", "1 or 2", "neither", "first", "1\n2", "verdict: 1 or 2", "Verdict: 1\nBut 2 is good"} {
		if got, err := verdict(text); err == nil {
			t.Errorf("%q was read as %d", text, got)
		}
	}
	text := judgeText("Q {question} R {reference} A {answer_1} B {answer_2}", "{answer_1}", "", "{answer_2}", "y")
	if text != "Q {answer_1} R "+noReference+" A {answer_2} B y" {
		t.Error(text)
	}
}
