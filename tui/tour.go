package tui

import (
	"fmt"

	tea "charm.land/bubbletea/v2"

	"tunebench/backend/dataset"
	"tunebench/tui/widget"
)

// tour leads through the loop once. It presses nothing: it says what to press
// where the user is, and sees by what has happened how far the user has come.
type tour struct {
	step int // from 0; behind the last one it is over
	// What was there before it began.
	manifest            *dataset.Manifest
	jobs, models, turns int
	run                 string
}

// tourStep is one part of the loop.
type tourStep struct {
	hint func(a *App) string
	done func(a *App, t *tour) bool
}

// way is how to get to a pane, when it is not in front.
func (a *App) way(p pane, name, then string) string {
	if a.pane() == p {
		return ""
	}
	return fmt.Sprintf("%s goes to the %s; then %s.", a.keyOf("go."+name), p.Title(), then)
}

// keyOf is the first key of an action, wherever it stands.
func (a *App) keyOf(id string) string {
	for _, t := range a.Tables() {
		if b := t.Named(id); b != nil && len(b.Keys) > 0 {
			return b.Keys[0]
		}
	}
	return ":" + id
}

var tourSteps = []tourStep{
	{
		hint: func(a *App) string {
			p, key := a.data, a.keyOf("dataset.prepare")
			switch {
			case a.pane() != p:
				return a.way(p, "dataset", key+" prepares it")
			case p.mode == dataForm:
				return "This is the recipe; as it stands it is good. enter writes the splits."
			case p.preparing != nil:
				return "The splits are being written."
			case p.ds == nil:
				return "The sample is being opened."
			}
			return "Questions with short answers: a model shall learn to answer like that. " + key + " prepares them for training."
		},
		done: func(a *App, t *tour) bool { return a.data.manifest != nil && a.data.manifest != t.manifest },
	},
	{
		hint: func(a *App) string {
			key := a.keyOf("dataset.train")
			switch {
			case a.pane() == a.train && a.train.mode == trainForm:
				return "This is what the job will do. enter starts it."
			case a.pane() == a.data:
				return "The splits are written: no question stands on two sides. " + key + " plans a training job on them."
			}
			return a.way(a.data, "dataset", key+" plans a training job")
		},
		done: func(a *App, t *tour) bool { return len(a.train.jobs) > t.jobs },
	},
	{
		hint: func(a *App) string {
			if a.pane() != a.train {
				return a.way(a.train, "training", "you see it learn")
			}
			return "The loss falls as the model learns; it takes half a minute. " + a.keyOf("training.log") + " goes into the log, esc comes back."
		},
		done: func(a *App, _ *tour) bool { return len(a.train.jobs) > 0 && a.train.jobs[0].Status == "Completed" },
	},
	{
		hint: func(a *App) string {
			key := a.keyOf("training.import")
			switch {
			case a.pane() == a.imports && a.imports.mode == importForm:
				return "What came out was checked, each check with its evidence. enter imports it."
			case a.pane() == a.imports:
				return "The model is being imported."
			case a.pane() == a.train:
				return "It is trained. " + key + " checks what came out, and offers to import it."
			}
			return a.way(a.train, "training", key+" imports what came out")
		},
		done: func(a *App, t *tour) bool { return len(a.imports.models) > t.models },
	},
	{
		hint: func(a *App) string {
			switch {
			case a.pane() == a.chat:
				return "Ask both models something they know, such as: What is the capital of Norway?"
			case a.pane() == a.imports:
				return "It is imported. " + a.keyOf("import.chat") + " opens a chat with it and with the model that it came from."
			}
			return a.way(a.imports, "import", a.keyOf("import.chat")+" opens a chat with the model")
		},
		done: func(a *App, t *tour) bool {
			n := len(a.chat.turns)
			return n > t.turns && a.chat.turns[n-1].over()
		},
	},
	{
		hint: func(a *App) string {
			switch {
			case a.pane() == a.score && a.score.mode == scoreForm:
				return "Questions that neither model has been trained on. enter starts the evaluation."
			case a.pane() == a.score && a.score.live != nil:
				return "The scores come in."
			case a.pane() == a.score:
				return a.keyOf("score.new") + " sets up an evaluation."
			case a.pane() == a.chat:
				return "How often is each of them right? esc, then " + a.keyOf("chat.evaluate") + " scores both."
			}
			return a.way(a.score, "scoreboard", a.keyOf("score.new")+" sets up an evaluation")
		},
		done: func(a *App, t *tour) bool {
			return a.score.run != nil && a.score.run.Status == "finished" && a.score.run.ID != t.run
		},
	},
}

// over reports whether all answers of a turn have ended.
func (t *chatTurn) over() bool {
	for _, m := range t.models {
		if a := t.answers[m.ID]; a == nil || !a.state.Done() {
			return false
		}
	}
	return true
}

// startTour begins the tour at the first step that is not done.
func (a *App) startTour() {
	a.tour = &tour{manifest: a.data.manifest, jobs: len(a.train.jobs), models: len(a.imports.models), turns: len(a.chat.turns)}
	if r := a.score.run; r != nil {
		a.tour.run = r.ID
	}
}

// toggleTour begins the tour, or leaves it.
func (a *App) toggleTour() tea.Cmd {
	if a.tour == nil {
		a.startTour()
		return a.goTo(a.data)
	}
	return a.leaveTour()
}

// leaveTour ends the tour; it does not come by itself again.
func (a *App) leaveTour() tea.Cmd {
	finished := a.tour.step == len(tourSteps)
	a.tour = nil
	a.layout()
	if a.deps.TourSeen != nil {
		if err := a.deps.TourSeen(); err != nil {
			return a.fail(fmt.Errorf("the tour would come again: %w", err))
		}
	}
	if finished {
		return nil
	}
	return a.say(widget.Info, widget.MarkDone, a.keyOf("app.tour")+" begins the tour again")
}

// advanceTour looks how far the user has come. The height of its lines may have
// changed, and with it the panes'.
func (a *App) advanceTour() {
	if a.tour == nil {
		return
	}
	for t := a.tour; t.step < len(tourSteps) && tourSteps[t.step].done(a, t); {
		t.step++
	}
	if n := len(a.tourLines()); n != a.tourHeight {
		a.tourHeight = n
		a.layout()
	}
}

// tourText is what the tour says now, "" without one.
func (a *App) tourText() (where, text string) {
	t := a.tour
	switch {
	case t == nil:
		return "", ""
	case t.step == len(tourSteps):
		return "Tour", "That was the loop: by how much the new model is better, and how sure that is. ? lists the keys of a pane."
	}
	return fmt.Sprintf("Tour %d of %d", t.step+1, len(tourSteps)), tourSteps[t.step].hint(a)
}

// tourLines draws the tour above the footer.
func (a *App) tourLines() []string {
	where, text := a.tourText()
	if where == "" || a.height < MinHeight+4 {
		return nil
	}
	l := a.look
	end := a.keyOf("app.tour") + " ends it"
	indent := l.Width(where) + 4
	var lines []string
	for i, s := range l.Wrap(text, a.width-indent-l.Width(end)-4) {
		r := l.Row(a.width).On("header").Gap(1)
		if i == 0 {
			r.Put(widget.Accent.With(widget.Bold), where).Gap(3).Put(widget.Text, s)
			r.Gap(r.Left()-l.Width(end)-1).Put(widget.Muted, end)
		} else {
			r.Gap(indent-1).Put(widget.Text, s)
		}
		lines = append(lines, r.String())
	}
	return lines[:min(len(lines), 3)]
}
