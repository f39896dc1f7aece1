package evaluation

import (
	"math/rand/v2"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tunebench/backend/chat/chattest"
)

// faultServer answers slowly and with faults, each model by its own limits. In
// a synctest bubble its seconds cost nothing and are exact.
type faultServer struct {
	rate   float64 // requests a second that are admitted on the average; 0 for any number
	burst  float64 // and how many at once after a pause
	atOnce int     // requests under way that are admitted; 0 for any number
	pause  time.Duration
	change map[int]float64 // admitted requests → another rate from there on

	mu     sync.Mutex
	rng    *rand.Rand
	models map[string]*allowance
	errors int
	stalls int
}

// allowance is what one model was allowed and what came of it.
type allowance struct {
	rate, tokens     float64
	started, last    time.Time
	sent             time.Time // the last request that was admitted
	allowed, busy    float64   // until then: requests by the rate, seconds × requests at once
	later, laterBusy float64   // since then
	underWay         int
	admitted         int
	throttled        int
	answered         map[string]int
}

func (f *faultServer) serve(w http.ResponseWriter, r *http.Request, c chattest.Call) {
	a, fate, wait := f.admit(c)
	switch fate {
	case "rate":
		chattest.Fail(w, 429, "ThrottlingException", "too many requests, please wait before trying again")
		return
	case "at once":
		chattest.Fail(w, 429, "TooManyRequestsException", "too many concurrent requests")
		return
	}
	select {
	case <-time.After(wait):
	case <-r.Context().Done():
	}
	f.mu.Lock()
	a.pass()
	a.underWay--
	if fate == "answer" && r.Context().Err() == nil {
		a.answered[c.Prompt]++
	}
	f.mu.Unlock()
	switch fate {
	case "error":
		chattest.Fail(w, 500, "InternalServerException", "an internal error")
	case "unavailable":
		chattest.Fail(w, 503, "ServiceUnavailableException", "try again")
	default:
		chattest.Say(w, c, answer(c))
	}
}

// pass brings the allowance up to now.
func (a *allowance) pass() {
	now := time.Now()
	s := now.Sub(a.last).Seconds()
	a.tokens += s * a.rate
	a.later += s * a.rate
	a.laterBusy += s * float64(a.underWay)
	a.last = now
}

func (f *faultServer) admit(c chattest.Call) (*allowance, string, time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	a := f.models[c.Model]
	if a == nil {
		a = &allowance{rate: f.rate, tokens: f.burst, started: time.Now(), last: time.Now(), answered: map[string]int{}}
		f.models[c.Model] = a
	}
	a.pass()
	a.tokens = min(a.tokens, f.burst)
	if f.rate > 0 && a.tokens < 1 {
		a.throttled++
		return a, "rate", 0
	}
	if f.atOnce > 0 && a.underWay >= f.atOnce {
		a.throttled++
		return a, "at once", 0
	}
	a.allowed, a.busy, a.sent = a.allowed+a.later, a.busy+a.laterBusy, a.last
	a.later, a.laterBusy = 0, 0
	a.tokens--
	a.underWay++
	if a.admitted++; f.change[a.admitted] > 0 {
		a.rate = f.change[a.admitted]
	}
	wait := time.Duration(float64(f.pause) * (0.5 + f.rng.ExpFloat64()/2))
	switch dice := f.rng.IntN(1000); {
	case dice < 10:
		f.errors++
		return a, "error", wait
	case dice < 20:
		f.errors++
		return a, "unavailable", wait
	case dice < 30:
		f.stalls++
		return a, "answer", wait + time.Duration(f.rng.IntN(10_000))*time.Millisecond
	}
	return a, "answer", wait
}

// TestFaultServer: against throttling of both kinds, 2 % errors and stalls a run
// ends complete with the results of a clean run, and comes near to what the
// server allows. Time is the bubble's, so that a slow machine changes nothing.
func TestFaultServer(t *testing.T) {
	const rows = 1500
	clean := newFixture(t, say)
	l, err := clean.Start(t.Context(), Spec{Dataset: writeDataset(t, rows), Models: []string{"base", "tuned"}})
	if err != nil {
		t.Fatal(err)
	}
	want, err := finish(t, l)
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]*faultServer{
		"rate":         {rate: 20, burst: 20, pause: 400 * time.Millisecond},
		"at once":      {atOnce: 12, pause: 400 * time.Millisecond},
		"both":         {rate: 30, burst: 10, atOnce: 30, pause: 600 * time.Millisecond},
		"slow":         {rate: 2, burst: 2, pause: 2 * time.Second},
		"falls, rises": {rate: 20, burst: 20, pause: 400 * time.Millisecond, change: map[int]float64{400: 4, 800: 40}},
	} {
		t.Run(name, func(t *testing.T) {
			dataset := writeDataset(t, rows)
			synctest.Test(t, func(t *testing.T) {
				f.rng, f.models = rand.New(rand.NewPCG(5, 8)), map[string]*allowance{}
				fx := newFixture(t, f.serve)
				fx.cfg.Sleep, fx.cfg.Concurrency = sleep, 64
				fx.refreshAfter = time.Hour // intervals take no time of the bubble's but much of ours
				l, err := fx.Start(t.Context(), Spec{Dataset: dataset, Models: []string{"base", "tuned"}})
				if err != nil {
					t.Fatal(err)
				}
				got, err := l.Wait(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				sameResult(t, got, want)
				f.check(t, rows)
			})
		})
	}
}

// sameResult compares all that does not depend on time.
func sameResult(t *testing.T, got, want Run) {
	t.Helper()
	if got.Status != want.Status || got.Done != want.Done || !reflect.DeepEqual(got.Differences, want.Differences) {
		t.Errorf("%s, %d records, %+v; a clean run: %s, %d, %+v", got.Status, got.Done, got.Differences, want.Status, want.Done, want.Differences)
	}
	for i, m := range got.Models {
		w := want.Models[i]
		m.MeanLatency, w.MeanLatency = 0, 0
		if !reflect.DeepEqual(m, w) {
			t.Errorf("got %+v\na clean run: %+v", m, w)
		}
	}
}

func (f *faultServer) check(t *testing.T, rows int) {
	t.Helper()
	for model, a := range f.models {
		took := a.sent.Sub(a.started)
		answers := 0
		for q, n := range a.answered {
			if answers += n; n > 1 {
				t.Errorf("%s was asked %d times though it had answered: %q", model, n, q)
			}
		}
		if answers != rows {
			t.Errorf("%s gave %d answers", model, answers)
		}
		share := 1.0
		if f.rate > 0 {
			share = float64(answers) / a.allowed
		}
		if f.atOnce > 0 {
			if s := a.busy / (float64(f.atOnce) * took.Seconds()); f.rate == 0 || s > share {
				share = s // the tighter of the two limits is the one that is allowed
			}
		}
		t.Logf("%s: %s, %d answers, %d throttled, %.1f %% of what was allowed", model[strings.LastIndex(model, "/")+1:], took.Round(time.Second), answers, a.throttled, 100*share)
		if share < 0.9 {
			t.Errorf("%s: %.1f %% of what the server allowed", model, 100*share)
		}
		if a.throttled < rows/10 {
			t.Errorf("%s throttled %d times: the test tests nothing", model, a.throttled)
		}
		if a.throttled > 3*answers {
			t.Errorf("%s had to throttle %d times for %d answers", model, a.throttled, answers)
		}
	}
	if f.errors < rows/50 || f.stalls == 0 {
		t.Errorf("%d errors and %d stalls: the test tests nothing", f.errors, f.stalls)
	}
}
