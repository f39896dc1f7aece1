package evaluation

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
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
