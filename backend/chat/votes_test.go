package chat

import (
	"testing"

	"tunebench/backend/chat/chattest"
)

func TestVotes(t *testing.T) {
	s, _ := newService(t, &chattest.Server{}, nil)
	if list, err := s.Ratings(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("without votes: %v, %v", list, err)
	}
	c, err := s.SaveConversation(t.Context(), Conversation{Title: "x", Set: DefaultSettings()})
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
	list, err := s.Ratings(t.Context())
	if err != nil || len(list) != 2 {
		t.Fatalf("%+v, %v", list, err)
	}
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
