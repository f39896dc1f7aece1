package tui

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"tunebench/tui/widget"
)

// finder is the search in a log and the filter over it.
type finder struct {
	in     widget.Input
	filter bool // the field is for the filter
	regexp bool
	err    string

	text, filterText string
	stop, stopFilter context.CancelFunc
	// waiting says which way the next hit is being looked for: 1 or -1; 0 when
	// none is awaited.
	waiting int
	saving  string // how far the log has been written to a file
}

// openFind opens the field for a search or a filter; a text from the command
// line is taken at once.
func (p *trainingPane) openFind(filter bool) func(string) tea.Cmd {
	return func(text string) tea.Cmd {
		f := &p.find
		f.filter, f.err = filter, ""
		if text != "" {
			return p.takeFind(text)
		}
		f.in.Set("")
		f.in.Placeholder = "text; capitals count when you type one; ctrl+r for a regular expression"
		if filter {
			f.in.Set(f.filterText)
		}
		p.mode = trainFind
		return nil
	}
}

// takeFind begins the search or sets the filter. An empty text ends it.
func (p *trainingPane) takeFind(text string) tea.Cmd {
	f := &p.find
	if text == "" {
		if f.filter {
			p.dropFilter()
		} else {
			p.dropFind()
		}
		p.mode = trainLog
		return nil
	}
	ctx, cancel := context.WithCancel(p.app.ctx)
	s, err := p.watch.Search(ctx, text, f.regexp)
	if err != nil {
		cancel()
		f.err = err.Error()
		if p.mode != trainFind {
			return p.app.fail(err)
		}
		return nil
	}
	p.mode, f.err = trainLog, ""
	if f.filter {
		place := p.log.place(p.log.top)
		p.dropFilter()
		f.filterText, f.stopFilter = text, cancel
		following := p.log.follow
		p.log.filter, p.log.n, p.log.fresh = s, s.Len(), 0
		return p.followHits(ctx, s, func() tea.Cmd {
			p.log.grown(p.watch)
			if !following && place >= 0 && !p.log.follow {
				p.log.to(p.log.position(place))
				place = -1
			}
			return nil
		})
	}
	p.dropFind()
	f.text, f.stop = text, cancel
	p.log.find, p.log.match = s, -1
	f.waiting = 1
	if p.log.follow { // from the end, what is nearest is above
		f.waiting = -1
	}
	cmd := p.jump()
	return tea.Batch(cmd, p.followHits(ctx, s, p.jump))
}

// followHits draws again while hits stream in.
func (p *trainingPane) followHits(ctx context.Context, s LogSearch, taken func() tea.Cmd) tea.Cmd {
	return follow(ctx, s.Changed, func() time.Duration { return 100 * time.Millisecond }, func() (bool, tea.Cmd) {
		if p.log.find != s && p.log.filter != s {
			return false, nil
		}
		cmd := taken()
		if err := s.Err(); err != nil {
			return false, tea.Batch(cmd, p.app.fail(err))
		}
		return true, cmd
	})
}

func (p *trainingPane) dropFind() {
	if p.find.stop != nil {
		p.find.stop()
		p.log.find.Close()
	}
	p.log.find, p.log.match = nil, -1
	p.find.stop, p.find.text, p.find.waiting = nil, "", 0
}

func (p *trainingPane) dropFilter() {
	if p.find.stopFilter == nil {
		return
	}
	place := p.log.place(p.log.top)
	p.find.stopFilter()
	p.log.filter.Close()
	p.log.filter, p.find.stopFilter, p.find.filterText = nil, nil, ""
	p.log.n, p.log.fresh = p.watch.Len(), 0
	switch {
	case p.log.match >= 0 && !p.log.follow:
		p.log.top = -p.log.height // so that it is put into sight anew
		p.log.show(p.log.match)
	case !p.log.follow && place >= 0:
		p.log.to(place)
	}
}

// next goes to the next hit in a direction.
func (p *trainingPane) next(way int) func(string) tea.Cmd {
	return func(string) tea.Cmd {
		if p.log.find == nil {
			return p.app.say(widget.Warn, widget.MarkWarning, "nothing is being searched for; / searches")
		}
		p.find.waiting = way
		return p.jump()
	}
}

// jump goes to the hit that is awaited, if it has been found.
func (p *trainingPane) jump() tea.Cmd {
	way, hits, v := p.find.waiting, p.log.find, &p.log
	if way == 0 || hits == nil {
		return nil
	}
	from := v.match
	if at := v.position(max(from, 0)); from < 0 || at < v.top || at >= v.top+v.height {
		// From what is in sight on, which counts.
		switch {
		case way > 0:
			from = v.place(v.top) - 1
		case v.follow:
			from = v.place(v.n-1) + 1
		default:
			from = v.place(min(v.top+max(v.height, 1), v.n)-1) + 1
		}
	}
	k := hits.Before(from)
	if way > 0 {
		k = hits.Before(from + 1)
	} else {
		k--
	}
	for ; ; k += way {
		place := hits.Place(k)
		if place < 0 {
			break
		}
		if v.filter == nil || v.filter.Place(v.filter.Before(place)) == place {
			p.find.waiting = 0
			v.show(place)
			return nil
		}
	}
	if hits.Scanned() < p.watch.Len() {
		return nil // it may yet be found
	}
	p.find.waiting = 0
	switch {
	case hits.Len() == 0:
		return p.app.say(widget.Warn, widget.MarkWarning, "no line holds "+p.find.text)
	case way > 0:
		return p.app.say(widget.Warn, widget.MarkWarning, "no further match below; N goes up")
	}
	return p.app.say(widget.Warn, widget.MarkWarning, "no further match above; n goes down")
}

// findNote says what is searched for and what was found.
func (p *trainingPane) findNote() string {
	var parts []string
	scan := func(s LogSearch) string {
		if n := p.watch.Len(); s.Scanned() < n && n > 0 {
			return fmt.Sprintf(" (%d %% searched)", 100*s.Scanned()/n)
		}
		return ""
	}
	if f := p.log.filter; f != nil {
		parts = append(parts, "only "+p.find.filterText+scan(f))
	}
	if h := p.log.find; h != nil {
		at := ""
		if p.log.match >= 0 {
			at = widget.Count(int64(h.Before(p.log.match)+1)) + " of "
		}
		parts = append(parts, "/"+p.find.text+" "+at+widget.Count(int64(h.Len()))+scan(h))
	}
	if p.find.saving != "" {
		parts = append(parts, p.find.saving)
	}
	return strings.Join(parts, "   ")
}

// findLine is the field in which a search or a filter is typed.
func (p *trainingPane) findLine(y int) string {
	f := &p.find
	name := "find "
	if f.filter {
		name = "only lines with "
	}
	if f.regexp {
		name += "regexp "
	}
	r := p.app.look.Row(p.w).Gap(2).Put(widget.Key, name)
	used := 2 + p.app.look.Width(name)
	room := p.w - used - 2
	if f.err != "" {
		room = min(room, 30)
	}
	p.cx, p.cy = used+f.in.Line(r, room, true), y
	if f.err != "" {
		r.Gap(2).Put(widget.Bad, widget.MarkFailed+" "+f.err)
	}
	return r.String()
}

// noFind says why there is no next match.
func (p *trainingPane) noFind() string {
	if p.log.find == nil {
		return "nothing is being searched for; / searches"
	}
	return ""
}

func (p *trainingPane) noTraceback() string {
	if p.watch == nil || p.watch.Traceback() < 0 {
		return "there is no traceback in this log"
	}
	return ""
}

// toTraceback goes to the first traceback.
func (p *trainingPane) toTraceback(string) tea.Cmd {
	if p.log.filter != nil {
		p.dropFilter()
	}
	place := p.watch.Traceback()
	p.log.match = place
	p.log.top = max(0, min(place-1, p.log.end()))
	p.log.follow = false
	p.mode = trainLog
	return nil
}

// save writes the whole log to a file, as it can be read: without secrets and
// control characters.
func (p *trainingPane) save(path string) tea.Cmd {
	if p.find.saving != "" {
		return p.app.say(widget.Warn, widget.MarkWarning, "the log is already being written to a file")
	}
	w, name := p.watch, p.name
	given := path != ""
	if !given {
		path = filepath.Join(p.app.deps.WorkDir, name+".log")
	}
	create := p.app.deps.Create
	if create == nil {
		return p.app.say(widget.Warn, widget.MarkWarning, "files cannot be written here")
	}
	p.find.saving = "saving"
	return task(p.app.ctx, func(ctx context.Context) (string, error) {
		f, err := create(path)
		for i := 2; !given && errors.Is(err, fs.ErrExist) && i < 1000; i++ {
			path = filepath.Join(p.app.deps.WorkDir, fmt.Sprintf("%s-%d.log", name, i))
			f, err = create(path)
		}
		if err != nil {
			return "", err
		}
		return path, errors.Join(w.WriteLog(ctx, f, nil), f.Close())
	}, func(path string, err error) tea.Cmd {
		p.find.saving = ""
		if err != nil {
			return p.app.fail(err)
		}
		return p.app.say(widget.Good, widget.MarkDone, "the log was written to "+path)
	})
}
