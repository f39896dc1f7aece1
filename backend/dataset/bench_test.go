package dataset

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

// bigFile writes synthetic rows in OpenOrca's shape, TUNEBENCH_BENCH_MB (64 by
// default) megabytes of them, and returns the path and the number of rows.
func bigFile(tb testing.TB) (path string, rows int) {
	tb.Helper()
	mb, err := strconv.Atoi(os.Getenv("TUNEBENCH_BENCH_MB"))
	if err != nil {
		mb = 64
	}
	dir := os.Getenv("TUNEBENCH_BENCH_DIR")
	if dir == "" {
		dir = tb.TempDir()
	}
	path = filepath.Join(dir, fmt.Sprintf("orca%d.jsonl", mb))
	f, err := os.Create(path)
	if err != nil {
		tb.Fatal(err)
	}
	w := bufio.NewWriterSize(f, 1<<20)
	rng := rand.New(rand.NewPCG(1, 2))
	words := make([]string, 4000)
	syl := []string{"ta", "ner", "is", "mo", "del", "con", "qua", "ti", "on", "ness", "re", "pa", "li", "sto", "in", "er"}
	for i := range words {
		for range 1 + rng.IntN(3) {
			words[i] += syl[rng.IntN(len(syl))]
		}
	}
	text := func(n int) {
		for range n {
			w.WriteString(words[int(rng.ExpFloat64()*400)%len(words)])
			switch rng.IntN(40) {
			case 0:
				w.WriteString(`.\n\n`)
			case 1:
				w.WriteString(`, \"so\" `)
			default:
				w.WriteByte(' ')
			}
		}
	}
	sets := []string{"niv", "flan", "cot", "t0"}
	for size := 0; size < mb*1_000_000; rows++ {
		n := 30 + int(rng.ExpFloat64()*130)
		fmt.Fprintf(w, `{"id": "%s.%d", "system_prompt": "You are an AI assistant. Think step by step.", "question": "`, sets[rng.IntN(4)], rows)
		text(n)
		w.WriteString(`", "response": "`)
		m := 30 + int(rng.ExpFloat64()*150)
		text(m)
		if rows%100_000 == 77 {
			w.WriteString("zqneedle")
		}
		w.WriteString("\"}\n")
		size += 110 + 6*(n+m)
	}
	if err := w.Flush(); err != nil {
		tb.Fatal(err)
	}
	if err := f.Close(); err != nil {
		tb.Fatal(err)
	}
	return path, rows
}

func BenchmarkBig(b *testing.B) {
	ctx := context.Background()
	path, rows := bigFile(b)
	st, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	opened := func(b *testing.B) *Dataset {
		d, err := Open(ctx, path, OpenOptions{})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { d.Close() })
		if err := d.WaitIndexed(ctx); err != nil {
			b.Fatal(err)
		}
		return d
	}
	b.Run("first page", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			d, err := Open(ctx, path, OpenOptions{})
			if err != nil {
				b.Fatal(err)
			}
			if r, err := d.Rows(ctx, 0, 50); err != nil || len(r) != 50 {
				b.Fatal(len(r), err)
			}
			b.StopTimer()
			d.Close()
			b.StartTimer()
		}
	})
	b.Run("index", func(b *testing.B) {
		b.SetBytes(st.Size())
		b.ReportAllocs()
		for b.Loop() {
			d := opened(b)
			if n := d.Info().Rows; n != int64(rows) {
				b.Fatal(n)
			}
			d.Close()
		}
	})
	b.Run("jump", func(b *testing.B) {
		d := opened(b)
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			i = (i*31 + 17) % rows
			if _, err := d.Rows(ctx, int64(i), 1); err != nil {
				b.Fatal(err)
			}
		}
	})
	for name, q := range map[string]Query{
		"search rare":                   {Text: "zqneedle"},
		"search common start":           {Text: "the mistral zq"},
		"search fold":                   {Text: "zqNEEDLE", Fold: true},
		"search regexp with literal":    {Text: `zqn\w+dle`, Regexp: true},
		"search three":                  {Text: `zqneedle|mistral|government`, Regexp: true},
		"search regexp without literal": {Text: `[xyz]q[a-m]{3,}`, Regexp: true},
	} {
		b.Run(name, func(b *testing.B) {
			d := opened(b)
			b.SetBytes(st.Size())
			b.ReportAllocs()
			for b.Loop() {
				l, err := d.Search(ctx, q)
				if err != nil {
					b.Fatal(err)
				}
				if err := l.Wait(ctx); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("filter", func(b *testing.B) {
		d := opened(b)
		b.SetBytes(st.Size())
		b.ReportAllocs()
		for b.Loop() {
			l, err := d.Filter(ctx, "len(answer) > 400 and id ~ ^flan")
			if err != nil {
				b.Fatal(err)
			}
			if err := l.Wait(ctx); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("repetitions", func(b *testing.B) { // of a file that is not indexed yet
		b.SetBytes(st.Size())
		b.ReportAllocs()
		for b.Loop() {
			d, err := Open(ctx, path, OpenOptions{Lazy: true})
			if err != nil {
				b.Fatal(err)
			}
			l, err := d.Filter(ctx, "duplicate")
			if err != nil {
				b.Fatal(err)
			}
			if err := errors.Join(l.Wait(ctx), d.Close()); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("profile", func(b *testing.B) {
		d := opened(b)
		b.SetBytes(st.Size())
		b.ReportAllocs()
		for b.Loop() {
			if err := d.Profile(ctx, ProfileOptions{Near: true}).Wait(ctx); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("convert", func(b *testing.B) {
		b.SetBytes(st.Size())
		b.ReportAllocs()
		for b.Loop() {
			if c, err := Convert(ctx, path, io.Discard); err != nil || c.Rows != int64(rows) {
				b.Fatal(c, err)
			}
		}
	})
}
