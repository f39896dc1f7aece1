package chat

import (
	"encoding/csv"
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"tunebench/backend/chat/chattest"
	"tunebench/backend/config"
)

// TestMeter: tokens are paid for by the price of the model's id, imported models
// by windows of five minutes, and what is not known is not guessed.
func TestMeter(t *testing.T) {
	noon := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	nova := Model{Ref: "us.amazon.nova-micro-v1:0", ID: "us.amazon.nova-micro-v1:0", Kind: Profile}
	answer := func(m Model, after time.Duration, in, out int) AnswerState {
		return AnswerState{Model: m, Phase: Finished, Text: "x", Started: noon.Add(after), Stats: Stats{InputTokens: in, OutputTokens: out}}
	}
	broken := answer(nova, 0, 0, 7)
	broken.Phase = Broken
	asleep := answer(imported, 0, 0, 0)
	asleep.Phase, asleep.Text = Failed, ""
	other := Model{Ref: "other", ID: "arn:other", Kind: Imported}
	m := &Meter{Prices: config.Default().Prices, Bills: true, Region: "us-east-1", Units: func(id string) int { return map[string]int{imported.ID: 2}[id] }}
	for i, c := range []struct {
		a     AnswerState
		usd   float64 // -1 is not known
		basis string
		text  string
	}{
		{answer(nova, 0, 2000, 500), (2000*0.035 + 500*0.14) / 1e6, "$0.035 for a million tokens in, $0.14 out (price of 2025-10-31 in us-east-1, from LiteLLM", "$0.00014"},
		{broken, -1, "ended before us.amazon.nova-micro-v1:0 had counted", "price unknown"},
		{answer(Model{Ref: "x", ID: "some.new-model", Kind: Foundation}, 0, 1, 1), -1, "no price of x is known; set one in prices.tokens", "price unknown"},
		{answer(Model{Ref: "gone"}, 0, 1, 1), -1, "not in the account's list", "price unknown"},
		{asleep, 0, "not answered", "$0"},
		{answer(imported, time.Minute, 9, 9), 2 * 0.05718 * 5, "five minutes of 2 custom model units", "$0.57 for 5 min"},
		{answer(imported, 5*time.Minute, 9, 9), 0, "had opened", "within 5 min"},
		{answer(imported, 6*time.Minute, 9, 9), 2 * 0.05718 * 5, "five minutes of 2 custom model units", "$0.57 for 5 min"},
		{answer(other, 6*time.Minute, 9, 9), -1, "how many custom model units other takes", "price unknown"},
		{answer(Model{Ref: "openai:small", ID: "small", Kind: Hosted}, 0, 9, 9), -1, "prices.tokens", "price unknown"},
	} {
		got := m.Cost(c.a)
		if got.Known != (c.usd >= 0) || got.Known && math.Abs(got.USD-c.usd) > 1e-12 || !strings.Contains(got.Basis, c.basis) || got.String() != c.text {
			t.Errorf("%d: %+v, %q", i, got, got)
		}
	}
	m.Region = "eu-central-1"
	if c := m.Cost(answer(nova, 0, 1, 1)); !strings.HasSuffix(c.Basis, "the account is in eu-central-1") {
		t.Errorf("%+v", c)
	}
	m.Bills = false
	if c := m.Cost(answer(imported, time.Hour, 9, 9)); !c.Known || c.USD != 0 || c.String() != "$0" {
		t.Errorf("local: %+v", c)
	}
	for usd, want := range map[float64]string{0: "$0", 12.345: "$12.35", 0.1: "$0.10", 0.0123: "$0.012", 0.000104: "$0.00010", 1e-9: "$0.0000000010"} {
		if got := Money(usd); got != want {
			t.Errorf("%g is %s, want %s", usd, got, want)
		}
	}
}

// TestFigures: the table over a session has a line for every answer, and sums up
// each model; exports have the same.
func TestFigures(t *testing.T) {
	s, _ := newService(t, &chattest.Server{}, func(c *Config) { c.Prices = config.Default().Prices })
	tr := s.Transcript(Conversation{Set: Manner{Settings: DefaultSettings()}}, nil)
	closed := make(chan struct{})
	close(closed)
	answers := func(texts ...string) (out []Source) {
		for i, text := range texts {
			m := []Model{foundation, imported}[i]
			a := AnswerState{Model: m, Phase: Finished, StopReason: "stop", Text: text,
				Stats: Stats{FirstToken: time.Duration(len(text)) * time.Millisecond, Duration: time.Second + time.Duration(len(text))*time.Millisecond, InputTokens: 5, OutputTokens: 1 + len(text)}}
			if text == "" {
				a.Phase, a.StopReason, a.Err, a.Stats = Failed, "", "it | broke", Stats{}
			}
			out = append(out, arrived{a, closed})
		}
		return out
	}
	tr.Keep(Exchange{Question: "In what colour?", Reference: "brown", Answers: answers("It is brown", "Brown.")})
	until(t, "the session", func() bool { return tr.Conversation().ID != 0 })
	tr.Keep(Exchange{Question: "=And why|?", Answers: answers("dirt", "")})
	s.Close()
	id := tr.Conversation().ID
	if err := s.Vote(t.Context(), id, 0, "tuned", "base", First); err != nil {
		t.Fatal(err)
	}
	if err := s.Vote(t.Context(), id, 2, "base", "tuned", BothBad); err != nil {
		t.Fatal(err)
	}
	c, turns, err := s.Load(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	figures, err := s.Figures(t.Context(), c, turns)
	if err != nil || len(figures) != 4 {
		t.Fatalf("%+v, %v", figures, err)
	}
	f := figures[1]
	if f.Number != 1 || f.Question != "In what colour?" || f.Model != "tuned" || f.FirstTokenMS != 6 || f.TokensPerSecond != 6 || f.F1 == nil || *f.F1 != 1 || !f.Exact || f.Vote != "better" || f.Ended() != "stop" || f.CostUSD == nil {
		t.Errorf("%+v", f)
	}
	if f := figures[3]; f.Number != 2 || f.Phase != Failed || f.F1 != nil || f.Vote != "both bad" || f.Ended() != "failed" {
		t.Errorf("%+v", f)
	}
	totals := Totals(figures)
	if len(totals) != 2 || totals[0].Model != "base" {
		t.Fatalf("%+v", totals)
	}
	base := totals[0]
	if base.Answers != 2 || base.Finished != 2 || base.FirstTokenMS != 7.5 || base.TokensPerSecond != 7.5 || base.Input != 10 || base.Output != 17 || base.Scored != 1 || base.Votes() != "0-1-1" || base.Cost() != "$0" {
		t.Errorf("%+v", base)
	}
	if t2 := totals[1]; t2.Finished != 1 || t2.Exact != 1 || t2.Votes() != "1-0-1" {
		t.Errorf("%+v", t2)
	}
	out := map[string]string{}
	for _, format := range ExportFormats() {
		var b strings.Builder
		if err := s.Export(t.Context(), id, format, &b); err != nil {
			t.Fatal(err)
		}
		out[format] = b.String()
	}
	for _, want := range []string{"## Figures", "| 1 | tuned | 6 | 6 | 5 | 7 | stop | $0 | 1.00 | better |", "| base | 2 of 2 | 8 | 8 | 10 | 17 | $0 | 0.50 | 0 of 1 | 0-1-1 |", "tuned: the local account bills nobody"} {
		if !strings.Contains(out["markdown"], want) {
			t.Errorf("the Markdown lacks %q:\n%s", want, out["markdown"])
		}
	}
	lines, err := csv.NewReader(strings.NewReader(out["csv"])).ReadAll()
	if err != nil || len(lines) != 5 || lines[0][5] != "first_token_ms" || !reflect.DeepEqual(lines[1][:8], []string{"1", "In what colour?", "base", "finished", "stop", "11", "1011", "11"}) {
		t.Errorf("%q, %v", lines, err)
	}
	var rows []Row
	for line := range strings.Lines(out["jsonl"]) {
		var r Row
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, r)
	}
	if len(rows) != 3 || rows[1].Model != "tuned" || rows[1].Vote != "better" || rows[2].Question != "=And why|?" || rows[2].Vote != "both bad" || *rows[2].CostUSD != 0 {
		t.Errorf("%s", out["jsonl"])
	}
}

// arrived is an answer that has ended.
type arrived struct {
	state AnswerState
	done  chan struct{}
}

func (a arrived) State() AnswerState    { return a.state }
func (a arrived) Done() <-chan struct{} { return a.done }
