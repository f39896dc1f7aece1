package chat

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"tunebench/backend/config"
)

// Way says in a few words how a model is asked and what it can: the route, the
// prompt format, how much it holds, what it costs by the token.
func (s *Service) Way(m Model) string {
	route, err := m.Route()
	var words []string
	switch {
	case err != nil:
		words = []string{"cannot be asked yet"}
	case route == RouteCompletion:
		words = []string{"prompts as " + m.PromptFormat}
	case route == RouteMessages:
		words = []string{"its own chat template"}
	case route == RouteEndpoint:
		words = []string{"chat completions"}
	default:
		words = []string{string(route)}
	}
	if n := s.contextOf(m); n > 0 {
		words = append(words, fmt.Sprintf("holds %s tokens", grouped(n)))
	}
	id := m.ID
	if m.Kind == Hosted {
		id = m.Ref
	}
	if p, ok := s.cfg.Prices.Token(id); ok && (s.cfg.Bills || m.Kind == Hosted) {
		words = append(words, perMillion(p))
	}
	if shape := s.Shape(m); shape != "" && (shape != ShapeMessage || route != RouteCompletion) { // else it is of the time before the format was set
		words = append(words, "answers in "+string(shape))
	}
	return strings.Join(words, ", ")
}

func perMillion(p config.TokenPrice) string {
	return fmt.Sprintf("$%g in and $%g out for a million tokens", p.Input, p.Output)
}

// grouped writes a number with commas.
func grouped(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s,%03d", grouped(n/1000), n%1000)
}

// doubt says why a model's prompt format may be wrong, "" if nothing speaks
// against it: it is not recorded, or a proof found that it does not fit.
func (s *Service) doubt(ctx context.Context, m Model) string {
	switch {
	case m.Kind != Imported:
		return ""
	case m.PromptFormat == "" && m.Converse:
		return "it is not recorded with which prompt format it was trained; its own chat template is used, which may be another"
	case m.PromptFormat == "":
		return "it is not recorded with which prompt format it was trained, and it has no chat template: it cannot be asked before the format is set"
	}
	raw, err := s.cfg.Store.Pref(ctx, s.proofKey(m), "")
	if err != nil || raw == "" {
		return "" // nothing is known against it
	}
	var kept keptProof
	if json.Unmarshal([]byte(raw), &kept) != nil || kept.PromptFormat != m.PromptFormat {
		return ""
	}
	return kept.Doubt
}

// keptProof is what is remembered of a proof: what it said against the format that
// the model is asked in.
type keptProof struct {
	PromptFormat string `json:"prompt_format"`
	Doubt        string `json:"doubt,omitempty"`
}

func (s *Service) proofKey(m Model) string { return "chat.proof." + s.cfg.AccountName + "." + m.ID }

// remember keeps what a proof says against the format that a model is asked in. A
// store that fails does not spoil the proof.
func (s *Service) remember(ctx context.Context, m Model, v Verdict) {
	k := keptProof{PromptFormat: m.PromptFormat}
	for _, p := range v.Proofs {
		if p.Body == BodyCompletion && p.Error == "" && !p.Works {
			k.Doubt = "prompts as " + p.PromptFormat + " were answered with nothing, or without an end: it may have been trained with another format"
		}
	}
	if k.Doubt == "" && !v.Agree {
		k.Doubt = "prompts as " + m.PromptFormat + " and its own chat template were answered differently: one of them is not what it was trained with"
	}
	raw, err := json.Marshal(k)
	if err == nil {
		_ = s.cfg.Store.SetPref(context.WithoutCancel(ctx), s.proofKey(m), string(raw))
	}
}
