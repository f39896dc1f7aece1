package dataset

import (
	"context"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
)

// Searching by literals finds what looking at every row finds: lines longer than
// a window and than a row may be, blank and broken ones, escaped spellings, no
// line feed at the end.
func TestLineSearchFindsWhatScanningFinds(t *testing.T) {
	ctx := context.Background()
	rng := rand.New(rand.NewPCG(3, 4))
	for round := range 6 {
		var b strings.Builder
		for i := range 3000 {
			switch k := rng.IntN(60); {
			case k == 0:
				b.WriteString("\n")
			case k == 1:
				b.WriteString("{broken needle\r\n")
			case k == 2 && round%2 == 0:
				fmt.Fprintf(&b, "{\"q\":\"n\\u0065edle %d\"}\n", i)
			case k == 3 && rng.IntN(8) == 0:
				fmt.Fprintf(&b, "{\"q\":\"%s needle\"}\n", strings.Repeat("long ", rng.IntN(3*searchWindow/5)))
			case k == 4:
				fmt.Fprintf(&b, "{\"q\":\"%s\"}\n", []string{"say \\\"so\\\" %d", "l'\u00e9cole", "l'\\u00E9cole", "\u65e5\u672c", "\\u65e5\\u672C", "a\\/b", "a/b", "one\\ntwo", "\U0001f600", "\\ud83d\\uDE00"}[rng.IntN(10)])
			case k < 8:
				fmt.Fprintf(&b, "  {\"q\":\"a NEEDLE %d\",\"a\":\"needles\"} \n", i)
			default:
				fmt.Fprintf(&b, "{\"q\":\"%d\",\"a\":\"%s\"}\n", i, strings.Repeat("word\\n", rng.IntN(80)))
			}
		}
		if round == 5 {
			b.WriteString(`{"q":"` + strings.Repeat("x", maxRecord+5) + "needle\"}\n{\"q\":\"needle\"}\n")
		}
		b.WriteString(`{"q":"the last needle"}`)
		d := open(t, write(t, "x.jsonl", b.String()))
		for _, q := range []Query{{Text: "needle"}, {Text: "NEEdle", Fold: true}, {Text: `needle|long|\d99"?`, Regexp: true}, {Text: "needle", Column: "q", From: 1234}, {Text: "broken needle"},
			{Text: `say "so"`}, {Text: "l'\u00e9cole"}, {Text: "\u00e9"}, {Text: "\u65e5\u672c"}, {Text: "a/b"}, {Text: "one\ntwo"}, {Text: "\U0001f600"}, {Text: "L'\u00c9cole", Fold: true}} {
			l, err := d.Search(ctx, q)
			got := found(t, l, err)
			l, err = d.Search(ctx, q) // with what the first search has learned
			if again := found(t, l, err); again != got {
				t.Errorf("round %d, %+v: %.300s, then %.300s", round, q, got, again)
			}
			slow := Query{Text: "(?:" + q.Text + ")|[^\\x00-\\x{10ffff}]", Regexp: true, Fold: q.Fold, Column: q.Column, From: q.From}
			l, err = d.Search(ctx, slow)
			if want := found(t, l, err); got != want || want == "" {
				t.Errorf("round %d, %+v: %.300s, want %.300s", round, q, got, want)
			}
		}
	}
}

// A search of lines that are not indexed yet leaves the index behind, the same
// as the indexer makes it, also when both are at work.
func TestLineSearchMakesTheIndex(t *testing.T) {
	ctx := context.Background()
	for _, end := range []string{"", "\n", "\n\n \n"} {
		path := write(t, "x.jsonl", strings.TrimSpace(manyRows(30_000))+end)
		plain := open(t, path)
		if err := plain.WaitIndexed(ctx); err != nil {
			t.Fatal(err)
		}
		for _, wanted := range []bool{false, true} {
			d, err := Open(ctx, path, OpenOptions{Lazy: true})
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			if d.Info().RowsExact {
				t.Fatal("the file is too small for this test")
			}
			if wanted {
				go d.want()
			}
			l, err := d.Search(ctx, Query{Text: "nowhere"})
			found(t, l, err)
			if n, _, _ := l.Scanned(); n != 30_000 {
				t.Errorf("%q: %d rows were searched", end, n)
			}
			select {
			case <-d.wanted:
				if err := d.WaitIndexed(ctx); !wanted || err != nil {
					t.Errorf("the search has asked for the index: %v", err)
				}
			default:
			}
			a, b := plain.parts[0].rows.(*text), d.parts[0].rows.(*text)
			if !b.ended || !reflect.DeepEqual(a.blocks, b.blocks) || a.rows != b.rows || a.at != b.at {
				t.Errorf("%q: %d blocks, %d rows, byte %d; want %d, %d, %d", end, len(b.blocks), b.rows, b.at, len(a.blocks), a.rows, a.at)
			}
			if rows, err := d.Rows(ctx, 29_998, 5); err != nil || len(rows) != 2 || rows[1].Index != 29_999 {
				t.Errorf("%v, %v", rows, err)
			}
		}
	}
}

// A pass over lines that are not indexed sees the rows that one over indexed
// lines sees, and leaves the index behind.
func TestPassWithoutIndex(t *testing.T) {
	ctx := context.Background()
	rng := rand.New(rand.NewPCG(9, 9))
	for round := range 4 {
		var b strings.Builder
		if round == 3 {
			b.WriteString("\ufeff")
		}
		for i := 0; b.Len() < 5<<20; i++ {
			switch k := rng.IntN(200); {
			case k == 0:
				b.WriteString("\n\n")
			case k == 1:
				b.WriteString("broken\r\n")
			case k == 2 && rng.IntN(3) == 0:
				fmt.Fprintf(&b, "{\"question\":\"%s\",\"response\":\"x\"}\n", strings.Repeat("long ", rng.IntN(2*readSize/5)))
			case k < 12:
				b.WriteString("{\"question\":\"again\",\"response\":\"and again\"}\n")
			default:
				fmt.Fprintf(&b, "{\"question\":\"%d\",\"response\":\"%s\"}\n", i, strings.Repeat("word ", rng.IntN(80)))
			}
		}
		if round == 1 {
			fmt.Fprintf(&b, "{\"question\":\"%s\",\"response\":\"x\"}\n", strings.Repeat("x", maxRecord))
		}
		b.WriteString([]string{"{\"question\":\"the end\",\"response\":\"again\"}", "{\"question\":\"again\",\"response\":\"and again\"}\n", "\n", "broken"}[round])
		path := write(t, "x.jsonl", b.String())
		plain := open(t, path)
		if err := plain.WaitIndexed(ctx); err != nil {
			t.Fatal(err)
		}
		for _, try := range []func(d *Dataset) (*List, error){
			func(d *Dataset) (*List, error) { return d.Filter(ctx, "len(answer) > 300") },
			func(d *Dataset) (*List, error) { return d.Filter(ctx, "bad") },
			func(d *Dataset) (*List, error) { return d.Filter(ctx, "duplicate") },
			func(d *Dataset) (*List, error) { return d.Filter(ctx, "near_duplicate or not same_question") },
			func(d *Dataset) (*List, error) { return d.Filter(ctx, "row > 1000 and len(answer) > 350") },
			func(d *Dataset) (*List, error) { return d.Search(ctx, Query{Text: "[0-9]7|b.oken", Regexp: true}) },
		} {
			d, err := Open(ctx, path, OpenOptions{Lazy: true})
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			l, err := try(d)
			got := found(t, l, err)
			n, _, _ := l.Scanned()
			l, err = try(plain)
			if want := found(t, l, err); got != want || want == "" {
				t.Fatalf("round %d: %.200s, want %.200s", round, got, want)
			}
			a, b := plain.parts[0].rows.(*text), d.parts[0].rows.(*text)
			if !b.ended || !reflect.DeepEqual(a.blocks, b.blocks) || n != a.rows || a.rows != b.rows {
				t.Errorf("round %d: %d rows of %d in %d blocks, want %d in %d", round, n, b.rows, len(b.blocks), a.rows, len(a.blocks))
			}
		}
	}
}
