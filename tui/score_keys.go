package tui

import (
	tea "charm.land/bubbletea/v2"

	"tunebench/backend/dataset"
	"tunebench/tui/keys"
)

func (p *scorePane) Bindings() *keys.Table { return p.keys[p.mode] }
func (p *scorePane) Tables() []*keys.Table { return p.keys[:] }

func (p *scorePane) noRun() string {
	if why := p.app.needAccount(); why != "" {
		return why
	}
	if p.run == nil {
		return "there is no run yet; n starts one"
	}
	return ""
}

func (p *scorePane) noLive() string {
	if p.live == nil {
		return "no evaluation is running"
	}
	return ""
}

func (p *scorePane) noEnded() string {
	switch {
	case p.noRun() != "":
		return p.noRun()
	case p.live != nil && p.live.Run().ID == p.run.ID:
		return "the run is still going on"
	}
	return ""
}

func (p *scorePane) noResume() string {
	switch {
	case p.noRun() != "":
		return p.noRun()
	case p.live != nil:
		return "an evaluation is running"
	case p.run.Status == "finished":
		return "this run is finished; there is nothing to resume"
	}
	return ""
}

func (p *scorePane) bind() {
	do := func(f func()) func(string) tea.Cmd {
		return func(string) tea.Cmd { f(); return nil }
	}
	nextScore := func(reload bool) func(string) tea.Cmd {
		return func(string) tea.Cmd {
			p.score = (p.score + 1) % len(p.names())
			if reload {
				return p.readRecords(0)
			}
			return nil
		}
	}
	stop := keys.Binding{ID: "score.stop", Keys: []string{"x"}, Label: "stop", Help: "stop the evaluation; it can be resumed", Rank: 3, Off: p.noLive,
		Do: do(func() { p.stop = true; p.live.Stop() })}
	fresh := keys.Binding{ID: "score.new", Keys: []string{"n"}, Label: "new", Help: "evaluate models on a dataset", Args: "DATASET", Rank: 2, Off: p.app.needAccount,
		Do: func(path string) tea.Cmd { return p.startWith(nil, path) }}
	p.keys[scoreBoard] = &keys.Table{Scope: "Scoreboard", Bindings: []keys.Binding{
		{ID: "score.records", Keys: []string{"enter"}, Label: "records", Help: "look at the records behind the scores", Rank: 1, Off: p.noRun, Do: func(string) tea.Cmd { return p.openRecords() }},
		fresh, stop,
		{ID: "score.again", Keys: []string{"a"}, Label: "again", Help: "set up a run with the settings of this one", Rank: 13, Off: p.noRun, Do: func(string) tea.Cmd { return p.again() }},
		{ID: "score.run-file", Label: "run file", Help: "set up a run from a run file", Args: "FILE", Off: p.app.needAccount, Do: func(path string) tea.Cmd {
			if path == "" {
				return p.askRunFile()
			}
			return p.openRunFile(path)
		}},
		{ID: "score.resume", Keys: []string{"r"}, Label: "resume", Help: "go on with a run that was stopped or interrupted", Rank: 4, Off: func() string {
			if p.app.openErr != nil {
				return ""
			}
			return p.noResume()
		}, Do: func(string) tea.Cmd {
			if p.app.openErr != nil {
				return p.app.open()
			}
			return p.resume()
		}},
		{ID: "score.score", Keys: []string{"s"}, Label: "score", Help: "show categories and records for another score", Rank: 5, Off: p.noRun, Do: nextScore(false)},
		{ID: "score.arrange", Keys: []string{"v"}, Label: "arrange", Help: "sort, pin and hide models and scores", Rank: 9, Off: p.noRun, Do: do(p.arrange)},
		{ID: "score.beside", Keys: []string{"b"}, Label: "beside", Help: "put the models of an earlier run over this dataset beside these", Rank: 10, Off: p.noOther, Do: do(p.pickBeside)},
		{ID: "score.trend", Keys: []string{"t"}, Label: "trend", Help: "the score in all runs over this dataset", Rank: 11, Off: p.noRun, Do: func(string) tea.Cmd { return p.openTrend() }},
		{ID: "score.exclude", Keys: []string{"e"}, Label: "leave out", Help: "leave the rows out that are marked, or take them in again", Rank: 12, Off: p.noEnded, Do: func(string) tea.Cmd { return p.exclude() }},
		{ID: "score.votes", Keys: []string{"V"}, Label: "votes", Help: "rate the models by the votes of people and of judges", Rank: 14, Off: p.app.needAccount, Do: func(string) tea.Cmd { return p.showVotes() }},
		{ID: "score.vote", Keys: []string{"B"}, Label: "vote", Help: "vote blind on the answers of this run; nobody is asked", Rank: 15, Off: p.noPairs, Do: func(string) tea.Cmd { return p.vote() }},
		{ID: "score.judge", Keys: []string{"J"}, Label: "judge", Help: "let a model compare the answers of this run, in both orders; again stops it", Rank: 16, Off: p.noJudge, Do: func(string) tea.Cmd { return p.judge() }},
		{ID: "score.runs", Keys: []string{"o"}, Label: "runs", Help: "show an earlier run", Rank: 6, Off: p.noRun, Do: do(p.pick)},
		{ID: "score.export", Keys: []string{"X"}, Label: "export", Help: "write the run to a file: .md, .html, .csv or .jsonl", Args: "FILE", Rank: 7, Off: p.noRun, Do: p.export},
		{ID: "score.chat", Keys: []string{"c"}, Label: "chat", Help: "chat with the models of this run", Rank: 8, Off: p.noRun, Do: func(string) tea.Cmd { return p.app.chat.with(p.run.Spec.Models...) }},
		{ID: "score.down", Keys: []string{"down", "j"}, Label: "down", Help: "scroll down", Hidden: true, Do: do(func() { p.top++ })},
		{ID: "score.up", Keys: []string{"up", "k"}, Label: "up", Help: "scroll up", Hidden: true, Do: do(func() { p.top = max(0, p.top-1) })},
		{ID: "score.page-down", Keys: []string{"pgdown", "ctrl+d", "space"}, Label: "page down", Help: "page down", Hidden: true, Do: do(func() { p.top += p.h - 2 })},
		{ID: "score.page-up", Keys: []string{"pgup", "ctrl+u"}, Label: "page up", Help: "page up", Hidden: true, Do: do(func() { p.top = max(0, p.top-p.h+2) })},
		{ID: "score.refresh", Keys: []string{"R"}, Label: "refresh", Help: "read the list of runs again", Do: func(string) tea.Cmd { return p.reload() }},
	}}
	p.keys[scoreForm] = &keys.Table{Scope: "Scoreboard, new run", Bindings: formKeys("score", &p.form, p.start, func() tea.Cmd {
		p.mode = scoreBoard
		return nil
	})}
	move := func(n int) func(string) tea.Cmd {
		return func(string) tea.Cmd { return p.moveRecord(n) }
	}
	ask := keys.Binding{ID: "score.ask", Keys: []string{"c"}, Label: "ask", Help: "ask the models this question in the chat", Rank: 6, Off: p.noRecord, Do: func(string) tea.Cmd {
		r := p.recs.at()
		return tea.Batch(p.app.chat.with(p.run.Spec.Models...), p.app.chat.ask(dataset.Row{ID: r.RowID, System: r.System, Question: r.Question, Answer: r.Reference, Category: r.Category}))
	}}
	mark := keys.Binding{ID: "score.mark", Keys: []string{"!"}, Label: "mark", Help: "mark the row as wrong, as ambiguous, or not at all", Rank: 6, Off: p.noRecord, Do: func(string) tea.Cmd { return p.mark() }}
	p.keys[scoreRecords] = &keys.Table{Scope: "Scoreboard, records", Bindings: []keys.Binding{
		{ID: "score.record", Keys: []string{"enter"}, Label: "record", Help: "show this record with the answers of all models", Rank: 1, Off: p.noRecord, Do: func(string) tea.Cmd { return p.openRecord() }},
		{ID: "score.board", Keys: []string{"esc", "backspace"}, Label: "scores", Help: "back to the scores", Rank: 7, Do: do(func() { p.mode = scoreBoard })},
		{ID: "score.model", Keys: []string{"m"}, Label: "model", Help: "records of another model", Rank: 2, Do: func(string) tea.Cmd { p.recs.model++; return p.readRecords(0) }},
		{ID: "score.worst", Keys: []string{"w"}, Label: "order", Help: "worst first against the baseline, best first, or in the order of the dataset", Rank: 3, Do: func(string) tea.Cmd { p.recs.order = (p.recs.order + 1) % 3; return p.readRecords(0) }},
		{ID: "score.failing", Keys: []string{"b"}, Label: "all fail", Help: "only records on which no model scores, or all", Rank: 8, Do: func(string) tea.Cmd { p.recs.failing = !p.recs.failing; return p.readRecords(0) }},
		{ID: "score.against", Keys: []string{"a"}, Label: "against", Help: "compare with another model", Off: func() string {
			if p.run == nil || len(p.run.Models) < 3 {
				return "there is no third model"
			}
			return ""
		}, Do: func(string) tea.Cmd { p.recs.against++; return p.readRecords(0) }},
		{ID: "score.bounds", Keys: []string{"%"}, Label: "range", Help: "records with a score of 0 %, up to 50 %, from 50 %, of 100 %, then all", Rank: 9, Do: func(string) tea.Cmd { p.recs.bounds = (p.recs.bounds + 1) % len(scoreBounds); return p.readRecords(0) }},
		{ID: "score.marked", Keys: []string{"M"}, Label: "marked", Help: "only marked records, or all", Rank: 10, Do: func(string) tea.Cmd { p.recs.marked = !p.recs.marked; return p.readRecords(0) }},
		mark,
		{ID: "score.category", Keys: []string{"f"}, Label: "category", Help: "records of one category after the other, then of all", Rank: 5, Do: func(string) tea.Cmd { p.recs.category++; return p.readRecords(0) }},
		{ID: "score.find", Keys: []string{"/"}, Label: "find", Help: "records that hold a text", Args: "TEXT", Rank: 4, Do: func(s string) tea.Cmd {
			if s != "" {
				p.recs.search.Set(s)
				return p.readRecords(0)
			}
			p.mode = scoreSearch
			return nil
		}},
		{ID: "score.score", Keys: []string{"s"}, Label: "score", Help: "another score", Do: nextScore(true)},
		ask,
		{ID: "score.down", Keys: []string{"down", "j"}, Label: "down", Help: "next record", Hidden: true, Do: move(1)},
		{ID: "score.up", Keys: []string{"up", "k"}, Label: "up", Help: "record before", Hidden: true, Do: move(-1)},
		{ID: "score.page-down", Keys: []string{"pgdown", "ctrl+d", "space"}, Label: "page down", Help: "page down", Hidden: true, Do: func(string) tea.Cmd { return p.moveRecord(max(p.recs.scroll.Height-1, 1)) }},
		{ID: "score.page-up", Keys: []string{"pgup", "ctrl+u"}, Label: "page up", Help: "page up", Hidden: true, Do: func(string) tea.Cmd { return p.moveRecord(-max(p.recs.scroll.Height-1, 1)) }},
		{ID: "score.first", Keys: []string{"g", "home"}, Label: "first", Help: "first record", Hidden: true, Do: move(-1 << 30)},
		{ID: "score.last", Keys: []string{"G", "end"}, Label: "last", Help: "last record", Hidden: true, Do: move(1 << 30)},
	}}
	p.keys[scoreSearch] = &keys.Table{Scope: "Scoreboard, find", Bindings: []keys.Binding{
		{ID: "score.find-take", Keys: []string{"enter"}, Label: "find", Help: "show the records that hold the text", Rank: 1, Do: func(string) tea.Cmd { p.mode = scoreRecords; return p.readRecords(0) }},
		{ID: "score.find-close", Keys: []string{"esc"}, Label: "all", Help: "show all records", Rank: 2, Do: func(string) tea.Cmd { p.recs.search.Set(""); p.mode = scoreRecords; return p.readRecords(0) }},
	}}
	p.keys[scoreRecord] = &keys.Table{Scope: "Scoreboard, one record", Bindings: []keys.Binding{
		{ID: "score.back", Keys: []string{"esc", "enter", "backspace"}, Label: "records", Help: "back to the records", Rank: 1, Do: do(func() { p.mode = scoreRecords })},
		{ID: "score.next", Keys: []string{"right", "l", "]"}, Label: "next", Help: "next record", Rank: 2, Do: func(string) tea.Cmd { return tea.Batch(p.moveRecord(1), p.openRecord()) }},
		{ID: "score.previous", Keys: []string{"left", "h", "["}, Label: "before", Help: "record before", Rank: 3, Do: func(string) tea.Cmd { return tea.Batch(p.moveRecord(-1), p.openRecord()) }},
		{ID: "score.down", Keys: []string{"down", "j"}, Label: "down", Help: "scroll down", Hidden: true, Do: do(func() { p.recs.top++ })},
		{ID: "score.up", Keys: []string{"up", "k"}, Label: "up", Help: "scroll up", Hidden: true, Do: do(func() { p.recs.top-- })},
		ask, mark,
	}}
	p.keys[scoreVotes] = p.votesTable()
	p.keys[scoreTrend] = &keys.Table{Scope: "Scoreboard, trend", Bindings: []keys.Binding{
		{ID: "score.trend-take", Keys: []string{"enter"}, Label: "show", Help: "show this run", Rank: 1, Do: func(string) tea.Cmd { return p.takeTrend() }},
		{ID: "score.trend-close", Keys: []string{"esc", "t", "backspace"}, Label: "scores", Help: "back to the scores", Rank: 3, Do: do(func() { p.mode, p.top = scoreBoard, 0 })},
		{ID: "score.score", Keys: []string{"s"}, Label: "score", Help: "another score", Rank: 2, Do: nextScore(false)},
		{ID: "score.down", Keys: []string{"down", "j"}, Label: "down", Help: "next row", Hidden: true, Do: do(func() { p.trend.Move(1) })},
		{ID: "score.up", Keys: []string{"up", "k"}, Label: "up", Help: "row before", Hidden: true, Do: do(func() { p.trend.Move(-1) })},
		{ID: "score.page-down", Keys: []string{"pgdown", "ctrl+d", "space"}, Label: "page down", Help: "page down", Hidden: true, Do: do(func() { p.trend.Page(1) })},
		{ID: "score.page-up", Keys: []string{"pgup", "ctrl+u"}, Label: "page up", Help: "page up", Hidden: true, Do: do(func() { p.trend.Page(-1) })},
	}}
}
