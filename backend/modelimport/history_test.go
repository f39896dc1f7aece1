package modelimport

import (
	"errors"
	"testing"
	"time"

	"tunebench/backend/artifact/corpus"
)

func TestYardstick(t *testing.T) {
	at := time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)
	job := func(status string, minutes int) Job {
		return Job{Status: status, Created: at, Ended: at.Add(time.Duration(minutes) * time.Minute)}
	}
	for _, c := range []struct {
		jobs      []Job
		low, high int
		n         int
	}{
		{nil, 0, 0, 0},
		{[]Job{{Status: "InProgress", Created: at}, job("Failed", 3), {Status: Waiting, Created: at}}, 0, 0, 0},
		{[]Job{job("Completed", 8)}, 8, 8, 1},
		{[]Job{job("Completed", 9), job("Completed", 14), job("Failed", 1)}, 9, 14, 2},
		{[]Job{job("Completed", 8), job("Completed", 90), job("Completed", 9), job("Completed", 1), job("Completed", 14), job("Completed", 10), job("Completed", 11), job("Completed", 12)}, 9, 12, 8},
	} {
		u, ok := Yardstick(c.jobs)
		if ok != (c.n > 0) || u.Low != time.Duration(c.low)*time.Minute || u.High != time.Duration(c.high)*time.Minute || u.Jobs != c.n {
			t.Errorf("%+v: %+v, %v", c.jobs, u, ok)
		}
	}
}

// TestExplain: a job that failed is explained by the check that its artifact does
// not pass.
func TestExplain(t *testing.T) {
	s := service(t, nil)
	for _, c := range corpus.Broken() {
		if c.Name != "a layer too few" {
			continue
		}
		dir := t.TempDir()
		if err := c.Make().Write(dir); err != nil {
			t.Fatal(err)
		}
		var blocked *BlockedError
		if _, err := s.Start(t.Context(), Request{Source: dir, Name: "x"}); !errors.As(err, &blocked) {
			t.Fatalf("%v", err)
		}
		// Bedrock is asked all the same.
		j, err := s.launch(t.Context(), queued{Source: dir, Model: "x", Job: "job-x"})
		if err != nil {
			t.Fatal(err)
		}
		if j, err = s.Wait(t.Context(), j.Name, nil); err != nil || j.Status != "Failed" {
			t.Fatalf("%+v, %v", j, err)
		}
		j.Source = ""
		why, err := s.Explain(t.Context(), j)
		if err != nil || len(why) != 1 || why[0].ID != c.Check {
			t.Errorf("%+v, %v", why, err)
		}
		return
	}
	t.Fatal("the case is not in the corpus")
}
