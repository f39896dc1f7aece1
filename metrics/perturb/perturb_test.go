package perturb

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"tunebench/metrics/internal/golden"
	"tunebench/metrics/pytext"
)

type vector struct {
	ID     int
	Kind   Kind `json:"perturbation"`
	Seed   uint64
	Params struct {
		Prob     float64 `json:"perturbation_prob"`
		Fraction float64 `json:"uppercase_fraction"`
		Add      float64 `json:"add_prob"`
		Remove   float64 `json:"remove_prob"`
	}
	Text   string
	First  []string `json:"first_call"`
	Second []string `json:"second_call"`
}

func TestVectors(t *testing.T) {
	for _, v := range golden.Lines[vector](t, "perturbations.jsonl", 32) {
		p, err := New(Options{v.Kind, len(v.First), v.Seed, v.Params.Prob, v.Params.Fraction, v.Params.Add, v.Params.Remove})
		if err != nil {
			t.Fatal(err)
		}
		for call, want := range [][]string{v.First, v.Second} {
			if got := p.Perturb(v.Text); !slices.Equal(got, want) {
				t.Errorf("%d %s, call %d: %q, want %q", v.ID, v.Kind, call+1, got, want)
			}
		}
	}
}

func TestOptions(t *testing.T) {
	for _, c := range []struct {
		change func(*Options)
		want   string
	}{
		{func(o *Options) { o.Kind = "typo" }, "butter_finger"},
		{func(o *Options) { o.N = 0 }, "num_perturbations"},
		{func(o *Options) { o.Remove = 1.5 }, "whitespace_remove_prob"},
	} {
		o := Default()
		c.change(&o)
		if _, err := New(o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want a word on %s", err, c.want)
		}
	}
}

func FuzzPerturb(f *testing.F) {
	f.Add("London is the capital of ß İ ŉ", 0.5)
	f.Add("\xff\x1f", 1.0)
	f.Fuzz(func(t *testing.T, text string, prob float64) {
		for _, k := range []Kind{ButterFinger, RandomUpperCase, WhitespaceAddRemove} {
			o := Options{k, 2, 5, prob, prob, prob, prob}
			p, err := New(o)
			if err != nil {
				return
			}
			for _, s := range p.Perturb(text) {
				if !utf8.ValidString(s) {
					t.Fatalf("%s: %q is no UTF-8", k, s)
				}
				if k == WhitespaceAddRemove && bare(s) != bare(strings.ToValidUTF8(text, "\ufffd")) && utf8.ValidString(text) {
					t.Fatalf("white space changed %q to %q", text, s)
				}
			}
		}
	})
}

func bare(s string) string { return strings.Join(pytext.Fields(s), "") }
