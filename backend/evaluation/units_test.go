package evaluation

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"tunebench/backend/chat"
	"tunebench/metrics"
)

func TestLimitTakesTheSameSample(t *testing.T) {
	f := newFixture(t, say)
	path := writeDataset(t, 100)
	var seen [2][]int64
	for i := range seen {
		l, err := f.Start(t.Context(), Spec{Dataset: path, Models: []string{"base"}, Limit: 10, Seed: 7})
		if err != nil {
			t.Fatal(err)
		}
		r, err := finish(t, l)
		if err != nil || r.Total != 10 {
			t.Fatal(r.Total, err)
		}
		recs, _, err := f.Records(t.Context(), r.ID, RecordFilter{})
		if err != nil {
			t.Fatal(err)
		}
		for _, rec := range recs {
			seen[i] = append(seen[i], rec.Row)
		}
	}
	if len(seen[0]) != 10 || !reflect.DeepEqual(seen[0], seen[1]) || seen[0][9] == 9 {
		t.Errorf("rows %v and %v", seen[0], seen[1])
	}
}

func TestStartRefuses(t *testing.T) {
	f := newFixture(t, say)
	good := writeDataset(t, 3)
	other := filepath.Join(t.TempDir(), "other.csv")
	if err := os.WriteFile(other, []byte("colour,size\nred,3\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		spec Spec
		says string
	}{
		{Spec{Dataset: good}, "at least one model"},
		{Spec{Models: []string{"base"}}, "needs a dataset"},
		{Spec{Dataset: good, Models: []string{"bse"}}, "did you mean base"},
		{Spec{Dataset: good, Models: []string{"base", baseID}}, "named twice"},
		{Spec{Dataset: other, Models: []string{"base"}}, "no column"},
		{Spec{Dataset: good + "x", Models: []string{"base"}}, "questions.jsonlx"},
	} {
		if _, err := f.Start(t.Context(), c.spec); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%+v: %v", c.spec, err)
		}
	}
}

func TestLimiter(t *testing.T) {
	now := time.Unix(0, 0)
	l := newLimiter(4, 40)
	for range 4 + 8 + 16 + 32 {
		l.succeeded(now) // nothing is known of a limit: twofold each round
	}
	for range 32 {
		if err := l.acquire(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if l.bound() != 40 || l.total != 40 || len(l.tokens) != 8 {
		t.Fatalf("bound %d, %d of %d tokens", l.bound(), len(l.tokens), l.total)
	}
	for range 10 {
		l.throttled(now, 1)
	}
	if l.bound() != 32 { // one of 32 is refused: 31 are not, and one or two may wait
		t.Errorf("bound %d", l.bound())
	}
	round := func(waiting, bound int) {
		t.Helper()
		for l.waiters < waiting {
			l.throttled(now, 1)
		}
		for l.waiters > waiting {
			l.retried(now)
		}
		l.round(now)
		for range l.bound() {
			now = now.Add(100 * time.Millisecond)
			l.succeeded(now)
		}
		if l.bound() != bound {
			t.Errorf("%d waiting: bound %d, not %d", waiting, l.bound(), bound)
		}
	}
	round(30, 16) // 28 too many, but no more than half is taken at once
	round(7, 10)
	for range 32 {
		l.release()
	}
	if len(l.tokens) != 10 || l.total != 10 {
		t.Errorf("%d of %d tokens", len(l.tokens), l.total)
	}
	round(1, 10)
	round(0, 13)
	round(0, 16)
	if len(l.tokens) != 16 {
		t.Errorf("%d tokens", len(l.tokens))
	}
	// Waiting requests come back about as often as answers are given.
	if d := l.throttled(now, 1); d < 70*time.Millisecond || d > 160*time.Millisecond {
		t.Errorf("waits %s", d)
	}
	if d := l.throttled(now, 20); d < waitMost/2 || d > waitMost {
		t.Errorf("waits %s", d)
	}
}

func TestQuoteASCII(t *testing.T) {
	for _, s := range []string{"", "a\"b\\c\nd\te\x00\x7f\u009b", "é日😀\u2028"} {
		var back string
		q := quoteASCII(s)
		if err := json.Unmarshal([]byte(q), &back); err != nil || back != s {
			t.Errorf("%q: %s, %q, %v", s, q, back, err)
		}
		for i := range len(q) {
			if q[i] < ' ' || q[i] >= 0x7f {
				t.Errorf("%q is not ASCII", q)
			}
		}
	}
}

// TestTogether: of forty models that are as good as the baseline some seem to
// differ by chance, each on its own; together none does, and one that is better
// still is.
func TestTogether(t *testing.T) {
	const rows, same = 400, 40
	models := []chat.Model{{Ref: "base"}}
	for i := range same {
		models = append(models, chat.Model{Ref: fmt.Sprint("same", i)})
	}
	models = append(models, chat.Model{Ref: "better"})
	index := make([]int64, rows)
	b := newBoard(models, index, Spec{Seed: 1}, []metrics.Score{{Name: "exact_match_score", Binary: true}, {Name: "f1_score"}})
	rnd := rand.New(rand.NewPCG(2, 2))
	for m := range models {
		for pos := range rows {
			v := 0.0
			if rnd.Float64() < 0.5 || models[m].Ref == "better" && rnd.Float64() < 0.5 {
				v = 1
			}
			b.add(m, pos, "", []float64{v, v / 2}, 0, 0, 0)
		}
	}
	alone, real := 0, map[string]int{}
	list := b.differences()
	for i, d := range list {
		if d.PAdjusted < d.PValue || d.PAdjusted > 1 {
			t.Errorf("%s: p %v becomes %v", d.Model, d.PValue, d.PAdjusted)
		}
		if want := models[1+i/2].Ref; d.Model != want {
			t.Errorf("the difference of %s stands in the place of %s", d.Model, want)
		}
		if d.Model != "better" && !(d.Interval.Low <= 0 && d.Interval.High >= 0) {
			alone++
		}
		if d.Real {
			real[d.Model]++
		}
	}
	if alone == 0 || len(real) != 1 || real["better"] != 2 {
		t.Errorf("%d seem to differ alone; together %v do", alone, real)
	}
	two := newBoard(models[:2], index, Spec{}, b.scores)
	two.add(0, 0, "", []float64{0, 0}, 0, 0, 0)
	two.add(1, 0, "", []float64{1, 1}, 0, 0, 0)
	if d := two.differences()[0]; d.PAdjusted != d.PValue {
		t.Errorf("one model: %+v", d)
	}
}
