package tui_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"tunebench/backend/chat"
	"tunebench/backend/dataset"
	"tunebench/backend/evaluation"
	"tunebench/backend/training"
	"tunebench/tui/uitest"
)

// payloads are the texts that a terminal must never get.
func payloads(t testing.TB) map[string]string {
	t.Helper()
	raw, err := os.ReadFile("../testdata/hostile/payloads.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for line := range strings.Lines(string(raw)) {
		var p struct{ Name, Text, Bytes string }
		if err := json.Unmarshal([]byte(line), &p); err != nil {
			t.Fatal(err)
		}
		if p.Bytes != "" {
			b, err := base64.StdEncoding.DecodeString(p.Bytes)
			if err != nil {
				t.Fatal(err)
			}
			p.Text = string(b)
		}
		all[p.Name] = p.Text
	}
	if len(all) < 30 {
		t.Fatalf("only %d payloads", len(all))
	}
	return all
}

// poisoned is a world in which every text is x, not cleaned: services clean what
// they hand out, and this tries the net behind them.
func poisoned(x string) *uitest.World {
	w := uitest.Full()
	w.Account.Name, w.Account.ARN = x, x
	w.Columns = append(w.Columns, x)
	for i := range w.Rows[:60] {
		r := &w.Rows[i]
		r.ID, r.System, r.Question, r.Answer, r.Category = x, x, x, x, x
		r.Fields = []dataset.Field{{Name: "id", Value: x}, {Name: "question", Value: x}, {Name: "response", Value: x}, {Name: x, Value: x}}
	}
	w.Rows[1].Err = x
	for i := range w.TrainJobs {
		j := &w.TrainJobs[i]
		if log := w.Logs[j.Name]; log != nil {
			log.Write(training.LogLine{Text: x, Stream: x}, training.LogLine{Event: &training.Event{Event: x, Message: x}}, training.LogLine{Text: x + "\n" + x})
			log.Error = errors.New(x)
		}
		j.FailureReason, j.Dataset, j.Preset, j.SecondaryStatus = x, x, x, x
		for k := range j.Phases {
			j.Phases[k].Status = x
		}
	}
	w.Plan.Name, w.Plan.Output, w.Plan.Warnings = x, x, []string{x}
	for i := range w.Imported {
		w.Imported[i].Architecture, w.Imported[i].Source, w.Imported[i].TrainingJob, w.Imported[i].PromptFormat = x, x, x, x
	}
	for i := range w.ImportJobs {
		w.ImportJobs[i].FailureMessage, w.ImportJobs[i].Source, w.ImportJobs[i].Name = x, x, x
	}
	for i := range w.Report.Checks {
		c := &w.Report.Checks[i]
		c.Title, c.Evidence, c.Remedy = x, x, x
	}
	for k, a := range w.Answers {
		a.Text, a.Err, a.Sent, a.StopReason = x+" "+x+"\n"+x, x, x, x
		w.Answers[k] = a
	}
	w.Models[1].Note, w.Models[2].Ref, w.Models[2].Kind = x, x, chat.Kind(x)
	for i := range w.RunList {
		r := &w.RunList[i]
		r.Spec.Dataset = x
		for k := range r.Models {
			for n := range r.Models[k].Categories {
				r.Models[k].Categories[n].Category = x
			}
		}
	}
	for i := range w.RecList {
		r := &w.RecList[i]
		r.RowID, r.Category, r.System, r.Question, r.Reference, r.Output, r.Err = x, x, x, x, x, x, x
	}
	w.Manifest.Source, w.Manifest.Dropped = x, map[string]int{x: 3}
	return w
}

var _ evaluation.Record // the poisoned records are of this type

// TestHostile: no text gets anything but printable cells into a frame, whatever
// pane shows it, and no border moves.
func TestHostile(t *testing.T) {
	ways := [][]string{{"1"}, {"enter"}, {"esc", "p", "enter"}, {"esc", "2"}, {"j", "j"}, {"g", "enter", "z"}, {"z", "w"}, {"/"}, {".", "enter"}, {"n"}, {"&", "ctrl+r"}, {".", "enter"}, {"esc"}, {"esc"}, {"esc", "v"}, {"m"}, {"x"}, {"x", "esc", "c"}, {"tab", "enter"}, {"esc", "t"}, {"esc", "1", "t"}, {"esc", "3"}, {"tab"}, {"2", "j", "i"},
		{"esc", "4"}, {"h", "i", "enter"}, {"esc", "v"}, {"m"}, {"esc", "5"}, {"enter"}, {"enter"}, {"esc", "esc", "o"}, {"esc", "?"}, {"esc", "ctrl+p"}}
	for name, x := range payloads(t) {
		play(t, func() *uitest.World { return poisoned(x) }, 120, 40, func(r *rig) {
			for _, keys := range ways {
				r.press(keys...)
				checkFrame(r.t, r.app.Frame(), 120, 40, false)
				if r.t.Failed() {
					r.t.Fatalf("%s after %v", name, keys)
				}
			}
		})
	}
}

// TestHostileTerminal: the same on a terminal, all at once: no title, no
// clipboard, no mode, no bell.
func TestHostileTerminal(t *testing.T) {
	var all strings.Builder
	for _, x := range payloads(t) {
		all.WriteString(x + " ")
	}
	s := uitest.Start(t, poisoned(all.String()).Deps(), 120, 40)
	s.Wait("1 Dataset", "row 1")
	s.Press("enter").Wait("esc table").Press("esc").Press("2").Wait("enter log").Press("w").Press("4").Wait("question").Type("hello").Press("enter").Wait("earlier")
	s.Press("ctrl+x").Press("esc").Wait("enter write").Press("5").Wait("enter records").Press("enter").Wait("m model", "reference").Press("enter").Wait("Record 1 of")
	if harm := s.Harm(); len(harm) > 0 {
		t.Errorf("the terminal was made to: %q", harm)
	}
	s.Press("q")
	if err := s.Ended(); err != nil {
		t.Error(err)
	}
}
