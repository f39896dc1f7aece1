package tui_test

import (
	"strings"
	"testing"
	"time"

	"tunebench/backend/chat"
	"tunebench/backend/evaluation"
	"tunebench/tui/uitest"
)

const tunedRef = "style-20260714-102210"

// votingWorld is the full world with a round of votes whose answers are there
// as far as ready says.
func votingWorld(ready int) *uitest.World {
	w := uitest.Full()
	var pairs []evaluation.Pair
	for i := range 6 {
		row := w.Rows[i]
		base := evaluation.Record{Row: row.Index, Model: "base", Output: "The answer that you are looking for is **" + row.Answer + "**."}
		tuned := evaluation.Record{Row: row.Index, Model: tunedRef, Output: row.Answer}
		p := evaluation.Pair{Row: row.Index, System: row.System, Question: row.Question, Reference: row.Answer, Left: tuned, Right: base, Ready: i < ready}
		if i%2 == 1 {
			p.Left, p.Right = base, tuned
		}
		pairs = append(pairs, p)
	}
	w.Voting = uitest.NewVoting(w, evaluation.Round{ID: "20260714-120000-ab12", Run: "7", Dataset: "sample:heldout.jsonl", A: "base", B: tunedRef, Seed: 1,
		Interval: evaluation.Interval{Low: 0.34, High: 1}, PValue: 0.5}, pairs)
	w.RoundList = []evaluation.Round{{ID: "20260713-120000-cd34", Run: "6", Dataset: "/data/prompts.txt", A: "base", B: tunedRef, Rows: 40, Voted: 12, Created: uitest.Noon.Add(-26 * time.Hour)}}
	kappa := 0.58
	w.Voting.Agree = map[string]*chat.Agreement{"other.judge-v1": {N: 5, Same: 4, Share: 0.8, Interval: chat.Interval{Low: 0.376, High: 0.964}, Kappa: &kappa}}
	w.Opinion = evaluation.Opinion{Outcome: chat.First}
	w.Models = append(w.Models, chat.Model{Ref: "other.judge-v1", ID: "other.judge-v1", Kind: chat.Foundation, Converse: true})
	return w
}

// judged is a world in which people and two judges have voted.
func judged() *uitest.World {
	w := votingWorld(6)
	kappa := 0.61
	w.Voters = []chat.Voter{
		{Votes: 54, Models: []chat.Rated{
			{Model: tunedRef, Rating: 1071, Low: 1012, High: 1130, Votes: 52, Wins: 30, Losses: 12, Ties: 10, Bad: 2,
				Against: &chat.Against{Baseline: "base", Wins: 30, Losses: 12, Ties: 10, Share: 30. / 42, Interval: chat.Interval{Low: 0.564, High: 0.829}, PValue: 0.008}},
			{Model: "base", Rating: 929, Low: 870, High: 988, Votes: 52, Wins: 12, Losses: 30, Ties: 10, Bad: 2},
			{Model: "older", Rating: 1120, Low: 640, High: 1600, Votes: 2, Wins: 2, Group: 1},
			{Model: "oldest", Rating: 880, Low: 400, High: 1360, Votes: 2, Losses: 2, Group: 1}}},
		{Judge: "other.judge-v1", Votes: 200, Swayed: 14, People: &chat.Agreement{N: 40, Same: 31, Share: 0.775, Interval: chat.Interval{Low: 0.625, High: 0.877}, Kappa: &kappa},
			Models: []chat.Rated{
				{Model: tunedRef, Rating: 1102, Low: 1070, High: 1134, Votes: 200, Wins: 128, Losses: 40, Ties: 32,
					Against: &chat.Against{Baseline: "base", Wins: 128, Losses: 40, Ties: 32, Share: 128. / 168, Interval: chat.Interval{Low: 0.692, High: 0.82}, PValue: 4e-12}},
				{Model: "base", Rating: 898, Low: 866, High: 930, Votes: 200, Wins: 40, Losses: 128, Ties: 32}}},
	}
	return w
}

// TestChatRound: a round of votes from the form to its end. Names are hidden, the
// judge is asked after the vote, a vote can be taken back, and what comes next is
// waited for in sight.
func TestChatRound(t *testing.T) {
	var w *uitest.World
	play(t, func() *uitest.World { w = votingWorld(2); return w }, 120, 40, func(r *rig) {
		r.press("4")
		r.write("kept?")
		r.press("enter", "esc", "V")
		r.want("Rounds of votes", "go on: 12 of 40   prompts.txt")
		r.press("enter") // the new one
		r.want("New round of votes", "sample:heldout.jsonl", "base, "+tunedRef)
		r.press("up", "left", "ctrl+s")
		asked := strings.Join(w.Done(), "\n")
		if !strings.Contains(asked, "round sample:heldout.jsonl base "+tunedRef+", 20 rows, seed 1") {
			t.Fatal(asked)
		}
		r.want("━━ A ─", "━━ B ─", "1 of 6", "Which is better?", "In what color is the Mossbank", "reference brown", "judge other.judge-v1")
		r.lacks(tunedRef)
		r.lacks("tokens")
		r.press("u")
		r.want("there is no vote before to take back")
		r.pass(10 * time.Second)
		r.press("<")
		r.want("2 of 6", "before: you said left is better", "judge says left is better, as you do")
		r.lacks(tunedRef)
		r.press("u")
		r.want("1 of 6", "In what color")
		r.press(".")
		r.want("before: you said right is better", "judge says left is better, other than you")
		r.press("=")
		r.want("3 of 6", "the answers are on their way; they appear together", "On which continent")
		r.press("<")
		r.want("the answers are not there yet")
		w.Voting.Asked = []evaluation.Progress{{Model: "base", WakingSince: uitest.Noon.Add(-70 * time.Second)}}
		r.pass(time.Second)
		w.Voting.Arrive(2)
		r.pass(time.Second)
		r.want("━━ A ─", "South America")
		r.press("!", "esc")
		r.want("the round is kept at 3 of 6; V goes on with it", "> kept?")
		if done := strings.Join(w.Done(), "\n"); strings.Count(done, "other.judge-v1 judges") != 4 || !strings.Contains(done, "vote on 0: second\nother.judge-v1 judges 0\n") {
			t.Error(done)
		}

		for i := 3; i < 6; i++ {
			w.Voting.Pairs[i].Ready = true
		}
		w.Voting.Pairs[4].Left.Err, w.Voting.Pairs[4].Broken = "base: too long", "base: too long"
		r.press("V", "down", "enter", ">")
		r.pass(10 * time.Second)
		r.want("row 5 was passed by: a model: too long", "5 of 5")
		r.lacks("base:")
		r.press("<")
		r.want("5 rows voted on; 1 had no answer", tunedRef, "a tie", "both bad", "too few votes to be sure", "the judge other.judge-v1 agrees with people on 4 of 5 pairs: 80.0", "kappa 0.58")
		r.press("esc")
		r.want("> kept?")
	})
}

// TestScoreVotes: votes stand on the board, a judge is asked from there, and the
// answers of a run are voted on without asking anybody.
func TestScoreVotes(t *testing.T) {
	var w *uitest.World
	play(t, func() *uitest.World { w = judged(); return w }, 140, 50, func(r *rig) {
		r.press("5")
		r.want("votes, everywhere in this account", "people", "judge other.judge-v1", "71.4 % (56.4 % to 82.9 %)", "agrees with people on 31 of 40 pairs: 77.5", "kappa 0.61; 14 ties because the order decided")
		r.lacks("older")
		r.press("V")
		r.want("━ Votes ─", "never compared with those above", "older")
		w.Judgement = evaluation.Judgement{Judge: "other.judge-v1", A: "base", B: tunedRef, Rows: 202, Run: "7", WinsA: 40, WinsB: 128, Ties: 18, Swayed: 14, Unclear: 2, Unread: []string{"Both are fine"}}
		r.press("esc", "J")
		r.write("other")
		r.press("enter")
		r.want("other.judge-v1 has judged 202 rows of run 7: base is better on 40, "+tunedRef+" on 128, 32 are ties (14 by the order alone);", "2 without a verdict do not count, such as \"Both are fine\"")
		w.Ballots = []chat.Ballot{{First: "base", Second: tunedRef, Outcome: chat.Second}, {First: "base", Second: tunedRef, Outcome: chat.Tie, Judge: "other.judge-v1", Swayed: true}}
		r.press("esc", "enter", "enter")
		r.want("votes", "people: "+tunedRef+" is better; judge other.judge-v1: a tie, since the order decided")
		r.press("esc", "esc", "B")
		r.want("Which is better?", "1 of 6")
		if done := strings.Join(w.Done(), "\n"); !strings.Contains(done, "judge "+w.RunList[0].ID+" by other.judge-v1: base, "+tunedRef) || !strings.Contains(done, "round "+w.RunList[0].ID+" base "+tunedRef+", 0 rows, seed 1") {
			t.Error(done)
		}
	})
	play(t, uitest.Full, 120, 40, func(r *rig) {
		r.press("V")
		r.want("New round of votes", "openorca-sample.jsonl")
		r.press("esc", "esc", "5")
		r.lacks("votes,")
		r.press("V")
		r.want("Nobody has voted yet")
		r.press("V")
		r.want("New round of votes")
	})
}

// TestRoundBills: what a round costs is said before it begins, where anything costs.
func TestRoundBills(t *testing.T) {
	var w *uitest.World
	play(t, func() *uitest.World { w = votingWorld(6); w.Account.Bills = true; return w }, 100, 30, func(r *rig) {
		r.press("4", "esc", "V", "enter", "up", "left", "ctrl+s")
		r.want("Start a round that costs money?", "heldout.jsonl, 20 rows", "other.judge-v1, asked twice for each vote")
		r.press("n")
		if done := strings.Join(w.Done(), "\n"); strings.Contains(done, "round ") {
			t.Error(done)
		}
		r.press("ctrl+s", "y")
		r.want("1 of 6")
		r.press("esc", "5", "J")
		r.write("other")
		r.press("enter")
		r.want("Ask a judge, which costs money?", "up to 400")
		r.press("n")
		if done := strings.Join(w.Done(), "\n"); strings.Contains(done, "judge "+w.RunList[0].ID) {
			t.Error(done)
		}
	})
}

// TestScoreJudgeAtEnd: a run that names a judge is judged when it has finished.
func TestScoreJudgeAtEnd(t *testing.T) {
	var w *uitest.World
	play(t, func() *uitest.World {
		w = judged()
		run := w.RunList[0]
		run.ID, run.Spec.Judge = "9", "other.judge-v1"
		w.Live = uitest.NewLive(run)
		w.Judgement = evaluation.Judgement{Judge: "other.judge-v1", Run: "9", A: "base", B: tunedRef, Rows: 200, WinsB: 200}
		return w
	}, 140, 50, func(r *rig) {
		r.press("5", "n", "ctrl+s")
		r.pass(time.Second)
		w.Live.End()
		r.pass(time.Second)
		r.want("other.judge-v1 has judged 200 rows of run 9: base is better on 0, " + tunedRef + " on 200, 0 are ties")
		if done := strings.Join(w.Done(), "\n"); !strings.Contains(done, "judge 9 by other.judge-v1: base, "+tunedRef) {
			t.Error(done)
		}
	})
}
