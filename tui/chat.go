package tui

import (
	"reflect"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"tunebench/backend/chat"
	"tunebench/backend/dataset"
	"tunebench/metrics"
	"tunebench/tui/keys"
	"tunebench/tui/widget"
)

type chatMode uint8

const (
	chatInput  chatMode = iota // letters go into the question
	chatKeys                   // letters are keys
	chatForm                   // the settings, or the variables of a prompt
	chatTable                  // the table over the session
	chatVoting                 // a round of votes
)

// chatPane asks several models the same question and shows their answers side by
// side.
type chatPane struct {
	app  *App
	w, h int
	mode chatMode
	keys [5]*keys.Table

	models  []chat.Model
	loaded  bool
	loading bool
	err     error
	wanted  []string // models asked for before the list was there

	columns  []chat.Model
	left     int // first column in sight
	turns    []*chatTurn
	in       widget.Input
	history  int // how far back the question in the field was taken from; 0 is new
	draft    string
	back     int // lines scrolled up from the end
	lead     lead
	system   string
	refer    string // the reference answer to the question in the field
	settings chat.Settings
	talk     bool              // earlier turns are sent along
	view     sending           // what of a request is shown
	own      map[string]how    // what one model is asked with, by its ID
	values   map[string]string // what the row that the question is of has for variables, by column
	form     widget.Form
	formHead string                   // what the form is of
	formDo   func() tea.Cmd           // what it does
	formNote func(width int) []string // what stands below it
	formFor  []string                 // the models of the first field of the settings, by ID; "" is all
	diff     bool                     // show what the answers differ in
	blind    bool                     // names are hidden, the order is shuffled
	round    *chatRound               // nil outside of a round of votes
	opening  bool                     // a round is being opened
	then     func() tea.Cmd           // when the models have been read
	judge    string                   // the model that judges after a vote, "" for none
	plain    bool                     // show answers as they came, not as Markdown
	log      Transcript               // nil before the first question
	// logFailed says that it was told that the disk does not take it.
	logFailed bool
	qa        metrics.Scorer // scores an answer as an evaluation does
	units     map[string]int // custom model units by the model's ID; -1 while they are read
	table     sessionTable
	elsewhere string            // the account that the session was begun in, if it is another
	doubted   map[string]string // what was told of a model's prompt format, by its ID
	full      float64           // share of the context that the conversation takes, of the fullest model
	cx, cy    int
}

// chatTurn is one question and its answers.
type chatTurn struct {
	position                    int    // on disk
	voted                       string // the better model, or what else was voted; "" for nothing
	votes                       []chat.Voted
	judge, judged               string // who judged the answers, and what it said
	system, question, reference string
	models                      []chat.Model
	answers                     map[string]*chatAnswer // by the model's ID
	questionLines               widget.Wrapped
	laid                        *turnLayout // when all answers had ended
	laidKey                     turnKey
}

type turnKey struct {
	hidden               bool
	width, left, version int
	columns              string
	show                 sending
	plain, diff          bool
}

type chatAnswer struct {
	answer  Answer // nil of one that was read from disk
	request chat.Request
	json    string // the request's body, once it was looked at
	tokens  string
	state   chat.AnswerState
	text    widget.Wrapped // as it came
	marked  widget.Markdown
	cost    chat.Cost // when it has ended
	scored  *answerScore
}

// answerScore is how an answer that has ended agrees with the reference.
type answerScore struct {
	f1        float64
	exact, ok bool
}

func newChatPane(a *App) *chatPane {
	p := &chatPane{app: a}
	p.settings = chat.Settings{MaxTokens: a.deps.Chat.MaxTokens, Temperature: a.deps.Chat.Temperature, TopP: a.deps.Chat.TopP}
	if p.settings.MaxTokens == 0 {
		p.settings = chat.DefaultSettings()
	}
	p.qa, _ = metrics.QAAccuracy.NewScorer(nil) // without parameters it cannot fail
	p.units = map[string]int{}
	p.own, p.doubted = map[string]how{}, map[string]string{}
	p.in.Multi = true
	p.in.Placeholder = "ask all models; enter sends"
	p.bind()
	return p
}

func (p *chatPane) Title() string { return "Chat" }

func (p *chatPane) Status() string {
	if p.streaming() > 0 {
		return widget.MarkRunning
	}
	return ""
}

func (p *chatPane) SetSize(w, h int) { p.w, p.h = w, h }

func (p *chatPane) Animated() bool {
	return p.loading || p.opening || p.streaming() > 0 || p.round != nil && p.round.place >= 0 && len(p.turns) == 0
}

// streaming is the number of answers that have not ended.
func (p *chatPane) streaming() int {
	n := 0
	if len(p.turns) == 0 {
		return 0
	}
	for _, a := range p.turns[len(p.turns)-1].answers {
		if !a.state.Done() {
			n++
		}
	}
	return n
}

func (p *chatPane) Show() tea.Cmd {
	if p.app.svc == nil || p.loaded {
		return nil
	}
	return p.reload()
}

// ask comes to the front with the question of a dataset's row in the field, and
// keeps the reference answer to compare with and the columns for prompts.
func (p *chatPane) ask(r dataset.Row) tea.Cmd {
	left := p.leaveRound()
	p.mode, p.system, p.refer, p.values = chatInput, r.System, r.Answer, columnsOf(r)
	p.in.Set(r.Question)
	return tea.Batch(left, p.app.goTo(p))
}

// send asks all models in the columns.
func (p *chatPane) send() tea.Cmd {
	q := strings.TrimSpace(p.in.Value())
	if q == "" {
		return nil
	}
	if why := p.noSend(); why != "" {
		return p.app.say(widget.Warn, widget.MarkWarning, why)
	}
	t := &chatTurn{system: p.system, question: q, reference: p.refer, models: slices.Clone(p.columns), answers: map[string]*chatAnswer{}}
	warn := tea.Batch(p.doubts(p.columns), p.tight(t))
	if p.blind {
		p.shuffle()
	}
	p.in.Set("")
	p.history, p.draft, p.back, p.refer, p.values = 0, "", 0, "", nil
	return tea.Batch(warn, p.start(t))
}

func (p *chatPane) start(t *chatTurn) tea.Cmd {
	earlier := p.turns
	p.turns = append(p.turns, t)
	if len(p.turns) > 500 {
		p.turns = p.turns[1:]
	}
	kept := chat.Exchange{System: t.system, Question: t.question, Reference: t.reference}
	var prices tea.Cmd
	for _, m := range t.models {
		prices = tea.Batch(prices, p.price(m))
		a := &chatAnswer{}
		a.request = chat.Request{Model: m, Messages: p.messages(earlier, t, m), Settings: p.how(m).settings}
		a.answer = p.app.svc.Chat.Send(p.app.ctx, a.request)
		a.state = a.answer.State()
		t.answers[m.ID] = a
		kept.Answers = append(kept.Answers, a.answer)
	}
	if p.log == nil {
		p.log, p.logFailed = p.app.svc.Chat.Transcript(chat.Conversation{}, nil), false
	}
	p.log.Use(p.manner())
	t.position = p.log.Keep(kept)
	return tea.Batch(prices, p.watch(t, 0))
}

// watch pulls the answers of a turn until all have ended. One look serves all of
// them: a frame is composed after every message, so messages are what costs.
func (p *chatPane) watch(t *chatTurn, pause time.Duration) tea.Cmd {
	ctx := p.app.ctx
	cases := []reflect.SelectCase{{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(ctx.Done())}}
	for _, m := range t.models {
		if a := t.answers[m.ID]; !a.state.Done() {
			cases = append(cases, reflect.SelectCase{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(a.answer.Changed())})
		}
	}
	if len(cases) == 1 {
		return p.ended(t)
	}
	return func() tea.Msg {
		if pause > 0 {
			timer := time.NewTimer(pause)
			defer timer.Stop()
			select {
			case <-ctx.Done():
				return nil
			case <-timer.C:
			}
		}
		if i, _, _ := reflect.Select(cases); i == 0 {
			return nil
		}
		return applyMsg(func() tea.Cmd {
			ended := false
			for _, m := range t.models {
				if a := t.answers[m.ID]; !a.state.Done() {
					a.state = a.answer.State()
					ended = ended || a.state.Done()
				}
			}
			if ended {
				p.reprice()
			}
			return p.watch(t, p.pause())
		})
	}
}

// pause is the time between two looks at answers that are arriving.
func (p *chatPane) pause() time.Duration {
	if p.app.pane() != pane(p) {
		return 300 * time.Millisecond
	}
	return time.Second / 20 // smooth to the eye; 30 would cost a slow link 1.8 kB/s for one answer
}

// messages is what a model is sent: the system prompt, the turns before if this
// is a conversation, and the question.
func (p *chatPane) messages(earlier []*chatTurn, t *chatTurn, m chat.Model) []chat.Message {
	var ms []chat.Message
	system := t.system
	if h, ok := p.own[m.ID]; ok {
		system = h.system
	}
	if system != "" {
		ms = append(ms, chat.Message{Role: "system", Content: system})
	}
	if p.talk {
		for i, e := range earlier {
			next := t
			if i+1 < len(earlier) {
				next = earlier[i+1]
			}
			if next.question == e.question && next.system == e.system {
				continue // it was asked again: what came then counts
			}
			if a, ok := e.answers[m.ID]; ok && a.state.Phase == chat.Finished && a.state.Text != "" {
				ms = append(ms, chat.Message{Role: "user", Content: e.question}, chat.Message{Role: "assistant", Content: a.state.Text})
			}
		}
	}
	return append(ms, chat.Message{Role: "user", Content: t.question})
}

// ended is told when the last answer of a turn has ended.
func (p *chatPane) ended(*chatTurn) tea.Cmd {
	p.reprice()
	p.fullness()
	if p.log == nil || p.logFailed {
		return nil
	}
	if err := p.log.Err(); err != nil {
		p.logFailed = true // once is enough
		return p.app.fail(err)
	}
	return nil
}

// cancel ends the answers that are arriving; what has come is kept.
func (p *chatPane) cancel() {
	if len(p.turns) > 0 {
		for _, a := range p.turns[len(p.turns)-1].answers {
			if !a.state.Done() {
				a.answer.Cancel()
			}
		}
	}
}

// again asks the last question once more.
func (p *chatPane) again() tea.Cmd {
	last := p.turns[len(p.turns)-1]
	p.back = 0
	if p.blind {
		p.shuffle()
	}
	return p.start(&chatTurn{system: last.system, question: last.question, reference: last.reference, models: slices.Clone(p.columns), answers: map[string]*chatAnswer{}})
}

// fresh starts another conversation.
func (p *chatPane) fresh() {
	p.cancel()
	p.turns, p.log, p.back, p.full, p.elsewhere = nil, nil, 0, 0, ""
}

// recall puts an earlier question into the field.
func (p *chatPane) recall(n int) {
	at := p.history + n
	if at < 0 || at > len(p.turns) {
		return
	}
	if p.history == 0 {
		p.draft = p.in.Value()
	}
	p.history = at
	if at == 0 {
		p.in.Set(p.draft)
		return
	}
	p.in.Set(p.turns[len(p.turns)-at].question)
}

func (p *chatPane) scrollBy(n int) {
	p.back = max(0, p.back+n) // the view keeps it within the transcript
}

func (p *chatPane) Typing() *widget.Input {
	if p.mode == chatForm && p.form.Typing() {
		return &p.form.Current().Input
	}
	if p.mode == chatInput && p.app.svc != nil {
		return &p.in
	}
	return nil
}

func (p *chatPane) Edited() tea.Cmd { return nil }

func (p *chatPane) Cursor() (int, int, bool) { return p.cx, p.cy, p.cx >= 0 }
