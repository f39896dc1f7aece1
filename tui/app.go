// Package tui is the workbench: one program on the terminal with five panes, for
// preparing a dataset, training, importing, chatting and scoring.
//
// It draws and it asks services; it computes nothing that a command without a
// screen would need too, opens no file and no connection, and knows no account
// from another. One model (App) receives all messages; panes are structs that
// it calls.
package tui

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/ansi"

	"tunebench/themes"
	"tunebench/tui/keys"
	"tunebench/tui/widget"
)

// The smallest screen that the panes fit on.
const (
	MinWidth  = 60
	MinHeight = 16
)

// spin is the time between two pictures of what turns on the screen.
const spin = 125 * time.Millisecond

// App is the program's model.
type App struct {
	deps Deps
	ctx  context.Context
	look *widget.Look

	width, height int
	front         int
	panes         []pane
	data          *datasetPane
	train         *trainingPane
	imports       *importPane
	chat          *chatPane
	score         *scorePane
	global        *keys.Table

	svc      *Services
	opening  bool
	openErr  error
	openedAt time.Time // when opening began

	modal   modal
	line    *commandLine
	toasts  []toast
	toastID int

	tour       *tour // nil when there is none
	tourHeight int   // lines that it takes

	// through makes what is written wait until it has been sent; nil where there is
	// no link in between.
	through func(on bool)

	mouse    bool
	blurred  bool
	themeSet bool // the user chose it: the background does not
	dark     bool
	profile  colorprofile.Profile
	frame    int
	ticking  bool
	quitting bool
}

// New returns the model of a workbench. Work that outlives a message ends with
// ctx.
func New(ctx context.Context, d Deps) (*App, error) {
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Datasets == nil {
		d.Datasets = &Files{}
	}
	if d.ReadOnly {
		d.readOnly()
	}
	a := &App{deps: d, ctx: ctx, dark: true, mouse: d.UI.Mouse, profile: colorprofile.TrueColor}
	name := d.UI.Theme
	if name == "" || name == "auto" {
		name = themes.DefaultDark
	} else {
		a.themeSet = true
	}
	t, err := d.Themes.Load(name)
	if err != nil {
		a.problem("ui.theme", err)
		a.themeSet = false
		if t, err = d.Themes.Load(themes.DefaultDark); err != nil {
			return nil, err
		}
	}
	a.look = widget.NewLook(t)
	a.look.SetASCII(d.ASCII)
	a.look.SetBraille(!d.NoBraille)
	a.look.SetLinear(d.Linear)
	a.deps.NoBraille = d.NoBraille || d.ASCII || d.Linear
	a.blurred = d.Linear // nothing moves
	a.data = newDatasetPane(a)
	a.train = newTrainingPane(a)
	a.imports = newImportPane(a)
	a.chat = newChatPane(a)
	a.score = newScorePane(a)
	a.panes = []pane{a.data, a.train, a.imports, a.chat, a.score}
	a.global = a.globalKeys()
	if d.ReadOnly {
		a.unoffered()
	}
	for _, wrong := range keys.Rebind(a.Tables(), d.UI.Keys) {
		a.problem("ui.keys."+wrong.ID, wrong)
	}
	for _, t := range a.Tables() {
		if err := t.Check(); err != nil {
			return nil, err // a fault of ours
		}
	}
	if d.Tour {
		a.startTour()
	}
	return a, nil
}

// problem notes what is wrong in the configuration.
func (a *App) problem(setting string, err error) {
	where := setting
	if a.deps.SettingLine != nil {
		where = a.deps.SettingLine(setting)
	}
	a.deps.Problems = append(a.deps.Problems, where+": "+err.Error())
}

// Tables returns every table of keys, the one that holds everywhere first.
func (a *App) Tables() []*keys.Table {
	all := []*keys.Table{a.global}
	for _, p := range a.panes {
		all = append(all, p.Tables()...)
	}
	return all
}

// Init asks the terminal what it can do, without waiting for answers, and starts
// to open the dataset and the account.
func (a *App) Init() tea.Cmd {
	return tea.Batch(
		tea.RequestBackgroundColor,
		tea.RequestCapability("RGB"),
		tea.RequestCapability("Tc"),
		// Bubble Tea does not ask for these two over SSH, where they matter most.
		tea.Raw(ansi.RequestModeSynchronizedOutput+ansi.RequestModeUnicodeCore),
		a.warn(),
		a.open(),
		a.panes[a.front].Show(),
	)
}

// open opens the account.
func (a *App) open() tea.Cmd {
	if a.opening || a.svc != nil || a.deps.Open == nil {
		return nil
	}
	a.opening, a.openErr, a.openedAt = true, nil, a.deps.Now()
	return task(a.ctx, a.deps.Open, func(s *Services, err error) tea.Cmd {
		a.opening = false
		if err != nil {
			a.openErr = err
			return nil
		}
		a.svc = s
		return tea.Batch(a.train.opened(), a.imports.opened(), a.score.opened(), a.panes[a.front].Show())
	})
}

// Services returns the open account's services, nil before.
func (a *App) Services() *Services { return a.svc }

func (a *App) pane() pane { return a.panes[a.front] }

// goTo brings a pane to the front.
func (a *App) goTo(p pane) tea.Cmd {
	i := slices.Index(a.panes, p)
	if i < 0 {
		return nil
	}
	a.front = i
	return p.Show()
}

// Update handles a message.
func (a *App) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	cmd := a.handle(msg)
	a.forget()
	a.advanceTour()
	if !a.ticking && !a.blurred && a.animated() {
		a.ticking = true
		cmd = tea.Batch(cmd, later(a.ctx, spin, func() tea.Cmd {
			a.ticking = false
			// What moves is seen; a mark that turns would cost as much as the lines.
			// It stands still behind a dialog, and where a text cursor would have to
			// travel there and back.
			if !a.train.streaming() && a.modal == nil && a.cursor() == nil {
				a.frame++
			}
			return nil
		}))
	}
	return a, cmd
}

func (a *App) animated() bool {
	return a.opening || a.busy() != "" || a.pane().Animated()
}

func (a *App) handle(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case applyMsg:
		return msg()
	case tea.WindowSizeMsg:
		a.width, a.height = msg.Width, msg.Height
		a.layout()
		return a.data.need()
	case tea.ColorProfileMsg:
		a.setProfile(msg.Profile)
	case tea.BackgroundColorMsg:
		a.dark = msg.IsDark()
		a.autoTheme()
	case tea.ModeReportMsg:
		if msg.Mode == ansi.ModeUnicodeCore {
			a.look.SetGraphemes(msg.Value.IsSet() || msg.Value.IsReset() || msg.Value.IsPermanentlySet())
		}
	case tea.FocusMsg:
		a.blurred = false
	case tea.BlurMsg:
		a.blurred = true
	case tea.PasteMsg:
		return a.paste(msg.Content)
	case tea.KeyPressMsg:
		return a.press(msg)
	case tea.MouseWheelMsg:
		if msg.Button == tea.MouseWheelUp {
			return a.key("up", "")
		}
		return a.key("down", "")
	case tea.MouseClickMsg:
		if msg.Y == 1 {
			return a.clickTab(msg.X)
		}
	}
	return nil
}

func (a *App) layout() {
	for _, p := range a.panes {
		p.SetSize(a.width, a.paneHeight())
	}
}

func (a *App) setProfile(p colorprofile.Profile) {
	a.profile = p
	a.look.SetMono(p <= colorprofile.ASCII)
	a.autoTheme()
}

// autoTheme follows the terminal unless the user has chosen.
func (a *App) autoTheme() {
	if a.themeSet {
		return
	}
	name := themes.DefaultLight
	switch {
	case a.profile == colorprofile.ANSI:
		name = "ansi16"
	case a.dark:
		name = themes.DefaultDark
	}
	if a.look.Theme().Name != name {
		if t, err := a.deps.Themes.Load(name); err == nil {
			a.look.SetTheme(t)
		}
	}
}

func (a *App) paste(s string) tea.Cmd {
	switch {
	case a.modal != nil:
		if in := a.modal.input(); in != nil {
			in.Insert(s)
			return a.modal.edited()
		}
	case a.line != nil:
		a.line.in.Insert(s)
	default:
		if in := a.pane().Typing(); in != nil {
			in.Insert(s)
			return a.pane().Edited()
		}
	}
	return nil
}

func (a *App) press(msg tea.KeyPressMsg) tea.Cmd { return a.key(msg.String(), msg.Text) }

// key handles a key by its name; typed is the text that it stands for.
func (a *App) key(key, typed string) tea.Cmd {
	if a.tooSmall() {
		if key == "ctrl+c" || key == "q" {
			return a.quit()
		}
		return nil
	}
	if a.modal != nil {
		if key == "ctrl+c" {
			return a.quit()
		}
		return a.modal.press(key, typed)
	}
	if a.line != nil {
		return a.line.press(key, typed)
	}
	p := a.pane()
	in := p.Typing()
	if in == nil || typed == "" {
		if b := p.Bindings().Find(key); b != nil {
			return a.run(b, "")
		}
	}
	if in != nil && in.Press(key, typed) {
		return p.Edited()
	}
	if b := a.global.Find(key); b != nil {
		return a.run(b, "")
	}
	return nil
}

// Keys returns those of a binding's keys that reach it now: a text field takes
// letters, and the pane's keys go before those that hold everywhere.
func (a *App) Keys(b *keys.Binding) []string {
	p := a.pane()
	own, in := p.Bindings(), p.Typing()
	var all []string
	for _, k := range b.Keys {
		letter := k == "space" || len([]rune(k)) == 1
		first := own.Find(k)
		switch {
		case in != nil && letter:
		case first != nil && first != b:
		case first == nil && in != nil && in.Takes(k):
		default:
			all = append(all, k)
		}
	}
	return all
}

// Active lists the tables that hold now: the pane's first.
func (a *App) Active() []*keys.Table { return []*keys.Table{a.pane().Bindings(), a.global} }

// run runs an action, or says why it cannot be used now.
func (a *App) run(b *keys.Binding, args string) tea.Cmd {
	if why := b.Why(); why != "" {
		return a.say(widget.Warn, widget.MarkWarning, why)
	}
	return b.Do(args)
}

func (a *App) tooSmall() bool { return a.width < MinWidth || a.height < MinHeight }

// quit leaves, asking first if something would end with the program.
func (a *App) quit() tea.Cmd {
	if a.quitting {
		return tea.Quit
	}
	if why := a.score.ending(); why != "" {
		a.quitting = true
		a.modal = newConfirm(a, confirm{
			title: "Leave the workbench?",
			text:  []string{why, "It stops now and can be resumed later: every record that is done is kept."},
			yes:   "leave",
			do:    func() tea.Cmd { return tea.Quit },
			no:    func() { a.quitting = false },
		})
		return nil
	}
	return tea.Quit
}

// busy says in a few words what runs on the account.
func (a *App) busy() string {
	var all []string
	for _, s := range []string{a.train.running(), a.imports.running(), a.score.running()} {
		if s != "" {
			all = append(all, s)
		}
	}
	return strings.Join(all, "   ")
}

// needAccount says why an action that needs the account cannot be used yet.
func (a *App) needAccount() string {
	switch {
	case a.svc != nil:
		return ""
	case a.openErr != nil:
		return "the account could not be opened; press r to try again"
	}
	return "the account is being opened"
}

// accountState draws what stands in place of a pane that needs the account; nil
// if the account is open.
func (a *App) accountState(width, height int) []string {
	switch {
	case a.svc != nil:
		return nil
	case a.openErr != nil:
		return a.message(width, height, widget.Bad, widget.MarkFailed, "The account could not be opened", a.openErr.Error(),
			hint{"r", "try again"})
	}
	return a.message(width, height, widget.Info, widget.MarkRunning,
		fmt.Sprintf("Opening the account %s", a.deps.AccountName), widget.Clock(a.deps.Now().Sub(a.openedAt)))
}
