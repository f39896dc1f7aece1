package chat

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/smithy-go"

	"tunebench/backend/chat/chattest"
)

// bodyOf says in which body a call was made.
func bodyOf(c chattest.Call) Body {
	switch b := string(c.Body); {
	case strings.HasPrefix(c.Operation, "converse"):
		return BodyConverse
	case strings.Contains(b, `"max_gen_len"`):
		return BodyBedrock
	case strings.Contains(b, `"prompt"`):
		return BodyCompletion
	}
	return BodyChat
}

func TestProve(t *testing.T) {
	say := func(w http.ResponseWriter, c chattest.Call, text, stop string) {
		switch bodyOf(c) {
		case BodyConverse:
			chattest.Say(w, c, text)
		case BodyBedrock:
			chattest.JSON(w, map[string]any{"generation": text, "generation_token_count": 2, "prompt_token_count": 3, "stop_reason": stop})
		case BodyChat:
			chattest.JSON(w, map[string]any{"choices": []any{map[string]any{"message": map[string]string{"content": text}, "finish_reason": stop}}})
		default:
			chattest.JSON(w, map[string]any{"choices": []any{map[string]any{"text": text, "finish_reason": stop}}})
		}
	}
	sleeping := 2
	for _, c := range []struct {
		name   string
		model  Model
		answer func(http.ResponseWriter, chattest.Call)
		works  string // a letter for each body: + works, ? doubtful, - refused
		agree  bool
		find   []string
	}{
		{"all works", imported, func(w http.ResponseWriter, c chattest.Call) { say(w, c, " Paris ", "stop") }, "++++", true, nil},
		{"it sleeps first", imported, func(w http.ResponseWriter, c chattest.Call) {
			if sleeping > 0 {
				sleeping--
				chattest.Fail(w, 429, "ModelNotReadyException", "not ready")
				return
			}
			say(w, c, "Paris", "stop")
		}, "++++", true, nil},
		{"no chat template", imported, func(w http.ResponseWriter, c chattest.Call) {
			if b := bodyOf(c); b == BodyConverse || b == BodyChat {
				chattest.Fail(w, 400, "ValidationException", "This action doesn't support the model that you provided.")
				return
			}
			say(w, c, "Paris", "stop")
		}, "++--", true, []string{"OpenAIChatCompletion is refused", "Converse is refused"}},
		{"another template than the training's", imported, func(w http.ResponseWriter, c chattest.Call) {
			if b := bodyOf(c); b == BodyConverse || b == BodyChat {
				say(w, c, "Human: what? Assistant: Paris Human:", "stop")
				return
			}
			say(w, c, "Paris", "stop")
		}, "++++", false, []string{"answered differently"}},
		{"answers that do not end", imported, func(w http.ResponseWriter, c chattest.Call) {
			if b := bodyOf(c); b == BodyCompletion || b == BodyBedrock {
				say(w, c, "Paris Paris Paris", "length")
				return
			}
			say(w, c, "Paris", "stop")
		}, "??++", false, []string{"does not end", "answered differently"}},
		{"nothing is recorded", Model{Ref: "m", ID: chattest.ARN("m"), Kind: Imported}, func(w http.ResponseWriter, c chattest.Call) { say(w, c, "Paris", "stop") },
			"++++", true, []string{"not recorded with which prompt format"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			srv := &chattest.Server{Answer: func(w http.ResponseWriter, _ *http.Request, call chattest.Call) { c.answer(w, call) }}
			s, _ := newService(t, srv, nil)
			told := 0
			v, err := s.Prove(t.Context(), c.model, []string{"capital?", "again?", "once more?"}, func(Proof) { told++ })
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			for _, p := range v.Proofs {
				switch {
				case p.Works:
					got += "+"
				case p.Error != "":
					got += "-"
				default:
					got += "?"
				}
				if p.Works && (len(p.Answers) != 3 || (p.Shape == "") != (p.Body == BodyConverse)) {
					t.Errorf("%+v", p)
				}
			}
			if got != c.works || v.Agree != c.agree || told != 4 {
				t.Errorf("%s, agree %v, told %d; want %s, %v: %+v", got, v.Agree, told, c.works, c.agree, v)
			}
			all := strings.Join(v.Findings, "\n")
			for _, f := range c.find {
				if !strings.Contains(all, f) {
					t.Errorf("no finding says %q: %s", f, all)
				}
			}
			if len(c.find) == 0 && all != "" {
				t.Errorf("found %s", all)
			}
			// What it says against the format is known before the next question.
			if doubt := s.doubt(t.Context(), c.model); (doubt != "") != (c.model.PromptFormat == "" || !c.agree) {
				t.Errorf("doubt: %q", doubt)
			}
			other := c.model
			if other.PromptFormat = "chatml"; s.doubt(t.Context(), other) != "" {
				t.Error("the proof of one format is held against another")
			}
			if s.Shape(c.model) != "" {
				t.Error("the shape of a probe was remembered")
			}
		})
	}
}

// TestProveStops: what concerns the whole account ends the proof.
func TestProveStops(t *testing.T) {
	srv := &chattest.Server{Answer: func(w http.ResponseWriter, _ *http.Request, c chattest.Call) {
		chattest.Fail(w, 403, "AccessDeniedException", "no")
	}}
	s, _ := newService(t, srv, nil)
	var api smithy.APIError
	if _, err := s.Prove(t.Context(), imported, nil, nil); !errors.As(err, &api) || api.ErrorCode() != "AccessDeniedException" {
		t.Errorf("%v", err)
	}
	if _, err := s.Prove(t.Context(), Model{Ref: "base", Kind: Foundation}, nil, nil); err == nil || !strings.Contains(err.Error(), "only imported models") {
		t.Errorf("%v", err)
	}
}
