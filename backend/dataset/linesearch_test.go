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
		for _, q := range []Query{{Text: "needle"}, {Text: "NEEdle", Fold: true}, {Text: `needle|long|\d99"?`, Regexp: true}, {Text: "needle", Column: "q", From: 1234}, {Text: "broken needle"}} {
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
