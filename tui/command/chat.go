package command

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"tunebench/backend/chat"
)

func newModels(g *globals) *cobra.Command {
	return group("models", "The models of the account", listCommand(g, "list", "Every model that can be talked to",
		func(ctx context.Context, s *session) ([]chat.Model, error) { return s.chat.Models(ctx) },
		[]string{"model", "kind", "prompt format", "name", "id"},
		func(m chat.Model) []string { return []string{m.Ref, string(m.Kind), m.PromptFormat, m.Name, m.ID} }), newModelShow(g), newProve(g))
}

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
}

func newChat(g *globals) *cobra.Command {
	var refs []string
	var system string
	settings := chat.DefaultSettings()
	c := &cobra.Command{
		Use: `chat --model M [--model N] "question"`, Short: "Ask one or more models the same question",
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(refs) == 0 {
				return usagef("--model is missing: which model to ask (tunebench models list prints them)")
			}
			ctx := cmd.Context()
			return g.with(ctx, func(s *session) error {
				var msgs []chat.Message
				if system != "" {
					msgs = append(msgs, chat.Message{Role: "system", Content: system})
				}
				msgs = append(msgs, chat.Message{Role: "user", Content: strings.Join(args, " ")})
				return g.ask(ctx, s, refs, msgs, settings)
			})
		},
	}
	f := c.Flags()
	f.StringArrayVarP(&refs, "model", "m", nil, "model to ask (repeat to compare)")
	f.StringVar(&system, "system", "", "system prompt")
	f.IntVar(&settings.MaxTokens, "max-tokens", settings.MaxTokens, "most tokens to answer with")
	f.Float64Var(&settings.Temperature, "temperature", settings.Temperature, "0 is greedy")
	f.Float64Var(&settings.TopP, "top-p", settings.TopP, "nucleus of probability to sample from")
	return c
}

// ask sends to all models at once and prints the answers in the order asked
// for. A single model's answer is printed as it arrives.
func (g *globals) ask(ctx context.Context, s *session, refs []string, msgs []chat.Message, settings chat.Settings) error {
	models := make([]chat.Model, 0, len(refs))
	for _, r := range refs {
		m, err := s.chat.Resolve(ctx, r)
		if err != nil {
			return err
		}
		models = append(models, m)
	}
	answers := make([]*chat.Answer, len(models))
	for i, m := range models {
		answers[i] = s.chat.Send(ctx, chat.Request{Model: m, Messages: msgs, Settings: settings})
	}
	var failed []string
	outs := make([]answerOut, 0, len(answers))
	for i, a := range answers {
		if len(answers) == 1 && !g.jsonOut() {
			g.stream(ctx, a)
		}
		st := a.Wait(ctx)
		if !g.jsonOut() {
			if len(answers) > 1 {
				fmt.Fprintf(g.out, "%s\n  %s\n", models[i].Ref, strings.ReplaceAll(strings.TrimSpace(st.Text), "\n", "\n  "))
			}
			g.say("%s  %d tokens in %.2f s, first after %.0f ms, %s", models[i].Ref, st.Stats.OutputTokens,
				st.Stats.Duration.Seconds(), float64(st.Stats.FirstToken.Microseconds())/1000, endText(st))
		}
		if st.Phase != chat.Finished {
			failed = append(failed, fmt.Sprintf("%s: %s", models[i].Ref, endText(st)))
		}
		outs = append(outs, answerOut{
			Model: models[i].Ref, ModelID: models[i].ID, Text: st.Text, Phase: string(st.Phase),
			StopReason: st.StopReason, Error: st.Err,
			InputTokens: st.Stats.InputTokens, OutputTokens: st.Stats.OutputTokens,
			FirstTokenMS: float64(st.Stats.FirstToken.Microseconds()) / 1000,
			DurationMS:   float64(st.Stats.Duration.Microseconds()) / 1000,
			TokensPerS:   st.Stats.TokensPerSecond(), PromptSent: st.Sent, WakingRetries: st.Attempts,
		})
	}
	if g.jsonOut() {
		enc := json.NewEncoder(g.out)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		if err := enc.Encode(outs); err != nil {
			return err
		}
	}
	if len(failed) > 0 {
		return fmt.Errorf("no full answer from %s", strings.Join(failed, "; "))
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
