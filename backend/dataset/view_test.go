package dataset

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"tunebench/backend/dataset/filter"
	"tunebench/backend/dataset/profile"
)

// mixedRows has 100 rows of their own, repetitions of some, and odd ones.
func mixedRows() string {
	var b strings.Builder
	row := func(id, question, answer string) {
		fmt.Fprintf(&b, `{"id":%q,"system_prompt":"","question":%q,"response":%q}`+"\n", id, question, answer)
	}
	text := func(i int) string {
		var w strings.Builder
		for j := range 80 {
			fmt.Fprintf(&w, "word%d ", (i*7919+j*j*31)%100_003)
		}
		return w.String()
	}
	for i := range 100 {
		row(fmt.Sprintf("%s.%d", []string{"flan", "niv"}[i%2], i), fmt.Sprintf("What is the %d of %d?", i, i*i), text(i))
	}
	row("niv.100", "What is the 3 of 9?", text(3))                      // 100: repeats row 3
	row("niv.101", "what is  the 4 of 16?", "another answer")           // 101: question of row 4
	row("niv.102", "What is the 5 of 25?", text(5)+"with a few words")  // 102: nearly row 5
	row("cot.103", "Q", "")                                             // 103: empty answer
	row("cot.104", "Q2", "I'm sorry, but I cannot help you with this.") // 104: refusal
	b.WriteString("{broken\n")                                          // 105
	row("t0.106", "Was ist der Name von dem Fluss und wie lang ist er?", "caf\u00c3\u00a9")
	return b.String()
}

func TestFilter(t *testing.T) {
	d := open(t, write(t, "x.jsonl", mixedRows()))
	ctx := context.Background()
	for expr, want := range map[string]string{
		"id ~ ^cot": "103 104", "duplicate": "100", "same_question and not duplicate": "101 102", "near_duplicate and not duplicate": "102", "bad": "103 105", "refusal": "104",
		"damaged": "106", "language = de": "106", "row > 105 and has id": "105 106"[4:], "len(answer) < 50 and len(answer) > 0": "101 104 106", "kind = empty and not bad": "",
	} {
		l, err := d.Filter(ctx, expr)
		if got := found(t, l, err); got != want {
			t.Errorf("%s: %q, want %q", expr, got, want)
		}
	}
	var wrong *filter.Error
	if _, err := d.Filter(ctx, "len(anser) > 3"); !errors.As(err, &wrong) || wrong.From != 4 {
		t.Error(err)
	}
	if c, _, _ := d.Complete("has sys", 7); len(c) != 2 || c[0].Text != "system" {
		t.Errorf("%v", c)
	}
	view := d.ViewOf([]int64{106, 3, 3})
	if rows, err := view.Rows(ctx, 0, 10); err != nil || len(rows) != 2 || rows[0].Index != 3 || rows[1].Index != 106 {
		t.Errorf("%v, %v", rows, err)
	}
}

func TestProfileOfDataset(t *testing.T) {
	ctx := context.Background()
	held := write(t, "held.jsonl", `{"question":"WHAT is the 7  of 49?","response":"x"}`)
	d := open(t, write(t, "x.jsonl", mixedRows()))
	p := d.Profile(ctx, ProfileOptions{Near: true, MaxTokens: 100, Against: held})
	if err := p.Wait(ctx); err != nil {
		t.Fatal(err)
	}
	prof, _, done, err := p.Snapshot()
	if err != nil || !done || prof.Rows != 107 || prof.NearRows != 106 || prof.Mixes["flan"] != 50 || prof.Languages["de"] != 1 || prof.TokensExact {
		t.Errorf("%+v, %v, %v", prof, done, err)
	}
	for class, want := range map[string]string{
		profile.Repeated: "[100]", profile.NearlyRepeated: "[102]", profile.SameQuestion: "[101 102]", profile.EmptyAnswer: "[103]", profile.Refusals: "[104]", profile.Unreadable: "[105]", profile.DamagedText: "[106]", profile.Leaked: "[7]",
	} {
		if c := prof.Suspicious[class]; c == nil || fmt.Sprint(c.Examples) != want {
			t.Errorf("%s: %+v, want %s", class, c, want)
		}
	}
	if c := prof.Suspicious[profile.TooLong]; c == nil || c.Rows < 100 {
		t.Errorf("too long: %+v", c)
	}
}

func FuzzNormal(f *testing.F) {
	f.Add(" Wh\u00c9re  is\u2003It?\n")
	f.Fuzz(func(t *testing.T, s string) {
		if got, want := string(normal(s, nil)), normalWords(s); got != want {
			t.Errorf("%q: %q, want %q", s, got, want)
		}
	})
}

// normalWords is what normal must equal.
func normalWords(question string) string {
	return strings.ToLower(strings.Join(strings.Fields(question), " "))
}
