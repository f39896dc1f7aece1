package training

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

func TestParseEvent(t *testing.T) {
	e := ParseEvent(`tb1 {"event":"step","step":5,"steps":400,"epoch":0.1,"loss":2.5,"lr":1e-3,"grad_norm":0.4,"tokens":98304,"tokens_per_s":2410,"gpu_gb":7.9}`)
	if e == nil || e.Event != "step" || *e.Step != 5 || *e.Steps != 400 || *e.Loss != 2.5 || *e.LR != 1e-3 || *e.Tokens != 98304 || *e.GPUGB != 7.9 || e.EvalLoss != nil {
		t.Fatalf("%+v", e)
	}
	e = ParseEvent("100%|##| 10/10\r" + `tb1 {"event": "step", "step": 6, "loss": NaN, "grad_norm": -Infinity, "lr": "9.966e-05"}` + "\n")
	if e == nil || *e.Step != 6 || e.Loss != nil || e.GradNorm != nil || *e.LR != 9.966e-05 || e.Message != "loss is NaN, grad_norm is -Inf" {
		t.Fatalf("%+v", e)
	}
	e = ParseEvent(`tb1 {"event":"eval","step":6,"eval_loss":1.5,"message":"a\u001b[31mNaN, \"x\": NaN"}`)
	if e == nil || *e.EvalLoss != 1.5 || e.Message != `aNaN, "x": NaN` {
		t.Fatalf("%+v", e)
	}
	for _, line := range []string{
		"", "tb1", "tb1 {", "tb1 {}", `tb1 []`, `tb1 {"event":5}`, `tb1 {"event":""}`, `xtb1{"event":"step"}`, "Downloading", `{"event":"step"}`,
		`tb1 {"event":"` + strings.Repeat("x", 100) + `"}`, `tb1 {"event":"step","message":"` + strings.Repeat("x", 1<<17) + `"}`,
	} {
		if e := ParseEvent(line); e != nil {
			t.Errorf("%.60q: %+v", line, e)
		}
	}
	for _, line := range []string{`tb1 {"event":"step","step":-1}`, `tb1 {"event":"step","step":1e300}`, `tb1 {"event":"step","step":"x"}`, `tb1 {"event":"step","step":null}`} {
		if e := ParseEvent(line); e == nil || e.Step != nil {
			t.Errorf("%s: %+v", line, e)
		}
	}
}

func FuzzParseEvent(f *testing.F) {
	f.Add(`tb1 {"event":"step","step":5,"loss":NaN}`)
	f.Add("tb1 {\"event\":\"\x1b[31m\",\"message\":5}")
	f.Fuzz(func(t *testing.T, line string) {
		if e := ParseEvent(line); e != nil {
			if e.Event == "" || strings.ContainsAny(e.Event+e.Message, "\x1b\n\r") {
				t.Errorf("%q: %+v", line, e)
			}
			for _, v := range []*float64{e.Loss, e.EvalLoss, e.LR, e.GradNorm, e.Epoch} {
				if v != nil && (math.IsNaN(*v) || math.IsInf(*v, 0)) {
					t.Errorf("%q: %v", line, *v)
				}
			}
		}
	})
}

func TestCurve(t *testing.T) {
	var c curve
	for _, line := range []string{
		`tb1 {"event":"step","step":10,"loss":3,"lr":0.1}`,
		`tb1 {"event":"eval","step":5,"eval_loss":4}`,
		`tb1 {"event":"eval","step":10,"eval_loss":2}`,
		`tb1 {"event":"phase","step":11}`,
		`tb1 {"event":"step","step":10,"loss":2.5}`, // again after a resume
	} {
		c.add(ParseEvent(line))
	}
	if got := fmt.Sprint(c.points); got != "[{5 NaN 4 NaN NaN NaN NaN} {10 2.5 2 0.1 NaN NaN NaN}]" {
		t.Error(got)
	}
	for i := range 3 * maxPoints {
		loss := float64(i)
		c.add(&Event{Event: "step", Step: &i, Loss: &loss})
	}
	if n := len(c.points); n > maxPoints || n < maxPoints/4 {
		t.Errorf("%d points", n)
	}
}
