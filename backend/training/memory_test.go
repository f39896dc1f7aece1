package training

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMemory(t *testing.T) {
	const base = "mistralai/Mistral-7B-v0.3"
	off := false
	qlora := Settings{Method: "qlora", LoRARank: 16, MaxSequenceLength: 2048}
	with := func(f func(*Settings)) Settings { s := qlora; f(&s); return s }
	for name, c := range map[string]struct {
		s         Settings
		instance  string
		count     int
		strategy  string
		low, high float64 // GiB
		fits      bool
	}{
		// 3.9 of frozen weights, 0.63 of adapters, about 2 of activations and logits.
		"one GPU":       {qlora, "ml.g5.2xlarge", 1, "single", 6, 8, true},
		"four, shared":  {qlora, "ml.g5.12xlarge", 1, "fsdp", 3.5, 5, true},
		"four, each":    {with(func(s *Settings) { s.Strategy = "ddp" }), "ml.g5.12xlarge", 1, "ddp", 6, 8, true},
		"two nodes":     {qlora, "ml.g5.12xlarge", 2, "fsdp", 3, 4.5, true},
		"bf16 base":     {with(func(s *Settings) { s.Method = "lora" }), "ml.g5.2xlarge", 1, "single", 16, 18, true},
		"large batches": {with(func(s *Settings) { s.MicroBatchRows = 16 }), "ml.g5.2xlarge", 1, "single", 30, 40, false},
		"all kept":      {with(func(s *Settings) { s.GradientCheckpointing = &off }), "ml.g5.2xlarge", 1, "single", 21, 24, false},
		"full":          {Settings{Method: "full", MaxSequenceLength: 2048}, "ml.g6e.2xlarge", 1, "single", 105, 115, false},
		"full on eight": {Settings{Method: "full", MaxSequenceLength: 2048}, "ml.p5.48xlarge", 1, "fsdp", 14, 20, true},
	} {
		m := memory(base, c.s, c.instance, c.count)
		if m.Strategy != c.strategy || m.GiB < c.low || m.GiB > c.high || (m.tooLarge() == "") != c.fits {
			t.Errorf("%s: %+v, %q", name, m, m.tooLarge())
		}
	}
	if linears+embeddings < 7.24e9 || linears+embeddings > 7.25e9 {
		t.Errorf("%d weights", linears+embeddings)
	}
	if m := memory("other/model", qlora, "ml.g5.2xlarge", 1); m != nil || m.tooLarge() != "" {
		t.Errorf("%+v", m)
	}
}

func TestPlanTellsMemoryRowsAndSpot(t *testing.T) {
	s, _ := bigService(t)
	s.c.Bills = true
	s.c.Prices.Instances, s.c.Prices.Region = map[string]float64{"ml.g5.2xlarge": 1.5}, "us-east-1"
	path := filepath.Join(t.TempDir(), "rows.jsonl")
	row := `{"question":"What?","response":"That."}` + "\n"
	long := `{"question":"What?","response":"` + strings.Repeat("word ", 200) + `"}` + "\n"
	if err := os.WriteFile(path, []byte(strings.Repeat(row, 15)+strings.Repeat(long, 5)), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := s.Plan(t.Context(), Spec{Dataset: path, Set: map[string]string{"max_sequence_length": "64", "micro_batch_rows": "4000"}})
	if err != nil {
		t.Fatal(err)
	}
	if p.Memory == nil || p.TruncatedRows != 5 || p.Tokens == 0 {
		t.Errorf("%+v", p)
	}
	if c := p.Cost; c == nil || math.Abs(c.SpotLowUSD-0.3*c.USD) > 1e-9 || math.Abs(c.SpotHighUSD-0.5*c.USD) > 1e-9 {
		t.Errorf("%+v", p.Cost)
	}
	for _, want := range []string{"25.0 % of the rows (5 of 20)", "one GPU would have to hold"} {
		if !strings.Contains(strings.Join(p.Warnings, "\n"), want) {
			t.Errorf("no warning %q in %q", want, p.Warnings)
		}
	}
}
