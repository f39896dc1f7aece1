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
	l := newLimiter(4, 8, func() time.Time { return now })
	now = now.Add(time.Minute)
	for range 4 {
		if err := l.acquire(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	l.throttled()
	l.throttled() // the same cut
	if l.bound() != 2 {
		t.Errorf("bound %d", l.bound())
	}
	for range 4 {
		l.release()
	}
	if len(l.tokens) != 2 {
		t.Errorf("%d tokens", len(l.tokens))
	}
	for range 100 {
		l.succeeded()
	}
	if l.bound() != 8 || len(l.tokens) != 8 {
		t.Errorf("bound %d, %d tokens", l.bound(), len(l.tokens))
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
