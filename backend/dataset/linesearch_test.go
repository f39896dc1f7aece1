package dataset

import (
	"context"
	"fmt"
	"math/rand/v2"
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
