package tui_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"

	"tunebench/backend/modelimport"
	"tunebench/backend/training"
	"tunebench/tui"
	"tunebench/tui/uitest"
)

func (r *rig) resize(w, h int) {
	r.t.Helper()
	r.send(tea.WindowSizeMsg{Width: w, Height: h})
	r.settle()
	checkFrame(r.t, r.app.Frame(), w, h, true)
}

// TestKeys: every table is complete and no key means two things in it.
func TestKeys(t *testing.T) {
	play(t, uitest.Full, 80, 24, func(r *rig) {
		tables := r.app.Tables()
		if len(tables) < 15 {
			r.t.Fatalf("only %d tables", len(tables))
		}
		for _, tb := range tables {
			if err := tb.Check(); err != nil {
				r.t.Error(err)
			}
		}
	})
}

// TestRebind: keys come from the configuration, and conflicts are refused by name.
func TestRebind(t *testing.T) {
	w := uitest.Full()
	d := w.Deps()
	d.UI.Keys = map[string][]string{"dataset.find": {"F"}}
	playDeps(t, func() tui.Deps { return d }, 80, 24, func(r *rig) {
		r.want("F find")
		r.press("F")
		r.want("text to find")
	})
}

// TestWrongConfiguration: what is wrong is refused by name, said where it is seen,
// and the workbench starts with the rest.
func TestWrongConfiguration(t *testing.T) {
	deps := func() tui.Deps {
		d := uitest.Full().Deps()
		d.UI.Theme = "drak"
		d.UI.Keys = map[string][]string{
			"dataset.find":   {"F"},
			"dataset.filter": {"p"},  // prepare has it
			"app.hlep":       {"f5"}, // no such action
			"training.new":   {"b"},
			"score.stop":     {"X"}, // export has it
		}
		d.Problems = []string{"config.toml:3: chat.max_token: is no setting; did you mean max_tokens?"}
		d.SettingLine = func(setting string) string { return "config.toml:7: " + setting }
		return d
	}
	playDeps(t, deps, 200, 50, func(r *rig) {
		r.want("! config: 5 problems", "the configuration has 5 problems; :problems shows them. The first: config.toml:3: chat.max_token", "F find", "& filter")
		r.press(":")
		r.write("problems")
		r.press("enter")
		r.want("config.toml:7: ui.keys.app.hlep: there is no such action; did you mean app.help?",
			"config.toml:7: ui.keys.dataset.filter: the key p is that of dataset.prepare",
			"config.toml:7: ui.keys.score.stop: the key X is that of score.export",
			"config.toml:7: ui.theme: there is no theme")
		r.lacks("training.new")
		r.press("esc", "2", "b")
		r.want("New training job")
		checkFrame(r.t, r.app.Frame(), 200, 50, true)
	})
}

// TestRebindAll: every action can be given another key, in every scope.
func TestRebindAll(t *testing.T) {
	keys := map[string][]string{}
	play(t, uitest.Full, 120, 40, func(r *rig) {
		for _, tb := range r.app.Tables() {
			for i := range tb.Bindings {
				if id := tb.Bindings[i].ID; keys[id] == nil {
					keys[id] = []string{fmt.Sprintf("ctrl+alt+f%d", len(keys))}
				}
			}
		}
	})
	playDeps(t, func() tui.Deps { d := uitest.Full().Deps(); d.UI.Keys = keys; return d }, 120, 40, func(r *rig) {
		r.lacks("config:")
		for _, tb := range r.app.Tables() {
			for i := range tb.Bindings {
				if b := &tb.Bindings[i]; tb.Find(keys[b.ID][0]) != b {
					r.t.Errorf("%s: %s has not the key %s", tb.Scope, b.ID, keys[b.ID][0])
				}
			}
		}
	})
}

// TestLoop plays the loop's keys: each next step is one key away.
func TestLoop(t *testing.T) {
	var w *uitest.World
	play(t, func() *uitest.World { w = uitest.Full(); return w }, 120, 40, func(r *rig) {
		r.press("p", "enter")
		r.want("train.jsonl", "1,068", "duplicate")
		r.press("t")
		r.want("New training job", "/data/tunebench/openorca-sample", "400 steps")
		r.press("enter")
		r.want("tunebench-style-20260714-120000", "Starting")
		r.press("g", "j", "j", "i")
		r.want("Import a model", "tunebench-style-20260714-102210", "4 pass")
		r.press("enter")
		r.want("Import jobs", "InProgress")
		r.press("c")
		r.want("base", "style-20260714-102210")
		r.write("In what color is the Mossbank tent sold?")
		r.press("enter")
		r.want("brown", "stop", "204/s", "first 9 ms")
		r.press("esc", "e")
		r.want("New evaluation", "base, style-20260714-102210", "sample:heldout.jsonl")
		want := []string{"prepare sample:openorca-sample.jsonl", "train tunebench-style-20260714-120000", "import tunebench-style-20260714-102210 as style-20260714-102210",
			"ask base In what color is the Mossbank tent sold?", "ask style-20260714-102210 In what color is the Mossbank tent sold?"}
		if got := strings.Join(w.Done(), "\n"); got != strings.Join(want, "\n") {
			r.t.Errorf("done:\n%s\nwant:\n%s", got, strings.Join(want, "\n"))
		}
	})
}

// TestToast: what happens elsewhere is told, and a disabled key says why.
func TestToast(t *testing.T) {
	var w *uitest.World
	play(t, func() *uitest.World { w = uitest.Full(); return w }, 120, 40, func(r *rig) {
		w.EndTraining("Completed")
		r.pass(2 * time.Second)
		r.want("completed: import it with i in the Training pane")
		r.pass(10 * time.Second)
		r.lacks("completed: import it")
		r.press("2", "down", "down", "i")
		r.want("this training job ended Failed and has no artifact")
	})
}

// TestConfirm: what destroys asks first, and n keeps it.
func TestConfirm(t *testing.T) {
	var w *uitest.World
	play(t, func() *uitest.World { w = uitest.Full(); return w }, 80, 24, func(r *rig) {
		r.press("3", "d", "esc")
		r.press("d", "enter", "y", "enter")
		r.write("es")
		r.press("enter")
		if got := w.Done(); len(got) != 0 {
			r.t.Fatalf("deleted without its name: %v", got)
		}
		r.press("esc", "d")
		r.write("style-20260714-102210")
		r.want("enter: delete it")
		r.press("enter")
		if got := w.Done(); len(got) != 1 || !strings.HasPrefix(got[0], "delete arn:") {
			r.t.Fatalf("done: %v", got)
		}
	})
	play(t, func() *uitest.World { w = uitest.Full(); w.Account.Bills = true; return w }, 80, 24, func(r *rig) {
		r.press("t", "enter")
		r.want("Start a training job that costs money?")
		r.press("esc")
		if got := w.Done(); len(got) != 0 {
			r.t.Fatalf("started without a yes: %v", got)
		}
		r.press("enter", "y")
		if got := w.Done(); len(got) != 1 || got[0] != "train tunebench-style-20260714-120000" {
			r.t.Fatalf("done: %v", got)
		}
	})
}

// TestAccountLater: the dataset is there before the account, and r tries again.
func TestAccountLater(t *testing.T) {
	var w *uitest.World
	play(t, func() *uitest.World { w = uitest.Full(); w.Hold = make(chan struct{}); return w }, 80, 24, func(r *rig) {
		r.want("openorca-sample.jsonl", "6 months", "opening")
		r.press("t")
		r.want("the account is being opened")
		close(w.Hold)
		r.settle()
		r.want("000000000000", "tunebench-style-20260714-115937")
	})
}

// TestFollow: the log follows its end, yields when the reader scrolls, and says
// what is new.
func TestFollow(t *testing.T) {
	var w *uitest.World
	play(t, func() *uitest.World { w = uitest.Full(); return w }, 80, 24, func(r *rig) {
		log := w.Logs["tunebench-style-20260714-115937"]
		r.press("2", "enter")
		r.want("following", "WARNING 3 rows")
		r.press("up", "up")
		r.lacks("following")
		log.Write(training.LogLine{Text: "one more line"}, training.LogLine{Text: "and another"})
		r.pass(time.Second)
		r.want("2 new")
		r.lacks("and another")
		r.press("G")
		r.want("and another", "following")
	})
}

// TestIdle: when nothing runs, nothing changes and hardly anything is asked.
func TestIdle(t *testing.T) {
	for _, pane := range []string{"1", "2", "3", "4", "5"} {
		play(t, func() *uitest.World {
			w := uitest.Full()
			w.TrainJobs = w.TrainJobs[1:]
			return w
		}, 120, 40, func(r *rig) {
			r.press(pane)
			r.pass(time.Second)
			before, seen := r.text(), r.seen
			r.pass(time.Minute)
			if r.text() != before {
				r.t.Errorf("pane %s: the frame changed:\n%s", pane, r.text())
			}
			if n := r.seen - seen; n > 40 {
				r.t.Errorf("pane %s: %d messages in an idle minute", pane, n)
			}
		})
	}
}

// TestMono: without colours there are none, and what is chosen is still seen.
func TestMono(t *testing.T) {
	for _, s := range scenes() {
		play(t, s.world, 120, 40, func(r *rig) {
			r.send(tea.ColorProfileMsg{Profile: colorprofile.ASCII})
			s.walk(r)
			for i, line := range r.app.Frame() {
				for _, e := range sgr.FindAllString(line, -1) {
					for _, code := range strings.Split(strings.Trim(e, "\x1b[m"), ";") {
						if !attribute(code) {
							r.t.Fatalf("%s line %d has colour %q", s.name, i, e)
						}
					}
				}
			}
		})
	}
}

// TestThemes: every theme draws, and the switch is live.
func TestThemes(t *testing.T) {
	play(t, uitest.Full, 120, 40, func(r *rig) {
		last := ""
		for _, name := range []string{"dark", "light", "high-contrast", "deuteranopia", "tritanopia", "ansi16"} {
			r.press(":")
			r.write("theme " + name)
			r.press("enter")
			now := strings.Join(r.app.Frame(), "\n")
			if now == last {
				r.t.Errorf("%s looks like the theme before", name)
			}
			last = now
			checkFrame(r.t, r.app.Frame(), 120, 40, true)
		}
		r.press(":")
		r.write("theme nothing")
		r.press("enter")
		r.want("there is no theme")
	})
}

// TestKeepTheme: a theme that was chosen is the theme of the next start, unless
// the session is read-only.
func TestKeepTheme(t *testing.T) {
	var kept []string
	var fault error
	readOnly := false
	deps := func() tui.Deps {
		d := uitest.Full().Deps()
		d.KeepTheme = func(name string) error { kept = append(kept, name); return fault }
		d.ReadOnly = readOnly
		return d
	}
	choose := func(want string) {
		t.Helper()
		playDeps(t, deps, 120, 40, func(r *rig) {
			r.press(":")
			r.write("theme light")
			r.press("enter")
			r.want(want)
		})
	}
	choose("theme light, also at the next start")
	fault = errors.New("disk full")
	choose("disk full")
	readOnly = true
	choose("Dataset")
	if !slices.Equal(kept, []string{"light", "light"}) {
		t.Errorf("kept %q", kept)
	}
}

// TestLetters: where text is typed, letters are letters.
func TestLetters(t *testing.T) {
	play(t, uitest.Full, 120, 40, func(r *rig) {
		r.press("4")
		r.write("q 1 2 3 ? : quit")
		r.want("> q 1 2 3 ? : quit")
		r.send(tea.PasteMsg{Content: "pasted \x1b]0;owned\x07\x1b[31m text"})
		r.want("quitpasted")
		for _, line := range r.app.Frame() {
			if strings.Contains(sgr.ReplaceAllString(line, ""), "\x1b") {
				r.t.Fatalf("a paste got through: %q", line)
			}
		}
	})
}

// TestImportQueue: an import that waits says so, and can be taken out; one that
// runs cannot, and the key says why.
func TestImportQueue(t *testing.T) {
	var w *uitest.World
	play(t, func() *uitest.World {
		w = uitest.Full()
		w.ImportJobs = append([]modelimport.Job{
			{Name: "third", Model: "third", Status: modelimport.Waiting, Created: uitest.Noon},
			{Name: "second", Model: "second", Status: "InProgress", Created: uitest.Noon.Add(-time.Minute)},
		}, w.ImportJobs...)
		return w
	}, 120, 40, func(r *rig) {
		r.press("3", "tab", "g")
		r.want("Waiting", "InProgress", "importing, 1 waiting")
		r.press("down", "d")
		r.want("Bedrock cannot stop one that runs")
		r.press("g", "d")
		r.want("waits no longer")
		if got := w.Done(); len(got) != 1 || got[0] != "take third out of the queue" {
			r.t.Errorf("done: %v", got)
		}
	})
}

// TestProve: one key asks a model in every form, and says what it found.
func TestProve(t *testing.T) {
	var w *uitest.World
	play(t, func() *uitest.World { w = uitest.Full(); return w }, 120, 40, func(r *rig) {
		r.press("3", "v")
		r.want("Asked in every form", "OpenAIChatCompletion", "refused", "answered differently")
		if got := w.Done(); len(got) != 1 || got[0] != "prove style-20260714-102210" {
			r.t.Errorf("done: %v", got)
		}
		r.press("down")
		r.lacks("Asked in every form")
	})
	play(t, func() *uitest.World { w = uitest.Full(); w.Verdict.Findings = nil; return w }, 120, 40, func(r *rig) {
		r.press("3", "v")
		r.want("answers in every form, and the same in each")
	})
}

// TestExplain: a failed import is explained by the check that it does not pass.
func TestExplain(t *testing.T) {
	var w *uitest.World
	play(t, func() *uitest.World { w = uitest.Full(); return w }, 120, 40, func(r *rig) {
		r.press("3", "tab", "g", "x")
		r.want("only a job that failed can be explained")
		r.press("down")
		r.want("which check does it not pass?")
		r.press("x")
		r.want("the shard index fits the shards: missing shard: model-00002-of-00003.safetensors", "Copy the shard into the artifact")
	})
}

// TestModelDetails: use, size and cost of the model under the cursor, and a word
// about one that nobody uses.
func TestModelDetails(t *testing.T) {
	play(t, func() *uitest.World {
		w := uitest.Full()
		w.Account.Bills = true
		w.Imported[1].Created = uitest.Noon.Add(-30 * 24 * time.Hour)
		return w
	}, 120, 50, func(r *rig) {
		r.press("3")
		r.want("awake: it answered less than five minutes ago", "1 custom model unit (v1.0)", "a month to store", "today 3 windows from here", "team=answers")
		r.lacks("nobody here has used it")
		r.press("down")
		r.want("2 custom model units", "nobody here has used it for 30 days", "ListTagsForResource is denied")
	})
}
