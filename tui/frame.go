package tui

import (
	"fmt"
	imgcolor "image/color"
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"

	"tunebench/themes"
	"tunebench/tui/keys"
	"tunebench/tui/widget"
)

// top is the number of lines above the pane: header, tabs, and some air where
// there is room for it.
func (a *App) top() int {
	if a.height >= 30 {
		return 3
	}
	return 2
}

// paneHeight is what the chrome leaves: the footer is one line.
func (a *App) paneHeight() int { return max(a.height-a.top()-1-a.tourHeight, 1) }

// View composes the frame. All of the terminal's state is said here.
func (a *App) View() tea.View {
	var v tea.View
	v.AltScreen = true
	v.ReportFocus = true
	v.WindowTitle = "tunebench"
	v.BackgroundColor, v.ForegroundColor = a.ground()
	if a.mouse {
		v.MouseMode = tea.MouseModeCellMotion
	}
	if a.width > 0 && a.height > 0 {
		v.Content = net(strings.Join(a.Frame(), "\n"))
		v.Cursor = a.cursor()
	}
	return v
}

// ground is the terminal's own background and text while a theme is worn that is
// made for the other kind of terminal: dark text must not stand on a dark one.
// They are nil, and the terminal's stay, where the theme suits.
func (a *App) ground() (background, text imgcolor.Color) {
	if a.profile < colorprofile.ANSI256 {
		return nil, nil
	}
	paint := func(t themes.Token) (imgcolor.Color, bool) {
		r, g, b, ok := a.look.Theme().Color(t).RGB()
		return imgcolor.RGBA{r, g, b, 255}, ok
	}
	bg, ok := paint(themes.Background)
	fg, ok2 := paint(themes.Text)
	if !ok || !ok2 || a.look.Theme().Dark == a.dark {
		return nil, nil
	}
	return bg, fg
}

// Frame returns the lines of the screen, each exactly as wide as the terminal.
func (a *App) Frame() []string {
	if a.tooSmall() {
		return a.smallFrame()
	}
	lines := make([]string, 0, a.height)
	lines = append(lines, a.header(), a.tabs())
	lines = widget.Fit(lines, a.width, a.top())
	lines = append(lines, widget.Fit(a.pane().View(), a.width, a.paneHeight())...)
	lines = append(lines, widget.Fit(a.tourLines(), a.width, a.tourHeight)...)
	lines = append(lines, a.footer())
	if a.line != nil {
		a.line.draw(lines)
	} else if s := a.toastLine(); s != "" {
		y := len(lines) - 2 - a.tourHeight
		if c := a.cursor(); c != nil && c.Y == y {
			y-- // what is being typed stays in sight
		}
		lines[y] = s
	}
	if a.modal != nil {
		lines = a.drawModal(lines)
	}
	return lines
}

func (a *App) smallFrame() []string {
	lines := []string{
		"tunebench needs a larger window.",
		fmt.Sprintf("It has %d columns and %d lines;", a.width, a.height),
		fmt.Sprintf("%d by %d is the least.", MinWidth, MinHeight),
		"q leaves.",
	}
	top := max(0, (a.height-len(lines))/2)
	var out []string
	for range top {
		out = append(out, widget.Blank(a.width))
	}
	for i, s := range lines {
		st := widget.Text
		if i > 0 {
			st = widget.Muted
		}
		out = append(out, a.look.Row(a.width).Gap(2).Put(st, s).String())
	}
	return widget.Fit(out, a.width, a.height)
}

func (a *App) header() string {
	r := a.look.Row(a.width).On(themes.Header)
	r.Gap(1).Put(widget.Accent.With(widget.Bold), "tunebench").Gap(3)
	switch {
	case a.svc != nil:
		acc := a.svc.Account
		r.Put(widget.Strong, acc.Name).Gap(2).Put(widget.Muted, acc.Region)
		if acc.ID != "" {
			r.Gap(2).Put(widget.Muted, acc.ID)
		}
		if who := arnTail(acc.ARN); who != "" && a.width >= 100 {
			r.Gap(2).Put(widget.Muted, who)
		}
	case a.openErr != nil:
		r.Put(widget.Strong, a.deps.AccountName).Gap(2).Put(widget.Bad, widget.MarkFailed+" not open")
	default:
		r.Put(widget.Strong, a.deps.AccountName).Gap(2).Put(widget.Muted, widget.MarkRunning+" opening")
	}
	if word := a.problemWord(); word != "" {
		r.Gap(2).Put(widget.Warn, word)
	}
	if a.deps.ReadOnly {
		r.Gap(3).Put(widget.Warn, "read-only")
	}
	if busy := a.busy(); busy != "" {
		w := a.look.Width(busy) + 2
		if r.Left() > w+2 {
			r.Gap(r.Left()-w-1).Put(widget.Info, widget.MarkRunning).Gap(1).Put(widget.Text, busy)
		}
	}
	return r.String()
}

// arnTail is the part of an ARN that says who: "user/ana".
func arnTail(arn string) string {
	if i := strings.LastIndexByte(arn, ':'); i >= 0 {
		return arn[i+1:]
	}
	return arn
}

// tabs draws the line of tabs. The one in front is underlined, which is seen
// without colour too.
func (a *App) tabs() string {
	r := a.look.Row(a.width).Gap(1)
	for i, p := range a.panes {
		num, name := widget.Faint, widget.Muted
		if i == a.front {
			num = widget.Accent.With(widget.Bold | widget.Underline)
			name = num
		}
		r.Put(num, fmt.Sprintf("%d", i+1))
		if i == a.front {
			r.Put(name, " ")
		} else {
			r.Gap(1)
		}
		r.Put(name, p.Title())
		if s := p.Status(); s != "" && a.width >= 80 {
			r.Gap(1).Put(widget.Info, s)
		}
		r.Gap(3)
	}
	if a.animated() {
		// Without colour and at a place of its own: a step is a few bytes.
		r.To(a.width-3).Put(widget.Style{}, widget.Spinner(a.frame))
	}
	return r.String()
}

func (a *App) clickTab(x int) tea.Cmd {
	at := 1
	for i, p := range a.panes {
		w := 2 + len(p.Title())
		if s := p.Status(); s != "" && a.width >= 80 {
			w += 1 + a.look.Width(s)
		}
		if x >= at && x < at+w {
			return a.goTo(a.panes[i])
		}
		at += w + 3
	}
	return nil
}

// footer shows the keys that work now.
func (a *App) footer() string {
	if a.line != nil {
		return a.line.view()
	}
	r := a.look.Row(a.width).Gap(1)
	if a.modal != nil {
		for _, h := range a.modal.hints() {
			putHint(r, h)
		}
		return r.String()
	}
	end := a.look.Row(a.width)
	var tail []hint
	for _, id := range []string{"app.help", "app.command", "app.palette"} {
		b := a.global.Named(id)
		if k := keys.Show(a.Keys(b)); k != "" && (len(tail) == 0 || id != "app.palette") {
			tail = append(tail, hint{k, b.Label})
		}
	}
	for _, h := range tail {
		putHint(end, h)
	}
	room := end.Left() - 1
	if a.openErr != nil && a.pane().Typing() == nil {
		putHint(r, hint{"r", "open the account again"})
	}
	for _, b := range a.pane().Bindings().Footer() {
		k := keys.Show(a.Keys(b))
		if k == "" {
			continue
		}
		if need := a.look.Width(a.look.KeyName(k)) + 1 + a.look.Width(b.Label) + 2; a.width-r.Left()+need > room {
			break
		}
		putHint(r, hint{k, b.Label})
	}
	r.To(room)
	for _, h := range tail {
		putHint(r, h)
	}
	return r.String()
}

// hint is a key and what it does.
type hint struct{ key, label string }

func putHint(r *widget.Row, h hint) { r.Hint(h.key, h.label) }

// message fills a pane with one statement: what is the case, more about it, and
// the keys that help.
func (a *App) message(width, height int, st widget.Style, mark, title, detail string, hints ...hint) []string {
	inner := min(width-8, 72)
	left := max(2, (width-inner)/2)
	var body []string
	body = append(body, a.look.Row(width).Gap(left).Put(st, mark).Gap(1).Put(widget.Strong, title).String())
	if detail != "" {
		for _, s := range a.look.Wrap(detail, inner-2) {
			body = append(body, a.look.Row(width).Gap(left+2).Put(widget.Muted, s).String())
		}
	}
	if len(hints) > 0 {
		body = append(body, widget.Blank(width))
		r := a.look.Row(width).Gap(left + 2)
		for _, h := range hints {
			putHint(r, h)
		}
		body = append(body, r.String())
	}
	if len(body) > height {
		return widget.Fit(body, width, height)
	}
	top := max(0, (height-len(body))*2/5)
	var out []string
	for range top {
		out = append(out, widget.Blank(width))
	}
	return widget.Fit(append(out, body...), width, height)
}

// cursor is where the terminal's own cursor stands; nil hides it.
func (a *App) cursor() *tea.Cursor {
	if a.tooSmall() {
		return nil
	}
	if a.modal != nil {
		if x, y, ok := a.modalCursor(); ok {
			return tea.NewCursor(x, y)
		}
		return nil
	}
	if a.line != nil {
		return tea.NewCursor(a.line.cursor(), a.height-1)
	}
	if a.pane().Typing() == nil {
		return nil
	}
	if x, y, ok := a.pane().Cursor(); ok {
		c := tea.NewCursor(x, y+a.top())
		c.Blink = false
		return c
	}
	return nil
}
