package chat

import (
	"encoding/json"
	"go/parser"
	"go/token"
	"os/exec"
	"strings"
	"testing"

	"tunebench/backend/chat/chattest"
)

const awkward = "It's \"quoted\" `$HOME`\nand \\ 漢字 👍 \u2028 100%"

// what asks for everything that can be set.
func what(m Model) Request {
	seed := int64(7)
	return Request{Model: m, Messages: []Message{{"system", "Be brief."}, {"user", awkward}}, Settings: Settings{MaxTokens: 9, Temperature: 0.5, TopP: 0.9, TopK: 4, Stop: []string{"\n\n"}, Seed: &seed}}
}

// TestPreview: what is shown is what is sent.
func TestPreview(t *testing.T) {
	srv := chattest.FaultServer(nil)
	s, _ := newService(t, srv, nil)
	for _, m := range []Model{
		{Ref: "tuned", ID: chattest.ARN("fault-healthy"), Kind: Imported, PromptFormat: "mistral-v3"},
		{Ref: "chat", ID: chattest.ARN("fault-healthy"), Kind: Imported, Converse: true},
		{Ref: "fm", ID: chattest.ARN("fault-healthy"), Kind: Foundation, Converse: true},
	} {
		v, err := s.Preview(what(m))
		if err != nil {
			t.Fatal(err)
		}
		if lost := strings.Join(v.Lost, " "); lost != map[bool]string{true: "seed"}[m.Kind == Foundation] {
			t.Errorf("%s loses %q", m.Ref, lost)
		}
		wait(t, s.Send(t.Context(), what(m)))
		calls := srv.Calls()
		var sent, shown any
		if err := json.Unmarshal(calls[len(calls)-1].Body, &sent); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(v.JSON), &shown); err != nil {
			t.Fatal(err)
		}
		a, _ := json.Marshal(sent)
		b, _ := json.Marshal(shown)
		if string(a) != string(b) {
			t.Errorf("%s\nsent  %s\nshown %s", m.Ref, a, b)
		}
	}
}

// TestSnippets: what is taken along is a command that a shell reads, Python
// strings that hold the body, a Go program; with the same body as what is sent.
func TestSnippets(t *testing.T) {
	s, _ := newService(t, &chattest.Server{}, nil)
	for _, m := range []Model{imported, foundation} {
		p, err := prepare(what(m))
		if err != nil {
			t.Fatal(err)
		}
		body, err := p.wire()
		if err != nil {
			t.Fatal(err)
		}
		command, err := s.Snippet(what(m), "aws")
		if err != nil {
			t.Fatal(err)
		}
		out, err := exec.CommandContext(t.Context(), "sh", "-c", "aws() { for a; do printf '%s\\0' \"$a\"; done; }\n"+command).Output()
		if err != nil {
			t.Fatalf("%v\n%s", err, command)
		}
		args := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
		found := false
		for i, a := range args {
			if a == "--body" {
				found = args[i+1] == string(body)
			}
			if a == "--cli-input-json" {
				var v, w map[string]any
				if err := json.Unmarshal([]byte(args[i+1]), &v); err != nil {
					t.Fatal(err)
				}
				_ = json.Unmarshal(body, &w)
				found = v["modelId"] == m.ID
				delete(v, "modelId")
				x, _ := json.Marshal(v)
				y, _ := json.Marshal(w)
				found = found && string(x) == string(y)
			}
		}
		if !found {
			t.Errorf("the command does not carry the body:\n%s\n%q", command, args)
		}
		python, err := s.Snippet(what(m), "boto3")
		if err != nil || !strings.Contains(python, literal(string(body))) || !strings.Contains(python, literal(m.ID)) {
			t.Errorf("%s, %v", python, err)
		}
		program, err := s.Snippet(what(m), "go")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parser.ParseFile(token.NewFileSet(), "main.go", program, parser.AllErrors); err != nil {
			t.Errorf("%v\n%s", err, program)
		}
	}
	if _, err := s.Snippet(what(imported), "perl"); err == nil || !strings.Contains(err.Error(), "aws, boto3, go") {
		t.Error(err)
	}
}

func TestSetsAndRoom(t *testing.T) {
	s, _ := newService(t, &chattest.Server{}, nil)
	for _, set := range []struct {
		name string
		refs []string
	}{{"pair", []string{"base", "tuned"}}, {"one", []string{"base"}}, {"one", nil}} {
		if err := s.SaveSet(t.Context(), set.name, set.refs); err != nil {
			t.Fatal(err)
		}
	}
	if sets, err := s.Sets(t.Context()); err != nil || strings.Join(SetNames(sets), " ") != "pair" || len(sets["pair"]) != 2 {
		t.Errorf("%v, %v", sets, err)
	}
	if err := s.SaveSet(t.Context(), " ", []string{"base"}); err == nil {
		t.Error("a set without a name was kept")
	}
	for id, want := range map[string]int{"us.anthropic.claude-sonnet-4": 200000, "mistral.mistral-7b-instruct-v0:2": 32768, "meta.llama3-8b": 8192, "acme.model": 0} {
		if n := s.contextOf(Model{ID: id, Kind: Foundation}); n != want {
			t.Errorf("%s: %d", id, n)
		}
	}
	if tokens, context, exact := s.Room(ask(imported, strings.Repeat("word ", 400))); tokens < 400 || context != contextLocal || exact {
		t.Errorf("%d of %d, %v", tokens, context, exact)
	}
}
