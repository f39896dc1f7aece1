package evaluation

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"tunebench/backend/chat"
	"tunebench/backend/chat/chattest"
)

// ready waits until a pair has both answers.
func ready(t testing.TB, v *Voting, place int) Pair {
	t.Helper()
	late := time.After(20 * time.Second)
	for {
		p, err := v.Pair(t.Context(), place)
		if err != nil {
			t.Fatal(err)
		}
		if p.Ready {
			return p
		}
		select {
		case <-v.Changed():
		case <-late:
			t.Fatalf("place %d has no answers", place)
		}
	}
}

// shortest votes for the answer without a full stop: that of the tuned model.
func shortest(p Pair) chat.Outcome {
	if strings.HasSuffix(p.Left.Output, ".") {
		return chat.Second
	}
	return chat.First
}

// TestRound: rows are asked as far as somebody reads and no further, which model
// stands left changes, a round that was left goes on where it was without asking
// anything again, and a row without an answer is passed by.
func TestRound(t *testing.T) {
	broken := false
	f := newFixture(t, func(w http.ResponseWriter, r *http.Request, c chattest.Call) {
		if broken && strings.Contains(c.Prompt, "number 7[") {
			chattest.Fail(w, 400, "ValidationException", "too long")
			return
		}
		say(w, r, c)
	})
	data := writeDataset(t, 100)
	spec := RoundSpec{Dataset: data, A: "base", B: "tuned", Rows: 40, Seed: 5}
	v, err := f.StartRound(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	first := ready(t, v, 0)
	calls := func() int { return len(f.server.Calls()) }
	time.Sleep(50 * time.Millisecond) // more must not come, however long one waits
	if n := calls(); n > 2*(1+ahead) || first.Reference == "" || first.Voted != "" || v.Round().Rows != 40 {
		t.Fatalf("%d requests for the first row, %+v", n, first)
	}
	if err := v.Vote(t.Context(), 30, chat.First); err == nil {
		t.Error("a vote was taken before the answers were there")
	}
	left := map[string]int{}
	var rows []int64
	for place := range 12 {
		p := ready(t, v, place)
		rows = append(rows, p.Row)
		left[p.Left.Model]++
		if p.Left.Model == p.Right.Model || p.Left.Output == "" {
			t.Fatalf("%+v", p)
		}
		if err := v.Vote(t.Context(), place, shortest(p)); err != nil {
			t.Fatal(err)
		}
	}
	if left["base"] < 2 || left["tuned"] < 2 || len(left) != 2 {
		t.Errorf("left stood %v", left)
	}
	if err := v.Vote(t.Context(), 11, chat.BothBad); err != nil { // thought better of
		t.Fatal(err)
	}
	if r := v.Round(); r.Voted != 12 || r.Bad != 1 || r.WinsB+r.WinsA != 11 || r.Done() || v.Next(0) != 12 {
		t.Errorf("%+v, next %d", r, v.Next(0))
	}
	if n := calls(); n > 2*(12+ahead) {
		t.Errorf("%d requests for 12 rows", n)
	}
	// A round that is left is gone on with at once, also while it still ends.
	v.Close()
	same, err := f.ResumeRound(t.Context(), v.Round().ID)
	if err != nil {
		t.Fatal(err)
	}
	same.Close()
	<-same.Done()

	f.reopen(t)
	broken = true
	list, err := f.Rounds(t.Context())
	if err != nil || len(list) != 1 || list[0].Voted != 12 {
		t.Fatalf("%+v, %v", list, err)
	}
	before := calls()
	v, err = f.ResumeRound(t.Context(), list[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	if p, err := v.Pair(t.Context(), 11); err != nil || p.Voted != chat.BothBad || p.Row != rows[11] {
		t.Errorf("%+v, %v", p, err)
	}
	for place := v.Next(0); place >= 0; place = v.Next(place) {
		p := ready(t, v, place)
		if p.Broken != "" {
			if err := v.Vote(t.Context(), place, chat.First); err == nil {
				t.Error("a vote was taken on no answer")
			}
			continue
		}
		if err := v.Vote(t.Context(), place, shortest(p)); err != nil {
			t.Fatal(err)
		}
	}
	<-v.Done()
	r := v.Round()
	if !r.Done() || r.Voted+r.Broken != 40 || r.Bad != 1 || r.WinsB+r.WinsA != r.Voted-1 {
		t.Errorf("%+v", r)
	}
	if n := calls(); n > 80 || before+2*(40-12) < n {
		t.Errorf("%d requests for 80 answers, %d before", n, before)
	}
	voters, err := f.cfg.Chat.Voters(t.Context(), "base")
	if err != nil || len(voters) != 1 || voters[0].Votes != r.Voted || voters[0].Models[0].Model != "tuned" {
		t.Errorf("%+v, %v", voters, err)
	}

	// The same seed gives the same rows in the same order.
	again, err := f.StartRound(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	for place := range 12 {
		if p := ready(t, again, place); p.Row != rows[place] {
			t.Errorf("place %d is row %d, not %d", place, p.Row, rows[place])
		}
	}
	again.Close()
	<-again.Done()
}

// TestRoundOverRun: votes over what a run has answered ask nothing, a judge is
// heard after the vote only, and its agreement is counted.
func TestRoundOverRun(t *testing.T) {
	f := newFixture(t, func(w http.ResponseWriter, r *http.Request, c chattest.Call) {
		if c.Model != judgeID {
			say(w, r, c)
			return
		}
		if _, rest, _ := strings.Cut(c.Prompt, "Answer 1:\n"); strings.HasPrefix(rest, "The answer") {
			chattest.Say(w, c, "2")
			return
		}
		chattest.Say(w, c, "1")
	})
	f.server.Foundation = append(f.server.Foundation, judgeID)
	l, err := f.Start(t.Context(), Spec{Dataset: writeDataset(t, 30), Models: []string{"base", "tuned"}})
	if err != nil {
		t.Fatal(err)
	}
	run, err := finish(t, l)
	if err != nil {
		t.Fatal(err)
	}
	calls := len(f.server.Calls())
	v, err := f.StartRound(t.Context(), RoundSpec{Run: run.ID, Rows: 10, Seed: 2})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Judge(t.Context(), judgeID, 0); err == nil || !strings.Contains(err.Error(), "after the vote") {
		t.Errorf("a judge was heard before the vote: %v", err)
	}
	for place := range 10 {
		p := ready(t, v, place)
		if err := v.Vote(t.Context(), place, shortest(p)); err != nil {
			t.Fatal(err)
		}
		o, err := v.Judge(t.Context(), judgeID, place)
		if err != nil || o.Outcome != shortest(p) || o.Swayed {
			t.Fatalf("%+v, %v", o, err)
		}
	}
	if n := len(f.server.Calls()); n != calls+20 {
		t.Errorf("%d requests beside the judge's 20", n-calls-20)
	}
	all, err := v.Agreements(t.Context())
	if a := all[judgeID]; err != nil || a == nil || a.N != 10 || a.Same != 10 || a.Kappa != nil {
		t.Errorf("%+v, %v", all, err)
	}
	// The votes are in what is written for others.
	for format, wants := range map[string][]string{
		"md":   {"| people | tuned | 10 | 0 | 0 | 1.000 (0.722 to 1.000) | 0.002 | real |", "the judge " + judgeID + " agrees with people on 10 of 10 pairs: 1.000"},
		"html": {"<td>people</td><td>tuned</td><td class=\"n\">10</td>", "agrees with people on 10 of 10 pairs"},
	} {
		var b strings.Builder
		if err := f.Export(t.Context(), run.ID, format, false, &b); err != nil {
			t.Fatal(err)
		}
		for _, want := range wants {
			if !strings.Contains(b.String(), want) {
				t.Errorf("%s lacks %q:\n%s", format, want, b.String())
			}
		}
	}
	p := ready(t, v, 0)
	if list, err := f.cfg.Chat.RowVotes(t.Context(), run.ID, p.Row); err != nil || len(list) != 2 || list[0].Judge != "" || list[0].Outcome != chat.Second || list[1].Judge != judgeID {
		t.Errorf("%+v, %v", list, err)
	}
	if r := v.Round(); !r.Done() || r.WinsB != 10 || r.Share != 1 || r.PValue > 0.01 || v.Next(0) != -1 {
		t.Errorf("%+v", r)
	}
	if _, err := f.StartRound(t.Context(), RoundSpec{Run: run.ID, A: "base", B: "base"}); err == nil {
		t.Error("a round of one model was begun")
	}
}

// TestRoundPrompts: a list of prompts without answers will do, as text or as JSON
// Lines.
func TestRoundPrompts(t *testing.T) {
	f := newFixture(t, say)
	for name, line := range map[string]string{"prompts.txt": "What is number %d\n\n", "prompts.jsonl": `{"prompt":"What is number %d"}` + "\n"} {
		var text strings.Builder
		for i := range 20 {
			fmt.Fprintf(&text, line, i)
		}
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		v, err := f.StartRound(t.Context(), RoundSpec{Dataset: path, A: "base", B: "tuned", Rows: 5, Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for place := range 5 {
			p := ready(t, v, place)
			if p.Broken != "" || p.Reference != "" {
				t.Fatalf("%s: %+v", name, p)
			}
			seen[p.Question] = true
		}
		if len(seen) != 5 {
			t.Errorf("%s: %v", name, seen)
		}
		<-v.Done()
	}
	empty := filepath.Join(t.TempDir(), "empty.txt")
	if err := os.WriteFile(empty, []byte(" \n\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := f.StartRound(t.Context(), RoundSpec{Dataset: empty, A: "base", B: "tuned"}); err == nil {
		t.Error("a file without prompts was taken")
	}
}

// voteAll votes to the end of the only round, which it begins if there is none,
// and notes each vote in a file when it was said to be kept.
func voteAll(t *testing.T, s *Service, data, notes string) {
	var v *Voting
	list, err := s.Rounds(t.Context())
	switch {
	case err != nil:
		t.Fatal(err)
	case len(list) > 0:
		v, err = s.ResumeRound(t.Context(), list[0].ID)
	default:
		v, err = s.StartRound(t.Context(), RoundSpec{Dataset: data, A: "base", B: "tuned", Rows: 60, Seed: 9})
	}
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(notes, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for place := v.Next(0); place >= 0; place = v.Next(place) {
		p := ready(t, v, place)
		if err := v.Vote(t.Context(), place, shortest(p)); err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Fprintf(f, "%d\n", p.Row); err != nil {
			t.Fatal(err)
		}
	}
	<-v.Done()
}

// TestKillVotes kills the process in which somebody votes five times: every vote
// that was taken is there, none is asked for twice, and no row is asked again.
func TestKillVotes(t *testing.T) {
	t.Setenv("EVALUATION_TEST_VOTES", "1")
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	k := &killServer{rng: rand.New(rand.NewPCG(seed, 2)), answered: map[string]int{}, kept: map[string]bool{}}
	f := newFixture(t, say)
	f.server.Answer = k.answer
	web := httptest.NewServer(f.server)
	defer web.Close()
	data, notes := writeDataset(t, 200), f.path+".voted"
	const kills = 5
	for n := range kills + 1 {
		due := k.arm(4 + rng.IntN(12))
		if _, err := startChild(t, f.path, data, web.URL, n < kills, due, time.Duration(rng.IntN(5000))*time.Microsecond); err != nil {
			t.Fatal(err)
		}
		noted := map[string]bool{}
		text, _ := os.ReadFile(notes) // none yet is none
		for _, row := range strings.Fields(string(text)) {
			if noted[row] {
				t.Errorf("row %s was to be voted on again", row)
			}
			noted[row] = true
		}
		list, err := f.Rounds(t.Context())
		if err != nil || len(list) > 1 || len(list) == 1 && list[0].Voted < len(noted) || len(list) == 0 && len(noted) > 0 {
			t.Fatalf("%d votes were taken: %+v, %v", len(noted), list, err)
		}
		k.mu.Lock()
		k.kept = f.kept(t)
		k.mu.Unlock()
	}
	list, err := f.Rounds(t.Context())
	if err != nil || !list[0].Done() || list[0].Voted != 60 || list[0].WinsB != 60 {
		t.Errorf("%+v, %v", list, err)
	}
	if len(k.again) > 0 {
		t.Errorf("asked again though on disk: %q", k.again)
	}
	runs, err := f.Runs(t.Context())
	if err != nil || len(runs) != 1 || runs[0].Status != Finished || !reflect.DeepEqual(runs[0].ScoreNames, []string{}) {
		t.Errorf("%+v, %v", runs, err)
	}
}
