package tui_test

import (
	"strings"
	"testing"
	"time"

	"tunebench/backend/training"
	"tunebench/tui"
	"tunebench/tui/uitest"
)

// TestChart: the cursor tells exact values, zoom and metric change what is
// shown, and esc takes the cursor away.
func TestChart(t *testing.T) {
	play(t, uitest.Full, 120, 40, func(r *rig) {
		r.press("2", "v")
		r.want("step 245", "train 0.473482", "eval 0.527022 at 200")
		r.press("left")
		r.want("step 240", "train 0.353838")
		r.press("g")
		r.want("step 5 ", "train 3.25248")
		r.lacks("eval 0")
		r.press("+")
		r.want("steps 0 to 200")
		r.press("+")
		r.want("steps 0 to 100")
		r.press("G") // the part that is shown goes along
		r.want("step 245", "steps 195 to 295")
		r.press("-", "-", "-")
		r.lacks("steps 195")
		r.press("m")
		r.want("learning rate")
		r.press("m", "m")
		r.want("tokens/s  step")
		r.press("m")
		r.want("no GPU memory, GB has been logged")
		r.press("m", "a", "y")
		r.want("smoothed", "log scale")
		r.press("esc")
		r.lacks("step 245  ")
		r.want("enter log")
	})
}

// TestCompare: other jobs are ticked and drawn; another job in front begins
// anew.
func TestCompare(t *testing.T) {
	play(t, rivals, 120, 40, func(r *rig) {
		r.press("2", "c")
		r.want("Jobs in the same chart", "tunebench-facts-20260713-170001")
		r.press("tab", "enter")
		r.want("⠤⠤ style-20260714-115937", "⠤⠤ style-20260714-102210")
		r.press("down")
		r.lacks("⠤⠤ style-20260714-115937")
		r.want("⠤⠤ train")
	})
}

// TestNoBraille: where there is no braille, charts are told in words.
func TestNoBraille(t *testing.T) {
	d := troubled().Deps()
	d.NoBraille = true
	playDeps(t, func() tui.Deps { return d }, 120, 40, func(r *rig) {
		r.press("2")
		r.want("first 3.4 at step 5", "6 no numbers")
		for i, line := range strings.Split(r.text(), "\n") {
			if i > 10 && strings.ContainsFunc(line, func(c rune) bool { return c >= 0x2800 && c < 0x2900 }) {
				r.t.Errorf("braille: %s", line)
			}
		}
	})
}

// TestAdvice: what is wrong is said while it is so.
func TestAdvice(t *testing.T) {
	var w *uitest.World
	play(t, func() *uitest.World { w = troubled(); return w }, 120, 40, func(r *rig) {
		r.press("2")
		r.want("The loss is no number since step 280", "The gradient norm is above 10 in 8 of the last 8")
		log := w.Logs[liveJob]
		for i := range 10 {
			step, loss, norm := 305+5*i, 0.4, 0.5
			log.Write(stepLine(step, loss, norm))
		}
		r.pass(time.Second)
		r.lacks("no number since")
		r.lacks("gradient norm is above")
	})
}

func stepLine(step int, loss, norm float64) training.LogLine {
	return training.LogLine{Time: uitest.Noon, Event: &training.Event{Event: "step", Step: &step, Loss: &loss, GradNorm: &norm}}
}

// TestNoBrailleAnywhere: a terminal without braille gets none, in no scene.
func TestNoBrailleAnywhere(t *testing.T) {
	for _, s := range scenes() {
		playDeps(t, func() tui.Deps { d := s.world().Deps(); d.NoBraille = true; return d }, 120, 40, func(r *rig) {
			s.walk(r)
			if i := strings.IndexFunc(r.text(), func(c rune) bool { return c >= 0x2800 && c < 0x2900 }); i >= 0 {
				r.t.Fatalf("%s has braille:\n%s", s.name, r.text())
			}
		})
	}
}
