package container_test

import (
	"os"
	"strings"
	"testing"

	"tunebench/backend/training"
)

// TestEvents reads the lines that a test of the Python side writes.
func TestEvents(t *testing.T) {
	b, err := os.ReadFile("testdata/events.txt")
	if err != nil {
		t.Fatal(err)
	}
	var got []*training.Event
	for line := range strings.Lines(string(b)) {
		e := training.ParseEvent(strings.TrimSuffix(line, "\n"))
		if e == nil {
			t.Fatalf("not an event: %s", line)
		}
		got = append(got, e)
	}
	plan, step, odd, eval := got[0], got[1], got[2], got[3]
	if plan.Event != "plan" || *plan.Steps != 100 || *plan.Tokens != 5000 || !strings.Contains(plan.Message, "prompt format mistral-v3") {
		t.Errorf("%+v", plan)
	}
	if *step.Step != 5 || *step.Epoch != 0.1235 || *step.Loss != 1.234568 || *step.LR != 1.9e-5 || *step.GradNorm != 0.5 ||
		*step.Tokens != 2048 || *step.TokensPerS != 712.3 || *step.GPUGB != 7.89 {
		t.Errorf("%+v", step)
	}
	if odd.Loss != nil || odd.GradNorm != nil || !strings.Contains(odd.Message, "loss is NaN") {
		t.Errorf("%+v", odd)
	}
	if *eval.EvalLoss != 2 || eval.Loss != nil {
		t.Errorf("%+v", eval)
	}
}
