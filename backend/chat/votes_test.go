package chat

import (
	"testing"

	"tunebench/backend/chat/chattest"
)

func TestVotes(t *testing.T) {
	s, _ := newService(t, &chattest.Server{}, nil)
	if list, err := s.Voters(t.Context(), ""); err != nil || len(list) != 0 {
		t.Errorf("without votes: %v, %v", list, err)
	}
	c, err := s.SaveConversation(t.Context(), Conversation{Title: "x", Set: Manner{Settings: DefaultSettings()}})
	if err != nil {
		t.Fatal(err)
	}
	vote := func(position int, a, b string, o Outcome) {
		t.Helper()
		if err := s.Vote(t.Context(), c.ID, position, a, b, o); err != nil {
			t.Fatal(err)
		}
	}
	vote(0, "base", "tuned", First) // thought better of below
	for i := range 6 {
		a, b, o := "base", "tuned", Second
		if i%2 == 1 { // the order they stood in does not matter
			a, b, o = b, a, First
		}
		vote(2*i, a, b, o)
	}
	vote(20, "tuned", "base", Second)
	vote(22, "tuned", "base", Tie)
	vote(24, "base", "tuned", BothBad)
	all, err := s.Voters(t.Context(), "")
	if err != nil || len(all) != 1 || all[0].Judge != "" || len(all[0].Models) != 2 {
		t.Fatalf("%+v, %v", all, err)
	}
	list := all[0].Models
	best, worst := list[0], list[1]
	if best.Model != "tuned" || best.Wins != 6 || best.Losses != 1 || best.Ties != 2 || best.Bad != 1 || worst.Wins != 1 {
		t.Errorf("%+v", list)
	}
	if !(best.Low < best.Rating && best.Rating < best.High && best.Rating > 1000 && worst.Rating < 1000) {
		t.Errorf("%+v", list)
	}
	if s.Vote(t.Context(), c.ID, 0, "base", "base", First) == nil || s.Vote(t.Context(), c.ID, 0, "base", "tuned", "left") == nil {
		t.Error("a vote that cannot be meant was kept")
	}
}

// TestVoters: models that no vote connects are rated apart, judges apart from
// people, and a judge is compared with people where both have voted.
func TestVoters(t *testing.T) {
	s, _ := newService(t, &chattest.Server{}, nil)
	c, err := s.SaveConversation(t.Context(), Conversation{Title: "x", Set: Manner{Settings: DefaultSettings()}})
	if err != nil {
		t.Fatal(err)
	}
	cast := func(position int, a, b string, o Outcome, judge string, swayed bool) {
		t.Helper()
		if err := s.Cast(t.Context(), Ballot{Conversation: c.ID, Position: position, First: a, Second: b, Outcome: o, Judge: judge, Swayed: swayed}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 8 {
		cast(2*i, "base", "tuned", Second, "", false)
	}
	cast(16, "base", "tuned", First, "", false)
	cast(18, "base", "tuned", BothBad, "", false)
	cast(20, "left", "right", First, "", false)
	cast(20, "left", "right", First, "", false) // in place of the other
	for i := range 5 {                          // the judge saw them the other way round
		cast(2*i, "tuned", "base", First, "judge", false)
	}
	cast(16, "tuned", "base", First, "judge", false)
	cast(18, "tuned", "base", Tie, "judge", true)
	cast(40, "tuned", "base", Second, "judge", false) // nobody else has
	all, err := s.Voters(t.Context(), "base")
	if err != nil || len(all) != 2 {
		t.Fatalf("%+v, %v", all, err)
	}
	people, judge := all[0], all[1]
	if people.Judge != "" || people.Votes != 11 || len(people.Models) != 4 || people.People != nil {
		t.Errorf("%+v", people)
	}
	if m := people.Models[0]; m.Model != "tuned" || m.Group != 0 || m.Votes != 10 || m.Against.Wins != 8 || m.Against.Losses != 1 || m.Against.Ties != 1 || m.Against.Share != 8./9 || m.Against.PValue < 0.039 || m.Against.PValue > 0.0391 {
		t.Errorf("%+v %+v", m, m.Against)
	}
	if m := people.Models[2]; m.Model != "left" || m.Group != 1 || m.Against != nil || people.Models[1].Against != nil {
		t.Errorf("%+v", people.Models)
	}
	if judge.Judge != "judge" || judge.Votes != 8 || judge.Swayed != 1 || judge.Models[0].Wins != 6 {
		t.Errorf("%+v", judge)
	}
	if a := judge.People; a == nil || a.N != 7 || a.Same != 6 || a.Kappa == nil || *a.Kappa < 0.5 || *a.Kappa > 0.7 {
		t.Errorf("%+v", a)
	}
}
