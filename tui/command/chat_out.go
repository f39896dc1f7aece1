package command

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strings"
	"time"

	"tunebench/backend/chat"
)

// answerOut is one answer in `chat -o json`.
type answerOut struct {
	Model         string  `json:"model"`
	ModelID       string  `json:"model_id"`
	Text          string  `json:"text"`
	Phase         string  `json:"phase"`
	StopReason    string  `json:"stop_reason,omitempty"`
	Error         string  `json:"error,omitempty"`
	InputTokens   int     `json:"input_tokens"`
	OutputTokens  int     `json:"output_tokens"`
	FirstTokenMS  float64 `json:"first_token_ms"`
	DurationMS    float64 `json:"duration_ms"`
	TokensPerS    float64 `json:"tokens_per_s"`
	PromptSent    string  `json:"prompt_sent"`
	WakingRetries int     `json:"waking_retries,omitempty"`
	// CostUSD is left out where it is not known; CostBasis says why, or how it was
	// reckoned.
	CostUSD   *float64 `json:"cost_usd,omitempty"`
	CostBasis string   `json:"cost_basis,omitempty"`
}

// report prints answers until all have ended.
func (g *globals) report(ctx context.Context, answers []*chat.Answer, cost costing) ([]answerOut, error) {
	if g.output == "jsonl" {
		if err := g.events(answers, cost); err != nil {
			return nil, err
		}
	}
	outs := make([]answerOut, 0, len(answers))
	for _, a := range answers {
		if g.output == "table" {
			if len(answers) > 1 {
				fmt.Fprintf(g.out, "%s\n", a.State().Model.Ref)
			}
			g.stream(ctx, a)
		}
		st := a.Wait(ctx)
		if g.output == "table" {
			paid := ""
			if c := cost(a); c.Basis != "" && !(c.Known && c.USD == 0 && !c.Window) {
				paid = ", " + c.String()
			}
			g.say("%s  %d tokens in %.2f s, first after %.0f ms, %s%s", st.Model.Ref, st.Stats.OutputTokens,
				st.Stats.Duration.Seconds(), float64(st.Stats.FirstToken.Microseconds())/1000, endText(st), paid)
			if len(answers) > 1 {
				fmt.Fprintln(g.out)
			}
		}
		outs = append(outs, outOf(st, cost(a)))
	}
	if g.jsonOut() {
		return outs, g.printJSON(outs)
	}
	return outs, nil
}

// costing says what an answer that has ended has cost.
type costing func(*chat.Answer) chat.Cost

// costing reckons what answers cost, after those of the session so far.
func (s *session) costing(ctx context.Context, models []chat.Model, conv chat.Conversation, turns []chat.Turn) costing {
	units := map[string]int{}
	for _, m := range models {
		if m.Kind == chat.Imported && s.account.Bills() {
			if n, err := s.chat.Units(ctx, m); err == nil { // what is not known is said
				units[m.ID] = n
			}
		}
	}
	meter := s.chat.Meter(units)
	for _, t := range turns {
		for _, m := range models {
			if t.Model == m.Ref && (conv.Account == "" || conv.Account == s.account.Name()) {
				meter.Cost(t.Answer(m))
			}
		}
	}
	known := map[*chat.Answer]chat.Cost{}
	return func(a *chat.Answer) chat.Cost {
		c, ok := known[a]
		if !ok {
			c = meter.Cost(a.State())
			known[a] = c
		}
		return c
	}
}

func outOf(st chat.AnswerState, cost chat.Cost) answerOut {
	o := answerOut{
		Model: st.Model.Ref, ModelID: st.Model.ID, Text: st.Text, Phase: string(st.Phase),
		StopReason: st.StopReason, Error: st.Err,
		InputTokens: st.Stats.InputTokens, OutputTokens: st.Stats.OutputTokens,
		FirstTokenMS: float64(st.Stats.FirstToken.Microseconds()) / 1000,
		DurationMS:   float64(st.Stats.Duration.Microseconds()) / 1000,
		TokensPerS:   st.Stats.TokensPerSecond(), PromptSent: st.Sent, WakingRetries: st.Attempts, CostBasis: cost.Basis,
	}
	if cost.Known {
		o.CostUSD = &cost.USD
	}
	return o
}

// event is a line of `chat -o jsonl`.
type event struct {
	Event string `json:"event"` // start, waking, retry, text, end
	Model string `json:"model"`
	// Text is what has come since the last event of this model.
	Text string `json:"text,omitempty"`
	// Attempt and NextTryS are of waking and retry.
	Attempt  int        `json:"attempt,omitempty"`
	NextTryS float64    `json:"next_try_s,omitempty"`
	Error    string     `json:"error,omitempty"`
	Sent     string     `json:"prompt_sent,omitempty"`
	Answer   *answerOut `json:"answer,omitempty"`
}

// events prints what happens to all answers as it happens.
func (g *globals) events(answers []*chat.Answer, cost costing) error {
	enc := json.NewEncoder(g.out)
	enc.SetEscapeHTML(false)
	cases := make([]reflect.SelectCase, 0, len(answers))
	seen := make([]chat.AnswerState, len(answers))
	printed := make([]int, len(answers))
	for i, a := range answers {
		seen[i] = a.State()
		if err := enc.Encode(event{Event: "start", Model: seen[i].Model.Ref, Sent: seen[i].Sent}); err != nil {
			return err
		}
		cases = append(cases, reflect.SelectCase{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(a.Changed())})
	}
	for left := len(answers); left > 0; {
		i, _, _ := reflect.Select(cases)
		st := answers[i].State()
		var out []event
		if st.Attempts > seen[i].Attempts {
			e := event{Event: "retry", Model: st.Model.Ref, Attempt: st.Attempts, Error: st.Err}
			if st.Phase == chat.Waking {
				e.Event = "waking"
			}
			if !st.NextTry.IsZero() {
				e.NextTryS = math.Round(time.Until(st.NextTry).Seconds()*10) / 10
			}
			out = append(out, e)
		}
		if len(st.Text) > printed[i] {
			out = append(out, event{Event: "text", Model: st.Model.Ref, Text: st.Text[printed[i]:]})
			printed[i] = len(st.Text)
		}
		if st.Done() {
			o := outOf(st, cost(answers[i]))
			out = append(out, event{Event: "end", Model: st.Model.Ref, Error: st.Err, Answer: &o})
			cases[i].Chan = reflect.Value{} // never ready again
			left--
		}
		for _, e := range out {
			if err := enc.Encode(e); err != nil {
				return err
			}
		}
		seen[i] = st
	}
	return nil
}

// stream prints an answer as it grows and says once that a model is waking.
func (g *globals) stream(ctx context.Context, a *chat.Answer) {
	printed, waking := 0, false
	for {
		st := a.State()
		if st.Phase == chat.Waking && !waking {
			waking = true
			g.say("%s is waking", st.Model.Ref)
		}
		text := strings.TrimLeft(st.Text, " \n")
		if len(text) > printed {
			fmt.Fprint(g.out, text[printed:])
			printed = len(text)
		}
		if st.Done() {
			fmt.Fprintln(g.out)
			return
		}
		select {
		case <-a.Changed():
		case <-ctx.Done():
			return
		}
	}
}

func endText(st chat.AnswerState) string {
	switch {
	case st.Err != "":
		return st.Err
	case st.StopReason != "":
		return st.StopReason
	}
	return string(st.Phase)
}
