package logstore

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tunebench/backend/dataset/match"
)

func open(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func add(t *testing.T, s *Store, e ...Entry) []Entry {
	t.Helper()
	added, err := s.Append(e)
	if err != nil {
		t.Fatal(err)
	}
	return added
}

func texts(t *testing.T, s *Store) []string {
	t.Helper()
	lines, err := s.Lines(0, s.Len())
	if err != nil {
		t.Fatal(err)
	}
	out := make([]string, 0, len(lines))
	for i, l := range lines {
		if s.Place(l.Arrival) != i {
			t.Fatalf("arrival %d is at %d, not %d", l.Arrival, s.Place(l.Arrival), i)
		}
		out = append(out, l.Text)
	}
	return out
}

// made is a log of n events over three streams, in the order of their times,
// and the same events in lots as a service would hand them out: most in order,
// some late by up to five minutes, many of them again.
func made(n int, seed uint64) (want []Entry, lots [][]Entry) {
	rnd := rand.New(rand.NewPCG(seed, 1))
	var ms int64 = 1_767_000_000_000
	for i := range n {
		ms += int64(rnd.IntN(40))
		want = append(want, Entry{ID: fmt.Sprint("id-", i), Time: ms, Stream: fmt.Sprintf("algo-%d-1767000000", i%3+1), Text: fmt.Sprintf("line %d of a log, loss=%d.%03d", i, rnd.IntN(3), rnd.IntN(1000))})
	}
	type arriving struct {
		at int64
		e  Entry
	}
	var all []arriving
	for _, e := range want {
		at := e.Time
		if rnd.IntN(10) == 0 {
			at += int64(rnd.IntN(300_000))
		}
		all = append(all, arriving{at, e})
	}
	slices.SortStableFunc(all, func(a, b arriving) int { return cmp.Compare(a.at, b.at) })
	for i := 0; i < len(all); {
		k := min(i+1+rnd.IntN(900), len(all))
		var lot []Entry
		for _, a := range all[max(0, i-rnd.IntN(500)):k] {
			lot = append(lot, a.e)
		}
		slices.SortStableFunc(lot, func(a, b Entry) int { return cmp.Compare(a.Time, b.Time) })
		lots = append(lots, lot)
		i = k
	}
	return want, lots
}

func TestOrderAndDuplicates(t *testing.T) {
	for seed := range uint64(5) {
		want, lots := made(20_000, seed)
		path := filepath.Join(t.TempDir(), "a", "log")
		s := open(t, path)
		n := 0
		for i, lot := range lots {
			n += len(add(t, s, lot...))
			if i == len(lots)/2 { // a restart in the middle
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				if seed%2 == 1 { // without its index
					if err := os.Remove(path + ".index"); err != nil {
						t.Fatal(err)
					}
				}
				s = open(t, path)
			}
		}
		if n != len(want) || s.Len() != len(want) {
			t.Fatalf("seed %d: %d taken, %d there, of %d", seed, n, s.Len(), len(want))
		}
		lines, err := s.Lines(0, s.Len())
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]int{}
		late := 0
		for i, l := range lines {
			got[l.Text]++
			if i > 0 && l.Time < lines[i-1].Time {
				t.Fatalf("seed %d: line %d is older than the one before", seed, i)
			}
			if l.Late {
				late++
			}
		}
		for _, e := range want {
			if got[e.Text] != 1 {
				t.Fatalf("seed %d: %q is there %d times", seed, e.Text, got[e.Text])
			}
		}
		if late < len(want)/30 || late > len(want)/8 {
			t.Errorf("seed %d: %d lines are marked as late", seed, late)
		}
		texts(t, s)
		for i := range lines {
			a, err := s.Arrived(i, 1)
			if err != nil || len(a) != 1 || a[0].Arrival != i {
				t.Fatalf("arrival %d: %+v, %v", i, a, err)
			}
		}
		s.Close()
	}
}

func TestRestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	s := open(t, path)
	add(t, s, Entry{ID: "1", Time: 1000, Stream: "algo-1-1700000000", Text: "one"}, Entry{ID: "2", Time: 2000, Stream: "algo-2-1700000000", Text: "two"})
	other := open(t, path)
	if other.Kept() || !s.Kept() || other.Len() != 0 {
		t.Error("two stores share a file")
	}
	add(t, other, Entry{ID: "9", Time: 1, Text: "elsewhere"})
	s.Close()
	// A record that was not finished when the process ended.
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("0000half a rec"); err != nil {
		t.Fatal(err)
	}
	f.Close()
	s = open(t, path)
	add(t, s, Entry{ID: "2", Time: 2000, Stream: "algo-2-1700000000", Text: "two"}, Entry{ID: "3", Time: 1500, Stream: "algo-1-1700009999", Text: "between\nlines"})
	if got := strings.Join(texts(t, s), "|"); got != "one|between⏎lines|two" {
		t.Error(got)
	}
	lines, _ := s.Lines(0, 3)
	if lines[0].Stream != "algo-1" || lines[1].Stream != "algo-1 #2" || lines[2].Stream != "algo-2" || s.Streams() != 3 {
		t.Errorf("%+v", lines)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	s.Close()
	// An index that is damaged is no harm.
	if err := os.WriteFile(path+".index", []byte(savedMagic+"nonsense that is long enough"), 0o600); err != nil {
		t.Fatal(err)
	}
	if s = open(t, path); s.Len() != 3 {
		t.Errorf("%d lines", s.Len())
	}
}

// plainHits is what a search must find, in the order of times.
func plainHits(t *testing.T, s *Store, p *match.Pattern) (places []int) {
	t.Helper()
	lines, err := s.Lines(0, s.Len())
	if err != nil {
		t.Fatal(err)
	}
	m := p.Matcher()
	for i, l := range lines {
		if m.Match([]byte(l.Text)) {
			places = append(places, i)
		}
	}
	return places
}

func drain(t *testing.T, s *Store, h *Hits) {
	t.Helper()
	for h.Scanned() < s.Len() {
		select {
		case <-h.Changed():
		case <-t.Context().Done():
			t.Fatal("the search does not end")
		}
	}
	if h.Err() != nil {
		t.Fatal(h.Err())
	}
}

func TestSearch(t *testing.T) {
	_, lots := made(60_000, 7)
	for _, c := range []struct {
		text string
		o    match.Options
	}{{"line 4711 ", match.Options{}}, {"LOSS=1", match.Options{Fold: true}}, {`line \d+7 .*loss=2\.\d*9$`, match.Options{Regexp: true}},
		{`\d\d\d\d\d`, match.Options{Regexp: true}}, {"algo", match.Options{}}, {"^line", match.Options{Regexp: true}}} {
		s := open(t, "")
		p, err := match.New(c.text, c.o)
		if err != nil {
			t.Fatal(err)
		}
		half := len(lots) / 2
		for _, lot := range lots[:half] {
			add(t, s, lot...)
		}
		h := s.Search(context.Background(), p)
		for _, lot := range lots[half:] {
			add(t, s, lot...)
		}
		drain(t, s, h)
		want := plainHits(t, s, p)
		if h.Len() != len(want) {
			t.Fatalf("%s: %d hits, not %d", c.text, h.Len(), len(want))
		}
		for k, place := range want {
			if h.Place(k) != place || h.Before(place) != k || h.Before(place+1) != k+1 {
				t.Fatalf("%s: hit %d is at %d (%d before it), not %d", c.text, k, h.Place(k), h.Before(place), place)
			}
		}
		// A line that comes late and matches stands in its place.
		if len(want) > 10 {
			mid, _ := s.Lines(want[5], 1)
			add(t, s, Entry{ID: "late", Time: mid[0].Time, Text: mid[0].Text})
			drain(t, s, h)
			if got := plainHits(t, s, p); h.Len() != len(want)+1 || h.Place(6) != got[6] || h.Place(len(want)) != got[len(want)] {
				t.Fatalf("%s: after a late line", c.text)
			}
		}
		if l, err := h.Lines(0, 3); err != nil || len(l) != min(3, h.Len()) {
			t.Errorf("%v, %v", l, err)
		}
		h.Close()
		s.Close()
	}
}

// TestLongLines: a line may be longer than a chunk and than what is searched at
// a time.
func TestLongLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	s := open(t, path)
	var want []string
	for i := range 40 {
		text := strings.Repeat("x", i*i*1500) + " end of " + fmt.Sprint(i)
		want = append(want, text)
		add(t, s, Entry{ID: fmt.Sprint(i), Time: int64(i), Text: text})
	}
	if !slices.Equal(texts(t, s), want) {
		t.Fatal("lines have changed")
	}
	p, _ := match.New("end of 3", match.Options{})
	h := s.Search(t.Context(), p)
	drain(t, s, h)
	if h.Len() != 11 || h.Place(1) != 30 {
		t.Errorf("%d hits, the second at %d", h.Len(), h.Place(1))
	}
	h.Close()
	s.Close()
	if err := os.Remove(path + ".index"); err != nil {
		t.Fatal(err)
	}
	if s = open(t, path); !slices.Equal(texts(t, s), want) {
		t.Fatal("lines have changed after a restart")
	}
}
