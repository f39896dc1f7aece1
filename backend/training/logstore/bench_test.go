package logstore

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"

	"tunebench/backend/dataset/match"
)

// benchLines is how long the log of the benchmarks is; TUNEBENCH_LOG_LINES
// changes it.
func benchLines() int {
	if n, err := strconv.Atoi(os.Getenv("TUNEBENCH_LOG_LINES")); err == nil && n > 0 {
		return n
	}
	return 200_000
}

// fill appends a log of n lines of about 120 bytes in lots of 10,000, as a
// service hands them out, one line in a hundred some seconds late.
func fill(b *testing.B, s *Store, n int) {
	b.Helper()
	rnd := rand.New(rand.NewPCG(1, 1))
	ms := int64(1_767_000_000_000)
	lot := make([]Entry, 0, 10_000)
	for i := range n {
		ms += int64(rnd.IntN(4))
		at := ms
		if i%10_000 < 100 && i > 0 { // these stand in the lot before
			at -= int64(rnd.IntN(20_000))
		}
		level := "INFO"
		switch rnd.IntN(1000) {
		case 0:
			level = "ERROR"
		case 1, 2, 3:
			level = "WARNING"
		}
		text := fmt.Sprintf("%s trainer step=%d loss=%d.%04d grad_norm=%d.%03d lr=9.9e-05 tokens/s=%d host memory %d.%02d GB in use", level, i, rnd.IntN(3), rnd.IntN(10_000), rnd.IntN(2), rnd.IntN(1000), 2000+rnd.IntN(500), rnd.IntN(90), rnd.IntN(100))
		if i == n*3/4 {
			text = "torch.OutOfMemoryError: CUDA out of memory on GPU 3;"
		}
		lot = append(lot, Entry{ID: strconv.Itoa(i), Time: at, Stream: "algo-" + strconv.Itoa(i%3+1) + "-1767000000", Text: text})
		if len(lot) == cap(lot) || i == n-1 {
			if _, err := s.Append(lot); err != nil {
				b.Fatal(err)
			}
			lot = lot[:0]
		}
	}
}

func heap() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc) / 1e6
}

func BenchmarkStore(b *testing.B) {
	n := benchLines()
	path := filepath.Join(b.TempDir(), "log")
	empty := heap()
	s, err := Open(path)
	if err != nil {
		b.Fatal(err)
	}
	began := time.Now()
	fill(b, s, n)
	filled := time.Since(began)
	b.Run(fmt.Sprintf("append-%d-lines", n), func(b *testing.B) {
		for b.Loop() {
		}
		b.ReportMetric(float64(n)/filled.Seconds(), "lines/s")
		b.ReportMetric(float64(s.size)/1e6, "file-MB")
		b.ReportMetric(heap()-empty, "heap-MB")
		b.ReportMetric(float64(len(s.order.runs)), "runs")
	})
	b.Run("last-screen", func(b *testing.B) {
		for b.Loop() {
			if l, err := s.Lines(s.Len()-50, 50); err != nil || len(l) != 50 {
				b.Fatal(err)
			}
		}
	})
	b.Run("jump-anywhere", func(b *testing.B) {
		rnd := rand.New(rand.NewPCG(1, 2))
		for b.Loop() {
			if l, err := s.Lines(rnd.IntN(n-50), 50); err != nil || len(l) != 50 {
				b.Fatal(err)
			}
		}
	})
	b.Run("append-100", func(b *testing.B) {
		at := s.Newest()
		lot := make([]Entry, 100)
		k := 0
		for b.Loop() {
			for i := range lot {
				k++
				at++
				lot[i] = Entry{ID: "new" + strconv.Itoa(k), Time: at, Stream: "algo-1-1767000000", Text: "a line of a log that is being followed, about as long as such lines are, and one more word"}
			}
			if _, err := s.Append(lot); err != nil {
				b.Fatal(err)
			}
		}
	})
	for _, q := range []struct {
		name, text string
		o          match.Options
	}{
		{"literal", "CUDA out of memory", match.Options{}},
		{"either-case", "cuda OUT", match.Options{Fold: true}},
		{"alternatives", "(ERROR|WARNING)", match.Options{Regexp: true}},
		{"regexp", `step=\d+00 .*grad_norm=1\.4\d\d`, match.Options{Regexp: true}},
		{"regexp-no-literal", `\d+\.\d{2} GB in`, match.Options{Regexp: true}},
		{"third-of-lines", `loss=0\.[0-6]\d+ `, match.Options{Regexp: true}},
	} {
		p, err := match.New(q.text, q.o)
		if err != nil {
			b.Fatal(err)
		}
		b.Run("search-"+q.name, func(b *testing.B) {
			hits := 0
			var first time.Duration
			for b.Loop() {
				began := time.Now()
				h := s.Search(context.Background(), p)
				for h.Scanned() < s.Len() {
					<-h.Changed()
					if hits = h.Len(); hits > 0 && first == 0 {
						first = time.Since(began)
					}
				}
				hits = h.Len()
				h.Close()
			}
			b.ReportMetric(float64(hits), "hits")
			b.ReportMetric(float64(first.Microseconds())/1000, "first-ms")
		})
	}
	b.ReportMetric(heap()-empty, "heap-MB")
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	for _, index := range []bool{true, false} {
		b.Run(fmt.Sprintf("open-index-%v", index), func(b *testing.B) {
			for b.Loop() {
				if !index {
					b.StopTimer()
					if err := os.Remove(path + ".index"); err != nil && !os.IsNotExist(err) {
						b.Fatal(err)
					}
					b.StartTimer()
				}
				s, err := Open(path)
				if err != nil {
					b.Fatal(err)
				}
				if l, err := s.Lines(s.Len()-50, 50); err != nil || len(l) != 50 {
					b.Fatal(err)
				}
				if err := s.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
