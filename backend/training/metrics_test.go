package training

import (
	"fmt"
	"math"
	"os"
	"regexp"
	"strings"
	"testing"
)

func show(e *Event) string {
	if e == nil {
		return "none"
	}
	var b strings.Builder
	b.WriteString(e.Event)
	for _, n := range []struct {
		name string
		v    *float64
	}{{"loss", e.Loss}, {"eval_loss", e.EvalLoss}, {"lr", e.LR}, {"grad_norm", e.GradNorm}, {"epoch", e.Epoch}, {"tokens_per_s", e.TokensPerS}, {"gpu_gb", e.GPUGB}} {
		if n.v != nil {
			fmt.Fprintf(&b, " %s=%g", n.name, *n.v)
		}
	}
	if e.Step != nil {
		fmt.Fprintf(&b, " step=%d", *e.Step)
	}
	if e.Steps != nil {
		fmt.Fprintf(&b, " steps=%d", *e.Steps)
	}
	if e.Tokens != nil {
		fmt.Fprintf(&b, " tokens=%d", *e.Tokens)
	}
	if len(e.NotFinite) > 0 {
		fmt.Fprintf(&b, " odd=%s", strings.Join(e.NotFinite, ","))
	}
	return b.String()
}

// TestTrainers: lines as trainers write them, with what they say, from
// testdata/trainers.txt: a line, then what it means behind "=> ".
func TestTrainers(t *testing.T) {
	raw, err := os.ReadFile("testdata/trainers.txt")
	if err != nil {
		t.Fatal(err)
	}
	hint := regexp.MustCompile(metricsHint)
	n := 0
	line := ""
	for text := range strings.Lines(string(raw)) {
		text = strings.TrimSuffix(text, "\n")
		switch want, is := strings.CutPrefix(text, "=> "); {
		case text == "" || strings.HasPrefix(text, "# "):
		case is:
			n++
			in := strings.NewReplacer(`\r`, "\r", `\e`, "\x1b").Replace(line)
			if e := ParseMetrics(in); e != nil && e.Event != "summary" && !hint.MatchString(in) {
				t.Errorf("%s is passed over in a log that is kept", line)
			}
			if got := show(ParseMetrics(in)); got != want {
				t.Errorf("%s\n got %s\nwant %s", line, got, want)
			}
		default:
			line = text
		}
	}
	if n < 30 {
		t.Errorf("only %d lines", n)
	}
}

// TestForeignCurve: lines that name no step are counted, and an evaluation
// belongs to the step before.
func TestForeignCurve(t *testing.T) {
	var c curve
	for _, line := range []string{
		`{'loss': 2.5, 'grad_norm': 0.5, 'learning_rate': 0.0002, 'epoch': 0.1}`,
		`{'loss': '2.25', 'grad_norm': 'nan', 'learning_rate': '0.0001', 'epoch': '0.2'}`,
		`{'eval_loss': 2.0, 'eval_runtime': 1.2, 'epoch': 0.2}`,
		`{'loss': nan, 'grad_norm': nan, 'learning_rate': 0.0001, 'epoch': 0.3}`,
		`{'train_runtime': 5.0, 'train_loss': 2.4, 'epoch': 0.3}`,
	} {
		c.add(ParseMetrics(line))
	}
	if len(c.points) != 3 || c.points[0].Loss != 2.5 || c.points[1].EvalLoss != 2 || !math.IsInf(c.points[1].GradNorm, 1) || !math.IsInf(c.points[2].Loss, 1) || c.points[2].Step != 3 {
		t.Errorf("%+v", c.points)
	}
}

func FuzzParseMetrics(f *testing.F) {
	f.Add(`100%|##| 10/10 [00:05<00:00]{'loss': '1.5', 'x': [1, {'a': 2}], "y": None}`)
	f.Add(`{"current_steps": 5, "loss": 1.5e-3}`)
	f.Fuzz(func(t *testing.T, line string) {
		if e := ParseMetrics(line); e != nil {
			var c curve
			c.add(e)
			Advise(c.points)
		}
	})
}
