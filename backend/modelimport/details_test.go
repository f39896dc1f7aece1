package modelimport

import (
	"strings"
	"testing"
	"time"

	"tunebench/backend/artifact/corpus"
	"tunebench/backend/store"
)

func TestWindows(t *testing.T) {
	at := time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		minutes []float64
		want    int
	}{{nil, 0}, {[]float64{0}, 1}, {[]float64{0, 1, 4.9}, 1}, {[]float64{0, 5}, 2}, {[]float64{0, 4, 6, 10.9, 11}, 3}} {
		var times []time.Time
		for _, m := range c.minutes {
			times = append(times, at.Add(time.Duration(m*float64(time.Minute))))
		}
		if got := windows(times); got != c.want {
			t.Errorf("%v: %d windows, not %d", c.minutes, got, c.want)
		}
	}
}

func TestDetails(t *testing.T) {
	s := service(t, nil)
	dir := t.TempDir()
	if err := corpus.Make(corpus.Layout{Tied: true}).Write(dir); err != nil {
		t.Fatal(err)
	}
	j, err := s.Start(t.Context(), Request{Source: dir, Name: "mine", Options: Options{Tags: map[string]string{"team": "us"}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Wait(t.Context(), j.Name, nil); err != nil {
		t.Fatal(err)
	}
	models, err := s.Models(t.Context())
	if err != nil || len(models) != 1 {
		t.Fatal(models, err)
	}
	m := models[0]
	d, err := s.Details(t.Context(), m)
	if err != nil || d.Units != 1 || d.UnitsVersion == "" || !d.LastUse.IsZero() || d.Windows != 0 || d.Tags["team"] != "us" || d.Tags[TagPromptFormat] != "mistral-v3" {
		t.Fatalf("%+v, %v", d, err)
	}
	now := time.Now()
	if !strings.Contains(d.Awake(now), "never") {
		t.Error(d.Awake(now))
	}
	c, err := s.c.Store.PutConversation(t.Context(), store.Conversation{Account: s.c.AccountName, Created: now, Updated: now})
	if err != nil {
		t.Fatal(err)
	}
	for i, phase := range []string{"finished", "failed", "finished"} {
		if _, err := s.c.Store.PutTurn(t.Context(), store.Turn{Conversation: c, Role: "assistant", Model: "mine", Phase: phase, Content: "x", Position: i, Created: now}); err != nil {
			t.Fatal(err)
		}
	}
	if d, err = s.Details(t.Context(), m); err != nil || d.Windows != 1 || now.Sub(d.LastUse).Abs() > time.Second || !strings.Contains(d.Awake(now), "awake") {
		t.Errorf("%+v, %v", d, err)
	}
	if _, idle := d.IdleSince(m, now); idle {
		t.Error("a model that was just used is idle")
	}
	if since, idle := d.IdleSince(m, now.Add(30*24*time.Hour)); !idle || !since.Equal(d.LastUse) {
		t.Errorf("since %v, %v", since, idle)
	}
	m.ARN = strings.Replace(m.ARN, "imported-model/", "imported-model/zzzz", 1)
	if _, err := s.Details(t.Context(), m); err == nil {
		t.Error("details of no model")
	}
}
