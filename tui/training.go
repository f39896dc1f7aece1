package tui

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	tea "charm.land/bubbletea/v2"

	"tunebench/backend/dataset"
	"tunebench/backend/training"
	"tunebench/tui/keys"
	"tunebench/tui/widget"
)

type trainMode uint8

const (
	trainJobs trainMode = iota // keys move in the list of jobs
	trainLog                   // keys move in the log
	trainForm
	trainFind  // a text to search for is typed
	trainChart // keys move in the chart
)

// trainingPane plans, starts, watches and stops training jobs.
type trainingPane struct {
	app  *App
	w, h int
	mode trainMode
	keys [5]*keys.Table

	jobs    []training.Job
	loaded  bool
	err     error
	read    time.Time // when the list was read
	polling bool      // lists are being read
	turn    int       // counts the readings, so that an earlier wait for the next one ends
	scroll  widget.Scroll
	status  map[string]string // job → last seen status
	opening string            // job that is put under the cursor when it appears
	extra   []training.Job    // opened by name, and not in the list

	watch    Watch
	name     string // of the watched job
	unwatch  context.CancelFunc
	step     int
	steps    int
	progress map[string][2]int // job → step and steps as seen last
	loss     float64
	eval     float64
	rate     float64
	log      logView
	find     finder
	grew     time.Time // when the log was last seen to grow
	burst    int       // lines that came since the look before
	zoom     bool
	raw      bool
	chart    chartState

	form     widget.Form
	presets  []training.Preset // as the form offers them
	preset   string
	from     string   // the job that is started again, "" for a new one
	remarks  []string // that are said with its plan
	goFrom   string   // place of the checkpoints that the planned job goes on from
	plan     *training.Plan
	planErr  error
	planning bool
	planGen  int
	wanted   bool // start as soon as the plan is there
	starting bool
	upload   atomic.Pointer[dataset.Progress] // of the job that is being started
	cx, cy   int
}

func newTrainingPane(a *App) *trainingPane {
	p := &trainingPane{app: a, status: map[string]string{}, progress: map[string][2]int{}}
	p.log = logView{follow: true, match: -1}
	p.chart.reset()
	p.bind()
	return p
}

func (p *trainingPane) Title() string { return "Training" }

func (p *trainingPane) Status() string {
	if p.active() > 0 {
		return widget.MarkRunning
	}
	return ""
}

func (p *trainingPane) SetSize(w, h int) { p.w, p.h = w, h }

func (p *trainingPane) Animated() bool {
	return p.planning || p.starting || p.wanted || p.active() > 0 || !p.loaded && p.app.svc != nil && p.err == nil
}

func (p *trainingPane) active() int {
	n := 0
	for _, j := range p.jobs {
		if !j.Done() {
			n++
		}
	}
	return n
}

// running says what is being trained, for the header.
func (p *trainingPane) running() string {
	switch n := p.active(); {
	case n == 0:
		return ""
	case n > 1:
		return fmt.Sprintf("%d training jobs", n)
	}
	for _, j := range p.jobs {
		if !j.Done() {
			if at := p.progress[j.Name]; at[1] > 0 {
				return fmt.Sprintf("training %d %%", 100*at[0]/at[1])
			}
			if j.SecondaryStatus == "" || j.SecondaryStatus == "Training" {
				return "training"
			}
			return "training job " + strings.ToLower(j.SecondaryStatus)
		}
	}
	return ""
}

func (p *trainingPane) opened() tea.Cmd { return p.poll() }

func (p *trainingPane) Show() tea.Cmd {
	if p.watch != nil {
		p.refresh()
	}
	return p.poll()
}

// poll reads the list of jobs, and reads it again later as long as that makes
// sense: something runs, or the pane is looked at.
func (p *trainingPane) poll() tea.Cmd {
	if p.app.svc == nil || p.polling {
		return nil
	}
	p.polling = true
	p.turn++
	return task(p.app.ctx, p.app.svc.Training.Jobs, func(jobs []training.Job, err error) tea.Cmd {
		p.polling = false
		var cmd tea.Cmd
		if err != nil {
			p.err = err
		} else {
			cmd = p.take(jobs)
		}
		wait := time.Second
		if p.active() == 0 {
			if p.app.pane() != pane(p) {
				return cmd
			}
			wait = 5 * time.Second
		}
		if p.app.svc.Account.Bills {
			wait *= 5
		}
		turn := p.turn
		return tea.Batch(cmd, later(p.app.ctx, wait, func() tea.Cmd {
			if turn != p.turn {
				return nil
			}
			return p.poll()
		}))
	})
}

// take accepts a fresh list.
func (p *trainingPane) take(jobs []training.Job) tea.Cmd {
	chosen := ""
	if j := p.job(); j != nil {
		chosen = j.Name
	}
	jobs = p.withExtra(jobs)
	slices.SortStableFunc(jobs, func(a, b training.Job) int { return b.Created.Compare(a.Created) })
	p.jobs, p.loaded, p.err, p.read = jobs, true, nil, p.app.deps.Now()
	var cmds []tea.Cmd
	for i, j := range jobs {
		// The list knows less of a job than its watch does.
		if p.watch != nil && j.Name == p.name {
			if w := p.watch.Job(); w.Status == j.Status || w.Done() {
				jobs[i] = w
				j = w
			}
		}
		before, known := p.status[j.Name]
		p.status[j.Name] = j.Status
		if known && before != j.Status && j.Done() {
			cmds = append(cmds, p.ended(j))
		}
	}
	if p.opening != "" {
		chosen = p.opening
	}
	p.scroll.Len = len(jobs)
	for i, j := range jobs {
		if j.Name == chosen {
			p.scroll.To(i)
			if chosen == p.opening {
				p.opening = ""
			}
		}
	}
	return tea.Batch(append(cmds, p.watchChosen())...)
}

// ended tells that a job has reached its end.
func (p *trainingPane) ended(j training.Job) tea.Cmd {
	switch j.Status {
	case "Completed":
		where := "import it with i"
		if p.app.pane() != pane(p) {
			where = "import it with i in the Training pane"
		}
		return p.app.sayUntil(func() bool { return p.app.imports.takes(j.Name) }, widget.Good, widget.MarkDone, "training job "+j.Name+" completed: "+where)
	case "Failed":
		return p.app.say(widget.Bad, widget.MarkFailed, "training job "+j.Name+" failed: "+j.FailureReason)
	}
	return p.app.say(widget.Muted, widget.MarkStopped, "training job "+j.Name+" stopped")
}

// job is the one under the cursor.
func (p *trainingPane) job() *training.Job {
	if p.scroll.Cursor < len(p.jobs) {
		return &p.jobs[p.scroll.Cursor]
	}
	return nil
}

// watchChosen follows the job under the cursor.
func (p *trainingPane) watchChosen() tea.Cmd {
	j := p.job()
	if j == nil || j.Name == p.name || p.app.svc == nil {
		return nil
	}
	p.stopWatch()
	ctx, cancel := context.WithCancel(p.app.ctx)
	w := p.app.svc.Training.Watch(ctx, j.Name)
	p.watch, p.name, p.unwatch = w, j.Name, cancel
	p.step, p.steps, p.loss, p.eval, p.rate = 0, 0, nan, nan, nan
	p.log = logView{follow: true, match: -1}
	p.chart.reset()
	p.refresh()
	return follow(ctx, w.Changed, p.pause, func() (bool, tea.Cmd) {
		if p.watch != w {
			return false, nil
		}
		return p.refresh(), nil
	})
}

func (p *trainingPane) stopWatch() {
	p.dropFind()
	p.dropFilter()
	p.dropRivals()
	if p.unwatch != nil {
		p.unwatch()
		p.watch.Close()
	}
	p.watch, p.unwatch, p.name = nil, nil, ""
}

// pause is the time between two looks at a log that is growing: none of it is
// seen while another pane is in front.
func (p *trainingPane) pause() time.Duration {
	if p.app.pane() != pane(p) {
		return 500 * time.Millisecond
	}
	if p.burst > 25 { // more than can be read
		return 250 * time.Millisecond
	}
	return 100 * time.Millisecond
}

// streaming reports whether lines are coming in before the reader's eyes.
func (p *trainingPane) streaming() bool {
	return p.log.follow && p.app.pane() == pane(p) && time.Since(p.grew) < 4*spin
}

// refresh takes over what the watch has read, and reports whether more may come.
func (p *trainingPane) refresh() bool {
	p.learn(p.watch.Latest())
	before := p.log.n
	p.log.grown(p.watch)
	if p.burst = p.log.n - before; p.burst > 0 {
		p.grew = time.Now()
	}
	if j := p.watch.Job(); j.Name == p.name && j.Status != "" {
		for i := range p.jobs {
			if p.jobs[i].Name == j.Name && !(p.jobs[i].Done() && !j.Done()) {
				p.jobs[i] = j
			}
		}
	}
	select {
	case <-p.watch.Done():
		return false
	default:
		return true
	}
}

// learn takes over the newest numbers.
func (p *trainingPane) learn(e training.Event) {
	if e.Step != nil {
		p.step = *e.Step
	}
	if e.Steps != nil {
		p.steps = *e.Steps
	}
	if e.Loss != nil {
		p.loss = *e.Loss
	}
	if e.EvalLoss != nil {
		p.eval = *e.EvalLoss
	}
	if e.TokensPerS != nil {
		p.rate = *e.TokensPerS
	}
	p.progress[p.name] = [2]int{p.step, p.steps}
}

func (p *trainingPane) move(n int) tea.Cmd {
	p.scroll.Move(n)
	return p.watchChosen()
}

// stop asks, then stops the job under the cursor.
func (p *trainingPane) stop() tea.Cmd {
	j := p.job()
	name := j.Name
	facts := [][2]string{{"status", j.Status + ", " + j.SecondaryStatus}, {"running for", widget.Clock(p.app.deps.Now().Sub(j.Created))}}
	if p.steps > 0 && p.name == name {
		facts = append(facts, [2]string{"step", fmt.Sprintf("%d of %d", p.step, p.steps)})
	}
	text := j.Keeps()
	if p.app.svc.Account.Bills {
		text += " What it has run is billed, and nothing after that."
		if j.Spent != nil {
			facts = append(facts, [2]string{"cost so far", fmt.Sprintf("about $%.2f", j.Spent.USD)})
		}
	}
	p.app.modal = newConfirm(p.app, confirm{
		title: "Stop the training job?", bad: true, yes: "stop it", text: []string{name, text}, facts: facts,
		do: func() tea.Cmd {
			return act(p.app.ctx, func(ctx context.Context) error { return p.app.svc.Training.Stop(ctx, name) }, func(err error) tea.Cmd {
				if err != nil {
					return p.app.fail(err)
				}
				return tea.Batch(p.poll(), p.app.say(widget.Warn, widget.MarkWarning, "stopping "+name))
			})
		},
	})
	return nil
}

func (p *trainingPane) Typing() *widget.Input {
	if p.mode == trainForm && p.form.Typing() {
		return &p.form.Current().Input
	}
	if p.mode == trainFind {
		return &p.find.in
	}
	return nil
}

func (p *trainingPane) Edited() tea.Cmd {
	if p.mode == trainForm {
		p.form.Current().Err = ""
		return p.replan(400 * time.Millisecond)
	}
	return nil
}

func (p *trainingPane) Cursor() (int, int, bool) {
	return p.cx, p.cy, (p.mode == trainForm || p.mode == trainFind) && p.cx >= 0
}
