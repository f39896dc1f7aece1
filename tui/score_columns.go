package tui

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	tea "charm.land/bubbletea/v2"

	"tunebench/backend/evaluation"
	"tunebench/metrics"
	"tunebench/tui/widget"
)

// boardView is what of the board is shown, and in which order.
type boardView struct {
	order   int             // of the models: as they are named, best first, worst first
	hidden  map[string]bool // scores, and models as "model " and the name
	pinned  string          // a model that stays first
	beside  []besideRun
	without bool // marked rows are left out
}

var boardOrders = []string{"as the run names them", "best first", "worst first"}

// besideRun is an earlier run whose models stand beside those of this one.
type besideRun struct {
	run   evaluation.Run
	diffs map[string]evaluation.Comparison // by model, against this run's baseline
}

// boardColumn is a model on the board.
type boardColumn struct {
	label  string
	model  evaluation.ModelResult
	series int
	diff   func(score string) (evaluation.Difference, bool)
}

// columns are the models that the board shows, in their order.
func (p *scorePane) columns() []boardColumn {
	var list []boardColumn
	for i, m := range p.run.Models {
		list = append(list, boardColumn{m.Model, m, i, func(score string) (evaluation.Difference, bool) {
			for _, d := range p.run.Differences {
				if d.Model == m.Model && d.Score == score {
					return d, true
				}
			}
			return evaluation.Difference{}, false
		}})
	}
	for _, b := range p.view.beside {
		for _, m := range b.run.Models {
			list = append(list, boardColumn{m.Model + " " + b.run.Created.Format("01-02 15:04"), m, len(list), func(score string) (evaluation.Difference, bool) {
				for _, s := range b.diffs[m.Model].Scores {
					if s.Score == score {
						return evaluation.Difference{Model: m.Model, Score: score, Mean: s.Difference, Interval: s.Interval, PValue: s.PValue, Real: s.Real}, true
					}
				}
				return evaluation.Difference{}, false
			}})
		}
	}
	list = slices.DeleteFunc(list, func(c boardColumn) bool { return p.view.hidden["model "+c.label] })
	name := p.scoreName()
	if p.view.order > 0 {
		slices.SortStableFunc(list, func(a, b boardColumn) int {
			c := cmp.Compare(b.model.Scores[name]*direction(name), a.model.Scores[name]*direction(name))
			if p.view.order == 2 {
				c = -c
			}
			return c
		})
	}
	if i := slices.IndexFunc(list, func(c boardColumn) bool { return c.label == p.view.pinned }); i > 0 {
		pinned := list[i]
		list = slices.Insert(slices.Delete(list, i, i+1), 0, pinned)
	}
	return list
}

// names are the scores of the run in the order in which they are shown.
func (p *scorePane) names() []string {
	if p.run == nil || len(p.run.ScoreNames) == 0 {
		return scoreNames
	}
	var list []string
	for _, n := range scoreNames {
		if slices.Contains(p.run.ScoreNames, n) {
			list = append(list, n)
		}
	}
	for _, n := range p.run.ScoreNames {
		if !slices.Contains(list, n) {
			list = append(list, n)
		}
	}
	return list
}

// scoreName is the score that is chosen.
func (p *scorePane) scoreName() string {
	names := p.names()
	return names[p.score%len(names)]
}

// arrange offers what can be changed about the board.
func (p *scorePane) arrange() {
	var all []entry
	again := func(f func()) func() tea.Cmd {
		return func() tea.Cmd { f(); p.arrange(); return nil }
	}
	for i, o := range boardOrders {
		all = append(all, entry{text: "sort models " + o, note: "by " + shortName(p.scoreName()), mark: p.view.order == i, do: again(func() { p.view.order = i })})
	}
	toggle := func(key string) func() tea.Cmd {
		return again(func() {
			if p.view.hidden == nil {
				p.view.hidden = map[string]bool{}
			}
			p.view.hidden[key] = !p.view.hidden[key]
		})
	}
	verb := func(key string) string {
		if p.view.hidden[key] {
			return "show "
		}
		return "hide "
	}
	shown := p.columns()
	for _, c := range shown {
		if c.label == p.view.pinned {
			all = append(all, entry{text: "unpin " + c.label, mark: true, do: again(func() { p.view.pinned = "" })})
			continue
		}
		all = append(all, entry{text: "pin " + c.label, note: "it stays first", do: again(func() { p.view.pinned = c.label })})
	}
	for _, c := range shown {
		if len(shown) > 1 {
			all = append(all, entry{text: "hide " + c.label, do: toggle("model " + c.label)})
		}
	}
	for _, m := range p.run.Models {
		if p.view.hidden["model "+m.Model] {
			all = append(all, entry{text: "show " + m.Model, mark: true, do: toggle("model " + m.Model)})
		}
	}
	for _, n := range p.names() {
		all = append(all, entry{text: verb(n) + n, mark: p.view.hidden[n], do: toggle(n)})
	}
	for i, b := range p.view.beside {
		all = append(all, entry{text: "take away run " + b.run.ID, mark: true, do: again(func() { p.view.beside = slices.Delete(p.view.beside, i, i+1) })})
	}
	p.app.modal = newPicker(p.app, "Arrange the scoreboard", "type to narrow", all)
}

// sameData are the runs over the dataset of the one that is shown, newest first,
// with results.
func (p *scorePane) sameData() []evaluation.Run {
	var list []evaluation.Run
	for _, r := range p.runs {
		same := r.DatasetHash == p.run.DatasetHash
		if r.DatasetHash == "" {
			same = same && r.Spec.Dataset == p.run.Spec.Dataset
		}
		if same && len(r.Models) > 0 {
			list = append(list, r)
		}
	}
	return list
}

func (p *scorePane) noOther() string {
	if why := p.noRun(); why != "" {
		return why
	}
	if !slices.ContainsFunc(p.sameData(), func(r evaluation.Run) bool { return r.ID != p.run.ID }) {
		return "there is no other run over this dataset with results"
	}
	return ""
}

// pickBeside offers runs to stand beside this one.
func (p *scorePane) pickBeside() {
	var all []entry
	for _, r := range p.sameData() {
		if r.ID == p.run.ID {
			continue
		}
		at := slices.IndexFunc(p.view.beside, func(b besideRun) bool { return b.run.ID == r.ID })
		var models string
		for i, m := range r.Models {
			if i > 0 {
				models += ", "
			}
			models += m.Model
		}
		all = append(all, entry{text: models, note: "run " + r.ID + ", " + widget.Ago(r.Created, p.app.deps.Now()), mark: at >= 0, do: func() tea.Cmd {
			if at >= 0 {
				p.view.beside = slices.Delete(p.view.beside, at, at+1)
				return nil
			}
			return p.addBeside(r)
		}})
	}
	p.app.modal = newPicker(p.app, "Runs beside this one", "type to narrow", all)
}

// addBeside reads a run and compares its models with this run's baseline.
func (p *scorePane) addBeside(r evaluation.Run) tea.Cmd {
	id, base := p.run.ID, first(p.run)
	return task(p.app.ctx, func(ctx context.Context) (besideRun, error) {
		b := besideRun{run: r, diffs: map[string]evaluation.Comparison{}}
		for _, m := range r.Models {
			c, err := p.app.svc.Evaluation.Compare(ctx, id+"/"+base, r.ID+"/"+m.Model, nil)
			if err != nil {
				return b, err
			}
			b.diffs[m.Model] = c
		}
		return b, nil
	}, func(b besideRun, err error) tea.Cmd {
		if err != nil {
			return p.app.fail(err)
		}
		if p.run != nil && p.run.ID == id {
			p.view.beside = append(p.view.beside, b)
		}
		return nil
	})
}

// exclude leaves the marked rows out of the figures, or takes them in again.
func (p *scorePane) exclude() tea.Cmd {
	id, without := p.run.ID, !p.view.without
	return task(p.app.ctx, func(ctx context.Context) (evaluation.Run, error) {
		if without {
			return p.app.svc.Evaluation.Without(ctx, id)
		}
		return p.app.svc.Evaluation.Run(ctx, id)
	}, func(r evaluation.Run, err error) tea.Cmd {
		if err != nil {
			return p.app.fail(err)
		}
		if p.run == nil || p.run.ID != id {
			return nil
		}
		if without && r.Excluded == 0 {
			return p.app.say(widget.Warn, widget.MarkWarning, "no row is marked; ! marks one in the records")
		}
		p.run, p.view.without = &r, without
		return nil
	})
}

// lower are the scores of which less is better, such as the changes under
// disturbed prompts.
var lower = func() map[string]bool {
	all := map[string]bool{}
	for _, m := range metrics.All() {
		for _, s := range m.Scores {
			all[s.Name] = s.Direction == metrics.LowerIsBetter || s.Direction == metrics.ZeroIsIdeal
		}
	}
	return all
}()

// direction is -1 for scores of which less is better, and 1 for others.
func direction(score string) float64 {
	if lower[score] {
		return -1
	}
	return 1
}

func changeStyle(d float64) widget.Style {
	switch {
	case d > 0.0005:
		return widget.Good
	case d < -0.0005:
		return widget.Bad
	}
	return widget.Faint
}

// excluded says what is left out, for the head.
func (p *scorePane) excluded() string {
	if p.run.Excluded == 0 {
		return ""
	}
	return fmt.Sprintf("%s of marked rows left out", widget.Plural(int64(p.run.Excluded), "record"))
}
