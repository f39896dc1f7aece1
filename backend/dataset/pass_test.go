package dataset

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"tunebench/backend/dataset/match"
)

func TestPass(t *testing.T) {
	ctx := context.Background()
	const size = 3<<20 + 77
	text := strings.Repeat("a line of text\n", size/15+1)[:size]
	sc := match.NewScanner([]string{"nowhere"}, false, true, nil)
	begin := func(t *testing.T) (*pass, string) {
		path := write(t, "x.jsonl", text)
		src, err := openSource(ctx, path, OpenOptions{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { src.close() })
		p := newPass(src, size)
		if p.mapped == nil { // whether it is worth while or not
			p.mapped = mapFile(src.file, size)
		}
		return p, path
	}
	for _, n := range []int64{1000, 4096, size - 1, size - 5000} {
		t.Run(fmt.Sprint("cut to ", n), func(t *testing.T) {
			p, path := begin(t)
			var buf []byte
			tries := 0
			err := p.try(func() error {
				tries++
				b, err := p.bytes(0, size, p.lies(size), &buf)
				if err != nil {
					return err
				}
				if string(b) != text {
					return fmt.Errorf("try %d: other bytes", tries)
				}
				if err := os.Truncate(path, n); err != nil {
					return err
				}
				if _, lines := sc.Next(b, 0, len(b)); n >= size-1 && p.mapped != nil && lines != strings.Count(text[:n], "\n") {
					return fmt.Errorf("%d lines", lines)
				}
				return nil
			})
			cut := p.end()
			if p.src.file == nil || tries == 1 && err == nil && cut == nil && buf == nil {
				t.Error("nobody noticed")
			}
			for _, err := range []error{err, cut} {
				if err != nil && !strings.Contains(err.Error(), "was cut short") {
					t.Error(err)
				}
			}
			if mapped := buf == nil || tries > 1; mapped && n < size-4096 && (tries != 2 || err == nil) {
				t.Errorf("%d tries: %v", tries, err)
			}
		})
	}
	t.Run("other panics", func(t *testing.T) {
		p, _ := begin(t)
		defer p.end()
		defer func() {
			if r := recover(); r != "mine" {
				t.Errorf("%v", r)
			}
		}()
		_ = p.try(func() error { panic("mine") })
	})
	t.Run("unmapped", func(t *testing.T) { // as where there are no mappings
		p, _ := begin(t)
		if p.mapped != nil {
			unmapFile(p.mapped)
			p.mapped = nil
		}
		buf := make([]byte, 10)
		b, err := p.bytes(5, size, p.lies(size), &buf)
		if err != nil || string(b) != text[5:] || p.end() != nil {
			t.Errorf("%d bytes, %v", len(b), err)
		}
	})
}

// A file that is cut short while it is searched ends the search with an error, or
// was searched before.
func TestCutShortWhileSearched(t *testing.T) {
	ctx := context.Background()
	var b strings.Builder
	for i := 0; b.Len() < 12<<20; i++ {
		fmt.Fprintf(&b, "{\"question\":\"%d\",\"response\":\"%s\"}\n", i, strings.Repeat("word ", i%90))
	}
	for round := range 12 {
		path := write(t, "x.jsonl", b.String())
		d, err := Open(ctx, path, OpenOptions{Lazy: round%2 == 0})
		if err != nil {
			t.Fatal(err)
		}
		l, err := d.Search(ctx, Query{Text: []string{"nowhere", "word"}[round/2%2]})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(round) * 300 * time.Microsecond)
		if err := os.Truncate(path, 1<<20); err != nil {
			t.Fatal(err)
		}
		if err := l.Wait(ctx); err != nil && !strings.Contains(err.Error(), "was cut short") {
			t.Error(err)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
}
