package chat

import (
	"bufio"
	"encoding/json"
	"html"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"tunebench/backend/chat/chattest"
	"tunebench/backend/safetext"
)

// until asks again and again whether something has come about.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func roles(turns []Turn) string {
	var b strings.Builder
	for _, t := range turns {
		b.WriteString(t.Role + " " + t.Model + " " + t.Content + " " + string(t.Phase) + "\n")
	}
	return b.String()
}

// TestKeep: what has come of an answer is on disk while it is arriving, so that a
// workbench that ends in the middle has lost nothing.
func TestKeep(t *testing.T) {
	release := make(chan struct{})
	srv := &chattest.Server{Answer: func(w http.ResponseWriter, r *http.Request, c chattest.Call) {
		if c.Model == imported.ID {
			chattest.NewStream(w).Chunk(`{"choices":[{"text":" brown","finish_reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":1}}`)
			return
		}
		s := chattest.NewStream(w)
		s.Delta("It is ")
		<-release
		s.Delta("brown.")
		s.Stop("end_turn", 7, 2)
	}}
	s, _ := newService(t, srv, nil)
	tr := s.Transcript(Conversation{Set: Manner{Settings: DefaultSettings()}}, nil)
	req := ask(foundation, "In what colour?")
	tr.Keep(Exchange{System: "Be brief.", Question: "In what colour?", Reference: "brown", Answers: []Source{s.Send(t.Context(), req), s.Send(t.Context(), ask(imported, "In what colour?"))}})
	var turns []Turn
	until(t, "the partial answer on disk", func() bool {
		var err error
		id := tr.Conversation().ID
		if id == 0 {
			return false
		}
		if turns, err = s.Turns(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		return len(turns) == 5 && turns[3].Content == "It is " && turns[4].Phase == Finished
	})
	if turns[3].Phase != Streaming {
		t.Errorf("%s", roles(turns))
	}
	// What another workbench would find if this one ended now.
	if _, found, err := s.Load(t.Context(), tr.Conversation().ID); err != nil || found[3].Phase != Broken || found[3].Content != "It is " {
		t.Errorf("%s, %v", roles(found), err)
	}
	close(release)
	s.Close()
	c, turns, err := s.Load(t.Context(), tr.Conversation().ID)
	want := "system  Be brief. \nuser  In what colour? \nreference  brown \nassistant base It is brown. finished\nassistant tuned  brown finished\n"
	if err != nil || tr.Err() != nil || roles(turns) != want || c.Title != "In what colour?" || strings.Join(c.Models, " ") != "base tuned" {
		t.Errorf("%+v\n%s, %v, %v", c, roles(turns), err, tr.Err())
	}
	// It goes on where it ended.
	tr = s.Transcript(c, turns)
	if at := tr.Keep(Exchange{Question: "Sure?"}); at != 2 {
		t.Errorf("position %d", at)
	}
	s.Close()
	if list, err := s.Conversations(t.Context(), "Sure?", 9); err != nil || len(list) != 1 {
		t.Errorf("%+v, %v", list, err)
	}
	if _, _, err := s.Load(t.Context(), 99); err == nil || !strings.Contains(err.Error(), "sessions list") {
		t.Errorf("a session that is not there: %v", err)
	}
}

func TestExport(t *testing.T) {
	s, _ := newService(t, &chattest.Server{}, nil)
	c, err := s.SaveConversation(t.Context(), Conversation{Title: "x", Models: []string{"base", "tuned"}, Set: Manner{Settings: DefaultSettings()}})
	if err != nil {
		t.Fatal(err)
	}
	nasty := "# no heading\n&#27;]0;owned&#7; &#x1b;[2J &NewLine;&#155 &amp; &lt;b> AT&T \x1b[2Jend"
	for _, turn := range []Turn{
		{Position: 0, Role: roleSystem, Content: "Be brief."}, {Position: 0, Role: "user", Content: "One?"}, {Position: 0, Role: roleReference, Content: "1"},
		AnswerTurn(1, AnswerState{Model: foundation, Text: nasty, Phase: Finished, StopReason: "stop", Stats: Stats{OutputTokens: 3, InputTokens: 4, FirstToken: time.Second / 4, Duration: time.Second}}),
		AnswerTurn(1, AnswerState{Model: imported, Phase: Failed, Err: "too many requests"}),
		{Position: 2, Role: "user", Content: "Two?"},
		AnswerTurn(3, AnswerState{Model: imported, Text: "2", Phase: Cancelled}),
	} {
		if _, err := s.SaveTurn(t.Context(), c.ID, turn); err != nil {
			t.Fatal(err)
		}
	}
	var b strings.Builder
	if err := s.Export(t.Context(), c.ID, "jsonl", &b); err != nil {
		t.Fatal(err)
	}
	var got []Row
	for sc := bufio.NewScanner(strings.NewReader(b.String())); sc.Scan(); {
		var r Row
		if err := json.Unmarshal(sc.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		got = append(got, r)
	}
	if len(got) != 2 || got[0].System != "Be brief." || got[0].Question != "One?" || got[0].Reference != "1" || got[0].ID != "1.1.base" || got[0].FirstTokenMS != 250 ||
		got[1].Question != "Two?" || got[1].System != "" || got[1].Response != "2" || got[1].Phase != Cancelled {
		t.Errorf("%s", b.String())
	}
	b.Reset()
	if err := s.Export(t.Context(), c.ID, "markdown", &b); err != nil {
		t.Fatal(err)
	}
	out := b.String()
	for _, want := range []string{"# x\n", "## Question 1\n\n> One?\n", "### base\n\n> # no heading\n> &amp;#27;]0;owned&amp;#7; &amp;#x1b;[2J", "&amp; &lt;b> AT&T end", "failed; too many requests", "cancelled"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if decoded := html.UnescapeString(out); safetext.Text(decoded) != decoded {
		t.Errorf("entities come to life in\n%s", out)
	}
	if err := s.Export(t.Context(), c.ID, "pdf", &b); err == nil || !strings.Contains(err.Error(), "markdown, jsonl") {
		t.Errorf("an unknown form: %v", err)
	}
}

// TestManner: a session is read with the settings that it was last held with.
func TestManner(t *testing.T) {
	s, _ := newService(t, &chattest.Server{}, nil)
	tr := s.Transcript(Conversation{}, nil)
	seed := int64(4)
	held := Manner{Settings: DefaultSettings(), System: "Be brief."}
	tr.Use(held)
	tr.Keep(Exchange{Question: "One?"})
	until(t, "the session", func() bool { return tr.Conversation().ID != 0 })
	held.Talk, held.Own = true, map[string]Own{"tuned": {"Be long.", Settings{MaxTokens: 9, Stop: []string{"\n"}, Seed: &seed}}}
	tr.Use(held)
	tr.Keep(Exchange{Question: "Two?"})
	s.Close()
	c, _, err := s.Load(t.Context(), tr.Conversation().ID)
	if err != nil || !reflect.DeepEqual(c.Set, held) {
		t.Errorf("%+v, %v", c.Set, err)
	}
	if o := c.Set.For("tuned"); o.System != "Be long." || *o.Settings.Seed != 4 {
		t.Errorf("%+v", o)
	}
	if o := c.Set.For("base"); o.System != "Be brief." || o.Settings.MaxTokens != DefaultSettings().MaxTokens {
		t.Errorf("%+v", o)
	}
}

// TestHistory: of a question that was asked again the last answer is sent along.
func TestHistory(t *testing.T) {
	turn := func(at int, role, model, text string, p Phase) Turn {
		return Turn{Position: at, Role: role, Model: model, Content: text, Phase: p}
	}
	turns := []Turn{turn(0, "user", "", "One?", ""), turn(1, "assistant", "base", "1", Finished),
		turn(2, "user", "", "Two?", ""), turn(3, "assistant", "base", "2", Finished), turn(3, "assistant", "tuned", "zwei", Finished),
		turn(4, "user", "", "Two?", ""), turn(5, "assistant", "base", "2!", Finished),
		turn(6, "user", "", "Two?", ""), turn(7, "assistant", "base", "2 b", Broken),
		turn(8, "system", "", "Be brief.", ""), turn(8, "user", "", "Two?", ""), turn(9, "assistant", "base", "2.", Finished)}
	want := []Message{{"user", "One?"}, {"assistant", "1"}, {"user", "Two?"}, {"assistant", "2."}}
	if got := History(turns, "base"); !reflect.DeepEqual(got, want) {
		t.Errorf("%q", got)
	}
	if got := History(turns[:7], "base"); len(got) != 4 || got[3].Content != "2!" {
		t.Errorf("%q", got)
	}
	if got := History(turns[:5], "tuned"); len(got) != 2 {
		t.Errorf("%q", got)
	}
}
