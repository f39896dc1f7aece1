package tui

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	tea "charm.land/bubbletea/v2"

	"tunebench/backend/chat"
	"tunebench/backend/dataset"
	"tunebench/backend/evaluation"
	"tunebench/tui/keys"
	"tunebench/tui/widget"
)

type scoreMode uint8

const (
	scoreBoard scoreMode = iota
	scoreForm
	scoreRecords
	scoreSearch
	scoreRecord
	scoreTrend
	scoreVotes
)

// scoreNames are the scores in the order in which they are shown.
var scoreNames = []string{"f1_score", "exact_match_score", "quasi_exact_match_score", "precision_over_words", "recall_over_words"}

// scorePane runs evaluations and shows what came out of them.
type scorePane struct {
	app  *App
	w, h int
	mode scoreMode
	keys [7]*keys.Table
	view boardView

	runs    []evaluation.Run
	loaded  bool
	loading bool
	err     error
	run     *evaluation.Run
	live    Live
	stop    bool // the user stopped the live run
	score   int  // the score that categories and records are shown for
	judged  []evaluation.Judged
	from    int       // how many records there were when the live run began
	since   time.Time // when it began
	top     int

	form     widget.Form
	base     evaluation.Spec // what of a run file or an earlier run is in no field
	starting bool
	refused  string // why the run of the form could not start
	fetching atomic.Pointer[dataset.Progress]
	models   []chat.Model // for the form
	cx, cy   int

	recs  recordList
	trend widget.Scroll

	voters   []chat.Voter // what people and judges have voted
	votesErr error
	judging  *judging // nil while no judge is asked
	verdicts string   // what the last judge said of a run
}

func newScorePane(a *App) *scorePane {
	p := &scorePane{app: a, score: 1}
	p.bind()
	return p
}

func (p *scorePane) Title() string { return "Scoreboard" }

func (p *scorePane) Status() string {
	if p.live != nil {
		return widget.MarkRunning
	}
	return ""
}

func (p *scorePane) SetSize(w, h int) { p.w, p.h = w, h }

func (p *scorePane) Animated() bool {
	return p.live != nil || p.judging != nil || p.starting || p.loading && p.run == nil || p.recs.loading
}

// running says what is being evaluated, for the header.
func (p *scorePane) running() string {
	if j := p.judging; j != nil && p.live == nil {
		if j.total == 0 {
			return "judging"
		}
		return fmt.Sprintf("judging %d %%", 100*j.done/j.total)
	}
	if p.live == nil || p.run == nil {
		return ""
	}
	if p.run.Total == 0 {
		return "evaluating"
	}
	return fmt.Sprintf("evaluating %d %%", 100*p.run.Done/p.run.Total)
}

// ending says what would end with the program; "" for nothing.
func (p *scorePane) ending() string {
	if p.live == nil {
		return ""
	}
	return "An evaluation is running."
}

func (p *scorePane) opened() tea.Cmd { return p.reload() }

func (p *scorePane) Show() tea.Cmd {
	if p.loaded {
		return nil
	}
	return p.reload()
}

// reload reads the list of runs and, unless one is shown, takes the newest.
func (p *scorePane) reload() tea.Cmd {
	if p.app.svc == nil || p.loading {
		return nil
	}
	p.loading = true
	return task(p.app.ctx, p.app.svc.Evaluation.Runs, func(runs []evaluation.Run, err error) tea.Cmd {
		p.loading, p.err = false, err
		if err != nil {
			return nil
		}
		slices.SortStableFunc(runs, func(a, b evaluation.Run) int { return b.Created.Compare(a.Created) })
		// What is voted on in rounds is not scored.
		runs = slices.DeleteFunc(runs, func(r evaluation.Run) bool { return r.Spec.Voting })
		p.runs, p.loaded = runs, true
		if p.run == nil && len(runs) > 0 {
			return p.choose(runs[0].ID)
		}
		return p.readVotes()
	})
}

// choose shows a run.
func (p *scorePane) choose(id string) tea.Cmd {
	if p.live != nil && p.live.Run().ID == id {
		return p.take(p.live.Run())
	}
	return task(p.app.ctx, func(ctx context.Context) (evaluation.Run, error) {
		return p.app.svc.Evaluation.Run(ctx, id)
	}, func(r evaluation.Run, err error) tea.Cmd {
		if err != nil {
			return p.app.fail(err)
		}
		return p.take(r)
	})
}

func (p *scorePane) take(r evaluation.Run) tea.Cmd {
	if p.run == nil || p.run.ID != r.ID {
		p.recs, p.top = recordList{}, 0
		p.view.beside, p.view.without = nil, false
		if p.mode != scoreForm {
			p.mode = scoreBoard
		}
	}
	p.run = &r
	return tea.Batch(p.readVotes(), p.applyRules())
}

func (p *scorePane) started(live Live, err error) tea.Cmd {
	p.starting, p.refused = false, ""
	if err != nil {
		if p.mode == scoreForm {
			p.refused = err.Error() // all of it, where there is room
			return nil
		}
		return p.app.fail(err)
	}
	p.live, p.stop, p.mode = live, false, scoreBoard
	p.recs = recordList{}
	r := live.Run()
	p.run, p.judged, p.from, p.since = &r, nil, r.Done, p.app.deps.Now()
	return follow(p.app.ctx, live.Changed, p.pause, func() (bool, tea.Cmd) {
		if p.live != live {
			return false, nil
		}
		r := live.Run()
		shown := p.run != nil && p.run.ID == r.ID
		if shown {
			p.run = &r
		}
		select {
		case <-live.Done():
			return false, p.ended(live.Run(), shown)
		default:
			return true, nil
		}
	})
}

func (p *scorePane) pause() time.Duration {
	if p.app.pane() != pane(p) {
		return 500 * time.Millisecond
	}
	return 100 * time.Millisecond
}

func (p *scorePane) ended(r evaluation.Run, shown bool) tea.Cmd {
	p.live = nil
	if shown {
		p.run = &r
	}
	cmds := []tea.Cmd{p.reload()}
	if shown {
		cmds = append(cmds, p.applyRules())
	}
	if j := r.Spec.Judge; j != "" && r.Status == "finished" && len(r.Models) > 1 && p.judging == nil {
		cmds = append(cmds, p.startJudge(evaluation.JudgeSpec{Run: r.ID, Judge: j, A: r.Models[0].Model, B: r.Models[len(r.Models)-1].Model}))
	}
	switch {
	case r.Status == "finished" && p.app.pane() != pane(p):
		cmds = append(cmds, p.app.say(widget.Good, widget.MarkDone, "evaluation finished: the scores are in the Scoreboard, 5"))
	case r.Why != "":
		cmds = append(cmds, p.app.say(widget.Warn, widget.MarkWarning, "evaluation stopped: "+r.Why))
	case r.Status != "finished" && !p.stop:
		cmds = append(cmds, p.app.say(widget.Warn, widget.MarkWarning, "evaluation "+r.Status+": resume it with r in the Scoreboard"))
	}
	return tea.Batch(cmds...)
}

// resume goes on with a run that was stopped or interrupted.
func (p *scorePane) resume() tea.Cmd {
	id := p.run.ID
	p.starting = true
	return task(p.app.ctx, func(context.Context) (Live, error) {
		return p.app.svc.Evaluation.Resume(p.app.ctx, id)
	}, p.started)
}

// pick offers the runs.
func (p *scorePane) pick() {
	var all []entry
	for _, r := range p.runs {
		mark, _ := widget.Status(r.Status)
		all = append(all, entry{text: mark + " " + datasetName(r.Spec.Dataset) + "   " + strings.Join(r.Spec.Models, ", "),
			note: fmt.Sprintf("%s, %s, %s", widget.Ago(r.Created, p.app.deps.Now()), r.Status, widget.Plural(int64(r.Total), "record")),
			do:   func() tea.Cmd { return p.choose(r.ID) }})
	}
	p.app.modal = newPicker(p.app, "Runs", "type to narrow", all)
}

// export writes the run to a file.
func (p *scorePane) export(args string) tea.Cmd {
	id, without := p.run.ID, p.view.without
	return p.app.export(args, export{
		title: "Export this run", help: "the name's end decides: .md, .html, .csv, .jsonl, or .toml for a run file",
		proposed: filepath.Join(p.app.deps.WorkDir, "run-"+id+".md"),
		write: func(ctx context.Context, f io.Writer, path string) (string, error) {
			return "", p.app.svc.Evaluation.Export(ctx, id, strings.TrimPrefix(filepath.Ext(path), "."), without, f)
		},
	})
}

func (p *scorePane) Typing() *widget.Input {
	switch p.mode {
	case scoreForm:
		if p.form.Typing() {
			return &p.form.Current().Input
		}
	case scoreSearch:
		return &p.recs.search
	}
	return nil
}

func (p *scorePane) Edited() tea.Cmd {
	if p.mode == scoreForm {
		p.form.Current().Err, p.refused = "", ""
	}
	return nil
}

func (p *scorePane) Cursor() (int, int, bool) { return p.cx, p.cy, p.cx >= 0 }
