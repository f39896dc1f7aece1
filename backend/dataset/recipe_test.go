package dataset

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tunebench/backend/dataset/profile"
)

func prepared(t *testing.T, src string, o PrepareOptions) (Manifest, map[string]Row) {
	t.Helper()
	o.Out = filepath.Join(t.TempDir(), "out")
	m, err := Prepare(context.Background(), src, o, nil)
	if err != nil {
		t.Fatalf("%+v: %v", o.Recipe, err)
	}
	rows := map[string]Row{}
	var left int64
	for _, s := range m.Splits {
		left += s.Rows
		if s.Rows == 0 {
			continue
		}
		for _, r := range all(t, open(t, filepath.Join(o.Out, s.File))) {
			rows[r.ID] = r
		}
	}
	sum := left
	for why, n := range m.Dropped {
		if why != LaterTurns {
			sum += int64(n)
		}
	}
	if sum != m.SourceRows {
		t.Errorf("%+v: %d rows are left of %d, dropped %v", o.Recipe, left, m.SourceRows, m.Dropped)
	}
	return m, rows
}

// Whatever a recipe leaves out is counted under its reason.
func TestRecipes(t *testing.T) {
	src := write(t, "x.jsonl", mixedRows())
	held := write(t, "held.jsonl", `{"question":"WHAT is the 7  of 49?","response":"x"}`)
	for _, c := range []struct {
		recipe Recipe
		reason string
		n      int
		gone   string
	}{
		{Recipe{}, DroppedDuplicate, 2, "niv.102"}, {Recipe{Dedup: DedupNone}, DroppedDuplicate, 0, ""}, {Recipe{Dedup: DedupRow}, DroppedDuplicate, 1, "niv.100"},
		{Recipe{Dedup: DedupNear}, DroppedNear, 0, ""}, {Recipe{Filter: "not refusal"}, DroppedFilter, 1, "cot.104"}, {Recipe{Filter: "not near_duplicate"}, DroppedFilter, 2, "niv.102"},
		{Recipe{Against: held}, DroppedLeaked, 1, "niv.7"}, {Recipe{MaxAnswer: 100}, DroppedLong, 102, "flan.0"}, {Recipe{MaxTokens: 60, Filter: "id !~ ^cot"}, DroppedLong, 102, "flan.0"},
		{Recipe{Sample: 10}, DroppedSample, 93, ""}, {Recipe{Sample: 10, SampleBy: SampleHead}, DroppedSample, 95, "flan.10"}, {Recipe{Sample: 20, SampleBy: SampleStratified}, DroppedSample, 83, ""},
	} {
		m, rows := prepared(t, src, PrepareOptions{Seed: 3, Recipe: c.recipe})
		if c.reason == DroppedNear && m.Dropped[DroppedDuplicate]+m.Dropped[DroppedNear] < 2 || c.reason != DroppedNear && m.Dropped[c.reason] != c.n {
			t.Errorf("%+v: %v, want %d %s", c.recipe, m.Dropped, c.n, c.reason)
		}
		if _, ok := rows[c.gone]; ok {
			t.Errorf("%+v: %s is there", c.recipe, c.gone)
		}
		if (m.Recipe == nil) != (c.recipe == Recipe{}) {
			t.Errorf("%+v: the manifest has %+v", c.recipe, m.Recipe)
		}
	}
}

func TestSamplesAreTheSameAgain(t *testing.T) {
	src := write(t, "x.jsonl", manyRows(6000))
	_, a := prepared(t, src, PrepareOptions{Seed: 3, Recipe: Recipe{Sample: 500}})
	lines := strings.SplitAfter(strings.TrimSuffix(manyRows(6000), "\n"), "\n")
	lines[len(lines)-1] += "\n"
	var turned strings.Builder
	for i := range lines {
		turned.WriteString(lines[len(lines)-1-i])
	}
	_, b := prepared(t, write(t, "y.jsonl", turned.String()), PrepareOptions{Seed: 3, Recipe: Recipe{Sample: 500}})
	_, other := prepared(t, src, PrepareOptions{Seed: 4, Recipe: Recipe{Sample: 500}})
	if len(a) != 500 || len(b) != 500 || len(other) != 500 {
		t.Fatal(len(a), len(b), len(other))
	}
	same := 0
	for id := range a {
		if _, ok := b[id]; !ok {
			t.Fatalf("%s is in one sample of the same rows only", id)
		}
		if _, ok := other[id]; ok {
			same++
		}
	}
	if same > 150 {
		t.Errorf("another seed draws %d of the same 500 rows", same)
	}
	_, strat := prepared(t, write(t, "z.jsonl", strings.Replace(mixedRows(), "{broken\n", "", 1)), PrepareOptions{Seed: 3, Recipe: Recipe{Sample: 20, SampleBy: SampleStratified, Dedup: DedupNone}})
	mixes := map[string]int{}
	for id := range strat {
		mixes[profile.MixOf(id, "")]++
	}
	if len(strat) != 20 || mixes["flan"] < 9 || mixes["niv"] < 9 {
		t.Errorf("%v", mixes)
	}
}

func TestCleaning(t *testing.T) {
	src := write(t, "x.jsonl", `{"id":"a","question":"  Is 1 &lt; 2?\r\nSay. ","response":"Yes &amp; no\r"}`+"\n")
	_, rows := prepared(t, src, PrepareOptions{Split: [3]float64{1, 0, 0}, Recipe: Recipe{Trim: true, LineEnds: true, Unescape: true}})
	if r := rows["a"]; r.Question != "Is 1 < 2?\nSay." || r.Answer != "Yes & no" {
		t.Errorf("%q, %q", r.Question, r.Answer)
	}
}

func TestRecipesThatAreWrong(t *testing.T) {
	src := write(t, "x.jsonl", mixedRows())
	for want, r := range map[string]Recipe{"dedup is": {Dedup: "all"}, "sample_by is": {SampleBy: "x"}, "is negative": {Sample: -1}, "filter": {Filter: "len("}, "evaluation file": {Against: "/nowhere"}} {
		if _, err := Prepare(context.Background(), src, PrepareOptions{Out: filepath.Join(t.TempDir(), "o"), Recipe: r}, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// The rows are written as encoding/json writes them.
func FuzzEncode(f *testing.F) {
	for _, s := range []string{"plain", "a\"b\\\n\r\t\b\f\x00\x1f\x7f", "é\u2028\u2029\u2030<&>", "\xff\xe2\x80", strings.Repeat("x", 40) + "\u2028"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var want bytes.Buffer
		enc := json.NewEncoder(&want)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(s); err != nil {
			t.Fatal(err)
		}
		if got := string(appendString(nil, s)) + "\n"; got != want.String() {
			t.Fatalf("%q: %s, want %s", s, got, want.String())
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	text := strings.Repeat("the words of a text that goes on for some while, \"so\" to say.\n\n", 30)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	var buf []byte
	for b.Loop() {
		buf = appendString(buf[:0], text)
	}
}

// A preparation holds hashes and a few pieces of the file, not the file.
func TestPrepareOfManyFiles(t *testing.T) {
	dir := t.TempDir()
	for i := range 3 {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.jsonl", i)), []byte(manyRows(500*(i+1))), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	m, rows := prepared(t, dir, PrepareOptions{Seed: 1})
	if m.SourceRows != 3000 || len(rows) != 1500 || len(m.Sources) != 3 || m.Dropped[DroppedDuplicate] != 1500 {
		t.Errorf("%+v", m)
	}
}
