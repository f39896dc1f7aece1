package evaluation

import (
	"net/http"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"tunebench/backend/chat/chattest"
)

// BenchmarkRun is a run of 100,000 records, 50,000 rows × 2 models, against a
// server that answers at once. It reports the largest heap that was live, sampled
// every 20 ms after the garbage collector's own counting.
func BenchmarkRun(b *testing.B) {
	const rows = 50_000
	data := writeDataset(b, rows)
	for b.Loop() {
		f := newFixture(b, func(w http.ResponseWriter, _ *http.Request, c chattest.Call) { chattest.Say(w, c, answer(c)) })
		f.server.Forget = true
		var most atomic.Uint64
		stop, stopped := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(stopped)
			t := time.NewTicker(20 * time.Millisecond)
			defer t.Stop()
			for {
				select {
				case <-t.C:
					var m runtime.MemStats
					runtime.ReadMemStats(&m)
					most.Store(max(most.Load(), m.HeapAlloc))
				case <-stop:
					return
				}
			}
		}()
		l, err := f.Start(b.Context(), Spec{Dataset: data, Models: []string{"base", "tuned"}})
		if err != nil {
			b.Fatal(err)
		}
		<-l.Done()
		close(stop)
		<-stopped
		if r, err := l.Wait(b.Context()); err != nil || r.Status != Finished || r.Done != 2*rows || r.Models[1].Scores["exact_match_score"] != 0.9 {
			b.Fatal(r.Status, r.Done, err)
		}
		b.ReportMetric(float64(most.Load())/(1<<20), "MiB-heap")
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/run")
}
