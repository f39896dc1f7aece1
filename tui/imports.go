package tui

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"tunebench/backend/modelimport"
	"tunebench/backend/training"
	"tunebench/tui/keys"
	"tunebench/tui/widget"
)

type importMode uint8

const (
	importModels importMode = iota // keys move in the list of models
	importJobs
	importForm
)

// importPane checks artifacts, imports them and shows what was imported.
type importPane struct {
	app  *App
	w, h int
	mode importMode
	keys [3]*keys.Table

	jobs    []modelimport.Job
	models  []modelimport.Model
	loaded  bool
	err     error
	read    time.Time
	polling bool // lists are being read
	turn    int  // counts the readings, so that an earlier wait for the next one ends
	status  map[string]string
	ms, js  widget.Scroll
	proofs  map[string]*proof   // by the model's ARN
	whys    map[string]*why     // by the failed job's name
	details map[string]*details // by the model's ARN

	form     widget.Form
	report   *modelimport.Report
	checkErr error
	checking bool
	checkGen int
	starting bool
	upload   *upload // of a local folder; nil until it begins
	waiting  bool    // enter was pressed before the preflight was done
	top      int     // first check in sight
	cx, cy   int
}

func newImportPane(a *App) *importPane {
	p := &importPane{app: a, status: map[string]string{}, proofs: map[string]*proof{}, whys: map[string]*why{}, details: map[string]*details{}}
	p.bind()
	return p
}

func (p *importPane) Title() string { return "Import" }

func (p *importPane) Status() string {
	if p.active() > 0 {
		return widget.MarkRunning
	}
	return ""
}

func (p *importPane) SetSize(w, h int) { p.w, p.h = w, h }

func (p *importPane) Animated() bool {
	for _, t := range p.proofs {
		if t.running {
			return true
		}
	}
	return p.checking || p.starting || p.active() > 0 || !p.loaded && p.err == nil && p.app.svc != nil
}

func (p *importPane) active() int {
	n := 0
	for _, j := range p.jobs {
		if !j.Done() {
			n++
		}
	}
	return n
}

func (p *importPane) running() string {
	waits := 0
	for _, j := range p.jobs {
		if j.Status == modelimport.Waiting {
			waits++
		}
	}
	switch n := p.active() - waits; {
	case n == 0 && waits == 0:
		return ""
	case waits > 0:
		return fmt.Sprintf("importing, %d waiting", waits)
	case n == 1:
		return "importing"
	default:
		return fmt.Sprintf("%d import jobs", n)
	}
}

func (p *importPane) opened() tea.Cmd { return p.poll() }
func (p *importPane) Show() tea.Cmd   { return p.poll() }

// poll reads jobs and models, and again later while something is being imported
// or the pane is in front.
func (p *importPane) poll() tea.Cmd {
	if p.app.svc == nil || p.polling {
		return nil
	}
	p.polling = true
	p.turn++
	type lists struct {
		jobs   []modelimport.Job
		models []modelimport.Model
	}
	svc := p.app.svc.Imports
	return task(p.app.ctx, func(ctx context.Context) (lists, error) {
		if _, err := svc.Advance(ctx); err != nil {
			return lists{}, err
		}
		jobs, err := svc.Jobs(ctx)
		if err != nil {
			return lists{}, err
		}
		models, err := svc.Models(ctx)
		return lists{jobs, models}, err
	}, func(l lists, err error) tea.Cmd {
		p.polling = false
		var cmd tea.Cmd
		if err != nil {
			p.err = err
		} else {
			cmd = p.take(l.jobs, l.models)
		}
		wait := 500 * time.Millisecond
		if p.active() == 0 {
			if p.app.pane() != pane(p) {
				return cmd
			}
			wait = 5 * time.Second
		}
		if p.app.svc.Account.Bills {
			wait = max(wait*2, 5*time.Second)
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

func (p *importPane) take(jobs []modelimport.Job, models []modelimport.Model) tea.Cmd {
	slices.SortStableFunc(jobs, func(a, b modelimport.Job) int { return b.Created.Compare(a.Created) })
	slices.SortStableFunc(models, func(a, b modelimport.Model) int { return b.Created.Compare(a.Created) })
	p.jobs, p.models, p.loaded, p.err, p.read = jobs, models, true, nil, p.app.deps.Now()
	p.ms.Set(len(models), p.ms.Height)
	p.js.Set(len(jobs), p.js.Height)
	cmds := []tea.Cmd{p.look()}
	for _, j := range jobs {
		before, known := p.status[j.Name]
		p.status[j.Name] = j.Status
		if !known || before == j.Status || !j.Done() {
			continue
		}
		if j.Status == "Failed" {
			cmds = append(cmds, p.app.say(widget.Bad, widget.MarkFailed, "import job "+j.Name+" failed: "+j.FailureMessage))
			continue
		}
		for i, m := range models {
			if m.Name == j.Model {
				p.ms.To(i)
			}
		}
		where := "chat with it with c"
		if p.app.pane() != pane(p) {
			where += " in the Import pane"
		} else if p.mode == importJobs {
			p.mode = importModels
		}
		cmds = append(cmds, p.app.chat.reload(), p.app.sayUntil(func() bool { return p.app.chat.asks(j.Model) }, widget.Good, widget.MarkDone, "model "+j.Model+" is imported: "+where))
	}
	return tea.Batch(cmds...)
}

func (p *importPane) model() *modelimport.Model {
	if p.ms.Cursor < len(p.models) {
		return &p.models[p.ms.Cursor]
	}
	return nil
}

func (p *importPane) job() *modelimport.Job {
	if p.js.Cursor < len(p.jobs) {
		return &p.jobs[p.js.Cursor]
	}
	return nil
}

// startWith opens the form for a training job or another source, and checks it
// at once.
func (p *importPane) startWith(trainingJob, source string) tea.Cmd {
	cmd := p.app.goTo(p)
	if why := p.app.needAccount(); why != "" {
		return tea.Batch(cmd, p.app.say(widget.Warn, widget.MarkWarning, why))
	}
	name := ""
	if trainingJob != "" {
		name = p.app.svc.Imports.ProposeName(trainingJob)
	}
	p.mode, p.report, p.checkErr, p.top = importForm, nil, nil, 0
	p.form = widget.Form{Fields: []widget.Field{
		{Name: "source", Label: "artifact of", Help: "a training job, a folder or s3://"},
		{Name: "name", Label: "model name", Help: "empty takes a proposed one"},
		{Name: "do", Label: "Import", Kind: widget.ButtonField},
	}}
	p.form.Field("source").Input.Set(or(trainingJob, source))
	p.form.Field("source").Input.Placeholder = "training job, folder or s3://bucket/prefix"
	p.form.Field("name").Input.Set(name)
	p.form.On("do")
	if trainingJob == "" && source == "" {
		p.form.On("source")
		return cmd
	}
	return tea.Batch(cmd, p.check(0))
}

// takes reports whether a training job's model is being imported or has been.
func (p *importPane) takes(trainingJob string) bool {
	return p.mode == importForm && p.form.Value("source") == trainingJob ||
		slices.ContainsFunc(p.models, func(m modelimport.Model) bool { return m.TrainingJob == trainingJob })
}

// source is what is to be imported, and whether it is a training job's name.
func (p *importPane) source() (what string, job bool) {
	s := strings.TrimSpace(p.form.Value("source"))
	return s, slices.ContainsFunc(p.app.train.jobs, func(j training.Job) bool { return j.Name == s })
}

// artifact is where a training job has put its model.
func (p *importPane) artifact(ctx context.Context, job string) (string, error) {
	j, err := p.app.svc.Training.Job(ctx, job)
	switch {
	case err != nil:
		return "", err
	case !j.Done():
		return "", fmt.Errorf("training job %s has not ended yet; import it when it is Completed", job)
	case j.Artifact == "":
		return "", fmt.Errorf("training job %s ended %s and has no artifact", job, j.Status)
	}
	return j.Artifact, nil
}

// check runs the preflight after a pause in typing.
func (p *importPane) check(wait time.Duration) tea.Cmd {
	p.checkGen++
	gen := p.checkGen
	p.checking, p.report, p.checkErr = true, nil, nil
	return later(p.app.ctx, wait, func() tea.Cmd {
		if gen != p.checkGen {
			return nil
		}
		what, job := p.source()
		if what == "" {
			p.checking = false
			return nil
		}
		return task(p.app.ctx, func(ctx context.Context) (modelimport.Report, error) {
			where := what
			if job {
				var err error
				if where, err = p.artifact(ctx, what); err != nil {
					return modelimport.Report{}, err
				}
			}
			return p.app.svc.Imports.Check(ctx, where)
		}, func(r modelimport.Report, err error) tea.Cmd {
			if gen != p.checkGen {
				return nil
			}
			p.checking, p.checkErr = false, err
			if err == nil {
				p.report = &r
			}
			if p.waiting {
				p.waiting = false
				return p.start()
			}
			return nil
		})
	})
}

// start starts the import unless the preflight blocks it.
func (p *importPane) start() tea.Cmd {
	what, job := p.source()
	switch {
	case what == "":
		p.form.Field("source").Err = "say what to import"
		p.form.On("source")
		return nil
	case p.checking:
		p.waiting = true
		return nil
	case p.checkErr != nil:
		return p.app.fail(p.checkErr)
	case p.report == nil:
		p.waiting = true
		return p.check(0)
	case !p.report.Importable:
		return p.app.say(widget.Bad, widget.MarkFailed, "the preflight found what Bedrock would refuse; see the checks")
	}
	req := modelimport.Request{Source: what, Name: strings.TrimSpace(p.form.Value("name"))}
	if job {
		req.Source, req.TrainingJob = "", what
	}
	begin := func() tea.Cmd {
		p.starting, p.upload = true, &upload{}
		req.Progress = p.upload.set
		return task(p.app.ctx, func(ctx context.Context) (modelimport.Job, error) {
			return p.app.svc.Imports.Start(ctx, req)
		}, func(j modelimport.Job, err error) tea.Cmd {
			p.starting = false
			if err != nil {
				p.mode = importForm
				return p.app.fail(err)
			}
			p.status[j.Name] = j.Status
			p.jobs = append([]modelimport.Job{j}, slices.DeleteFunc(p.jobs, func(o modelimport.Job) bool { return o.Name == j.Name })...)
			p.mode = importModels
			p.js.To(0)
			return p.poll()
		})
	}
	if !p.app.svc.Account.Bills {
		return begin()
	}
	p.app.modal = newConfirm(p.app, confirm{title: "Import a model that costs money?", yes: "import it", do: begin,
		text: []string{"Bedrock bills for storing the model every month, and for the time in which it is loaded to answer."},
		facts: [][2]string{{"from", p.report.Source}, {"model", or(req.Name, "a proposed name")},
			{"storage", fmt.Sprintf("$%.2f a month for each custom model unit", p.app.deps.Prices.CMUMonth)},
			{"answering", fmt.Sprintf("$%.4f a minute for each custom model unit", p.app.deps.Prices.CMUMinute)},
			{"prices of", p.app.deps.Prices.Date + ", " + p.app.deps.Prices.Region}}})
	return nil
}

// remove asks, then deletes the model under the cursor.
func (p *importPane) remove() tea.Cmd {
	m := *p.model()
	p.app.modal = newConfirm(p.app, confirm{title: "Delete the imported model?", bad: true, yes: "delete it", typed: m.Name,
		text:  []string{m.Name, "The artifact that it was imported from stays where it is."},
		facts: [][2]string{{"imported", widget.Ago(m.Created, p.app.deps.Now())}, {"from", or(m.TrainingJob, m.Source)}},
		do: func() tea.Cmd {
			return act(p.app.ctx, func(ctx context.Context) error { return p.app.svc.Imports.Delete(ctx, or(m.ARN, m.Name)) }, func(err error) tea.Cmd {
				if err != nil {
					return p.app.fail(err)
				}
				p.models = slices.DeleteFunc(p.models, func(o modelimport.Model) bool { return o.ARN == m.ARN })
				p.ms.Set(len(p.models), p.ms.Height)
				return tea.Batch(p.poll(), p.app.chat.reload(), p.app.say(widget.Muted, widget.MarkDone, "model "+m.Name+" is deleted"))
			})
		}})
	return nil
}

func (p *importPane) Typing() *widget.Input {
	if p.mode == importForm && p.form.Typing() {
		return &p.form.Current().Input
	}
	return nil
}

func (p *importPane) Edited() tea.Cmd {
	p.form.Current().Err = ""
	if p.form.Current().Name == "source" {
		return p.check(500 * time.Millisecond)
	}
	return nil
}

func (p *importPane) Cursor() (int, int, bool) { return p.cx, p.cy, p.mode == importForm && p.cx >= 0 }
