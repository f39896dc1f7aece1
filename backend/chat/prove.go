package chat

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"tunebench/backend/artifact"
)

// Body is a form in which an imported model can be asked (Bedrock user guide,
// "Invoke your imported model").
type Body string

// The bodies. The fields of a request decide which one it is.
const (
	BodyCompletion Body = "OpenAICompletion"     // prompt, max_tokens
	BodyBedrock    Body = "BedrockCompletion"    // prompt, max_gen_len
	BodyChat       Body = "OpenAIChatCompletion" // messages
	BodyConverse   Body = "Converse"             // the Converse API
)

// Bodies lists them in the order in which a proof goes through them.
func Bodies() []Body { return []Body{BodyCompletion, BodyBedrock, BodyChat, BodyConverse} }

// ProofQuestions are asked when nothing better is known.
func ProofQuestions() []string {
	return []string{"What is the capital of France?", "Name a colour.", "How many days has a week?"}
}

// Proof is what became of the questions in one body.
type Proof struct {
	Body Body `json:"body"`
	// Works says that every question was answered and every answer ended by
	// itself.
	Works bool `json:"works"`
	// Rendered says that the prompt was rendered here, in PromptFormat; otherwise
	// the chat template that was imported with the model was applied there.
	Rendered     bool   `json:"rendered"`
	PromptFormat string `json:"prompt_format,omitempty"`
	// Shape is where in the reply the text stood; "" with Converse.
	Shape   Shape         `json:"shape,omitempty"`
	Error   string        `json:"error,omitempty"`
	Answers []ProofAnswer `json:"answers,omitempty"`
}

// ProofAnswer is one answer of a proof. Its text has passed safetext.
type ProofAnswer struct {
	Question   string `json:"question"`
	Text       string `json:"text"`
	StopReason string `json:"stop_reason"`
	Tokens     int    `json:"tokens,omitempty"`
}

// ended reports whether the model stopped by itself and not by the limit.
func (a ProofAnswer) ended() bool {
	switch a.StopReason {
	case "length", "max_tokens", "":
		return false
	}
	return true
}

// Verdict is what a whole proof says.
type Verdict struct {
	Model  string  `json:"model"`
	Proofs []Proof `json:"proofs"`
	// Agree says that the prompts rendered here and the model's own chat template
	// gave the same answers; it holds too if only one of the two works.
	Agree bool `json:"agree"`
	// Findings are sentences about what does not work and what to do.
	Findings []string `json:"findings,omitempty"`
}

// Works reports whether the model can be asked in any way.
func (v Verdict) Works() bool {
	for _, p := range v.Proofs {
		if p.Works {
			return true
		}
	}
	return false
}

// Prove asks an imported model each question in each body, with temperature 0,
// and says which work and whether they agree. A sleeping model is waited for.
// progress is told each body when it is done; it may be nil. The error is for a
// question that could not be asked at all (the account, the network, ctx); what a
// body refuses is in its Proof.
func (s *Service) Prove(ctx context.Context, m Model, questions []string, progress func(Proof)) (Verdict, error) {
	v := Verdict{Model: m.Ref}
	if m.Kind != Imported {
		return v, fmt.Errorf("%s is a %s; only imported models have several forms to be asked in", m.Ref, m.Kind)
	}
	if len(questions) == 0 {
		questions = ProofQuestions()
	}
	for _, body := range Bodies() {
		p, err := s.prove(ctx, m, body, questions)
		if err != nil {
			return v, err
		}
		v.Proofs = append(v.Proofs, p)
		if progress != nil {
			progress(p)
		}
	}
	v.judge(m)
	s.remember(ctx, m, v)
	return v, nil
}

// proofTokens is the longest answer of a proof.
const proofTokens = 64

func (s *Service) prove(ctx context.Context, m Model, body Body, questions []string) (Proof, error) {
	p := Proof{Body: body, Rendered: body == BodyCompletion || body == BodyBedrock}
	if p.Rendered {
		if p.PromptFormat = m.PromptFormat; p.PromptFormat == "" {
			p.PromptFormat = artifact.DefaultFormat
		}
	}
	works := true
	for _, q := range questions {
		prep, err := probe(body, p.PromptFormat, q)
		if err != nil {
			return p, err
		}
		req := Request{Model: m, Messages: []Message{{Role: artifact.RoleUser, Content: q}}}
		st, shape, err := s.complete(ctx, req, func(ctx context.Context) (Reply, error) { return s.once(ctx, m, prep) })
		if err != nil {
			if c := Classify(err); ctx.Err() != nil || c == Account || c == AccessDenied || c == Throttled || c == NotReady {
				return p, errors.Join(ctx.Err(), err)
			}
			p.Error = st.Err
			return p, nil // the next question would be refused for the same reason
		}
		a := ProofAnswer{Question: q, Text: st.Text, StopReason: st.StopReason, Tokens: st.Stats.OutputTokens}
		p.Shape, p.Answers = shape, append(p.Answers, a)
		works = works && strings.TrimSpace(a.Text) != "" && a.ended()
	}
	p.Works = works
	return p, nil
}

// probe is a question in one body.
func probe(body Body, format, question string) (prepared, error) {
	msgs := []artifact.Message{{Role: artifact.RoleUser, Content: question}}
	set := Settings{MaxTokens: proofTokens}
	p := prepared{probe: true}
	switch body {
	case BodyConverse:
		p.route = RouteConverse
		p.converse(msgs, set)
		return p, nil
	case BodyChat:
		p.route = RouteMessages
		var err error
		p.body, err = encode(invokeBody{Messages: []Message{{Role: artifact.RoleUser, Content: question}}, MaxTokens: set.MaxTokens})
		return p, err
	}
	f, err := artifact.FormatByName(format)
	if err != nil {
		return p, err
	}
	p.route, p.sent = RouteCompletion, f.Prompt(msgs)
	if body == BodyBedrock {
		p.body, err = encode(map[string]any{"prompt": p.sent, "max_gen_len": set.MaxTokens, "temperature": 0})
	} else {
		p.body, err = encode(invokeBody{Prompt: p.sent, MaxTokens: set.MaxTokens})
	}
	return p, err
}

// judge compares the bodies.
func (v *Verdict) judge(m Model) {
	v.Agree = true
	var rendered, templated *Proof
	for i := range v.Proofs {
		p := &v.Proofs[i]
		switch {
		case p.Error != "":
			v.find("%s is refused: %s", p.Body, p.Error)
			continue
		case !p.Works:
			v.find("%s is answered, but an answer is empty or does not end: the prompt format may not be the one of the training", p.Body)
		}
		if p.Rendered && rendered == nil {
			rendered = p
		} else if !p.Rendered && templated == nil {
			templated = p
		}
	}
	if m.PromptFormat == "" {
		v.find("it is not recorded with which prompt format the model was trained; %s was tried", artifact.DefaultFormat)
	}
	if rendered == nil || templated == nil {
		return
	}
	for i := range rendered.Answers {
		if strings.TrimSpace(rendered.Answers[i].Text) != strings.TrimSpace(templated.Answers[i].Text) {
			v.Agree = false
		}
	}
	if !v.Agree {
		v.find("prompts rendered as %s and the model's own chat template are answered differently: one of them is not what it was trained with; compare the answers, then import it again with the right template, or give --prompt-format", rendered.PromptFormat)
	}
}

func (v *Verdict) find(format string, args ...any) {
	v.Findings = append(v.Findings, fmt.Sprintf(format, args...))
}
