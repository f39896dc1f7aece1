package logs

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

var base = time.UnixMilli(1767323045678)

func openStore(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(dir, Options{Now: func() time.Time { return base.Add(time.Hour) }})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func write(t *testing.T, s *Store, stream string, second int, messages ...string) {
	t.Helper()
	var events []Event
	for i, m := range messages {
		events = append(events, Event{base.Add(time.Duration(second+i) * time.Second), m})
	}
	if err := s.Append(t.Context(), "group", stream, events); err != nil {
		t.Fatal(err)
	}
}

func filter(t *testing.T, s *Store, in filterInput) filterOutput {
	t.Helper()
	in.Group = "group"
	out, err := s.filterLogEvents(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return out.(filterOutput)
}

func text(events []outputEvent) string {
	var b strings.Builder
	for _, e := range events {
		b.WriteString(e.Message + "|")
	}
	return b.String()
}

// Everything is there after a restart, with the same event ids; the line that
// a killed process did not finish is not, and the next one takes its place.
func TestRestart(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	write(t, s, "job/algo-1", 0, "one", "two\nlines \x1b[31m", "three")
	write(t, s, "job/algo-2", 1, "uno")
	before := filter(t, s, filterInput{})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Append(t.Context(), "group", "job/algo-1", []Event{{base, "late"}}); err == nil {
		t.Error("a closed store was written")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*", "*.log"))
	if err != nil || len(files) != 2 {
		t.Fatal(files, err)
	}
	for _, path := range files {
		f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
		if err == nil {
			_, err = f.WriteString("1767323045999\t176732")
			f.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	s = openStore(t, dir)
	after := filter(t, s, filterInput{})
	if fmt.Sprint(before) != fmt.Sprint(after) || len(after.Events) != 4 {
		t.Errorf("before %+v\nafter %+v", before, after)
	}
	write(t, s, "job/algo-1", 3, "four")
	s = openStore(t, dir)
	if got := text(filter(t, s, filterInput{Streams: []string{"job/algo-1"}}).Events); got != "one|two\nlines \x1b[31m|three|four|" {
		t.Errorf("%q", got)
	}
}

// A late, older event is found by FilterLogEvents and does not disturb tokens.
func TestLateEvents(t *testing.T) {
	s := openStore(t, t.TempDir())
	write(t, s, "a", 10, "m10", "m11")
	write(t, s, "b", 10, "n10")
	page := filter(t, s, filterInput{Limit: 2})
	write(t, s, "a", 5, "m5")
	rest := filter(t, s, filterInput{Token: page.Next})
	if got := text(page.Events) + text(rest.Events); strings.Count(got, "|") != 3 {
		t.Errorf("%q", got)
	}
	if got := text(filter(t, s, filterInput{}).Events); !strings.HasPrefix(got, "m5|") || !strings.HasSuffix(got, "m11|") {
		t.Errorf("%q", got)
	}
	start, end := base.Add(10*time.Second).UnixMilli(), base.Add(11*time.Second).UnixMilli()
	if got := text(filter(t, s, filterInput{Start: &start, End: &end, Streams: []string{"a"}}).Events); got != "m10|m11|" {
		t.Errorf("inclusive end: %q", got)
	}
	out, err := s.getLogEvents(t.Context(), getInput{Group: "group", Stream: "a", Start: &start, End: &end, StartFromHead: true})
	if err != nil || text(out.(getOutput).Events) != "m10|" {
		t.Errorf("exclusive end: %+v %v", out, err)
	}
}

// A reader that follows with the forward token gets every line once.
func TestFollow(t *testing.T) {
	s := openStore(t, t.TempDir())
	if err := s.createGroup("group"); err != nil {
		t.Fatal(err)
	}
	if err := s.createStream("group", "a"); err != nil {
		t.Fatal(err)
	}
	in := getInput{Group: "group", Stream: "a", StartFromHead: true}
	var got strings.Builder
	for i := range 5 {
		for range 2 { // the second time at the end
			res, err := s.getLogEvents(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			out := res.(getOutput)
			if in.Token != "" && len(out.Events) == 0 && out.Forward != in.Token {
				t.Errorf("at the end: %q became %q", in.Token, out.Forward)
			}
			got.WriteString(text(out.Events))
			in.Token = out.Forward
		}
		write(t, s, "a", 0, fmt.Sprint(i)) // the same timestamp each time
	}
	if got.String() != "0|1|2|3|" {
		t.Errorf("%q", got.String())
	}
	// An empty stream read from its tail is followed from its start.
	if err := s.createStream("group", "b"); err != nil {
		t.Fatal(err)
	}
	res, err := s.getLogEvents(t.Context(), getInput{Group: "group", Stream: "b"})
	if err != nil {
		t.Fatal(err)
	}
	write(t, s, "b", 0, "first")
	res, err = s.getLogEvents(t.Context(), getInput{Group: "group", Stream: "b", Token: res.(getOutput).Forward})
	if err != nil || text(res.(getOutput).Events) != "first|" {
		t.Errorf("%+v %v", res, err)
	}
	for _, token := range []string{"x", "f/1", "f/a/b", "g/1/2"} {
		if _, err := s.getLogEvents(t.Context(), getInput{Group: "group", Stream: "b", Token: token}); err == nil {
			t.Errorf("token %q was accepted", token)
		}
	}
}

func TestPageBytes(t *testing.T) {
	s := openStore(t, t.TempDir())
	long := strings.Repeat("x", 300<<10)
	write(t, s, "a", 0, long, long, long, long, long)
	in := getInput{Group: "group", Stream: "a", StartFromHead: true}
	res, err := s.getLogEvents(t.Context(), in)
	if err != nil || len(res.(getOutput).Events) != 3 {
		t.Errorf("%d events, %v", len(res.(getOutput).Events), err)
	}
	if out := filter(t, s, filterInput{}); len(out.Events) != 4 || out.Next == "" {
		t.Errorf("%d events, next %q", len(out.Events), out.Next)
	}
}

func TestPatterns(t *testing.T) {
	for _, tc := range []struct {
		pattern, message string
		want             bool
	}{
		{"", "anything", true}, {"ERROR", "an ERROR here", true}, {"ERROR", "an error", false},
		{"a b", "b then a", true}, {"a b", "only a", false}, {"?x ?y", "has y", true}, {"?x ?y", "z", false},
		{`"two words"`, "the two words", true}, {`"two words"`, "two other words", false}, {`"say \"hi\""`, `say "hi"`, true},
		{"a -c", "a b", true}, {"a -c", "a c", false}, {"a ?z", "a", true}, {`?"q r" ?s`, "q r", true},
	} {
		p, err := parsePattern(tc.pattern)
		if err != nil || p.match(tc.message) != tc.want {
			t.Errorf("%q on %q: %v", tc.pattern, tc.message, err)
		}
	}
	for _, bad := range []string{"{ $.a = 1 }", "[a, b]", "%x%", `"open`, "a(b"} {
		if _, err := parsePattern(bad); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

func TestConcurrentAppend(t *testing.T) {
	s := openStore(t, t.TempDir())
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 50 {
				write(t, s, fmt.Sprint("s", w%2), i, "line")
				if _, err := s.listStreams("group", ""); err != nil {
					t.Error(err)
				}
			}
		})
		wg.Go(func() {
			for range 20 {
				if _, err := s.filterLogEvents(t.Context(), filterInput{Group: "group"}); err != nil && !strings.Contains(err.Error(), "does not exist") {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if got := filter(t, s, filterInput{}); len(got.Events) != 200 {
		t.Errorf("%d events", len(got.Events))
	}
}
