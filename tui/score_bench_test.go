package tui_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"tunebench/backend/chat"
	"tunebench/backend/chat/chattest"
	"tunebench/backend/evaluation"
	"tunebench/backend/store"
	"tunebench/tui"
	"tunebench/tui/uitest"
)

// realEvaluation is the evaluation service itself behind the screen, whose runs
// are all of one kind.
type realEvaluation struct {
	*evaluation.Service
	spec evaluation.Spec
}

func (e realEvaluation) Start(ctx context.Context, _ evaluation.Spec) (tui.Live, error) {
	return e.Service.Start(ctx, e.spec)
}

func (realEvaluation) ReadRunFile(path string) (evaluation.RunFile, error) {
	return evaluation.ReadRunFile(path)
}

func (e realEvaluation) Resume(ctx context.Context, id string) (tui.Live, error) {
	return e.Service.Resume(ctx, id)
}

func (e realEvaluation) StartRound(ctx context.Context, s evaluation.RoundSpec) (tui.Voting, error) {
	return e.Service.StartRound(ctx, s)
}

func (e realEvaluation) ResumeRound(ctx context.Context, id string) (tui.Voting, error) {
	return e.Service.ResumeRound(ctx, id)
}

// BenchmarkScoreboardMeanwhile measures the frames of the scoreboard at 200x50
// while a run of 100,000 records against a server that answers at once goes on
// in the same process. Each message that the screen gets is handled and drawn;
// the time is both together, by the clock, with everything else that the
// processors have to do in it.
func BenchmarkScoreboardMeanwhile(b *testing.B) {
	const rows = 50_000
	var text bytes.Buffer
	for i := range rows {
		fmt.Fprintf(&text, `{"question":"What is number %d","response":"word%d","category":"c%d"}`+"\n", i, i, i%20)
	}
	data := filepath.Join(b.TempDir(), "questions.jsonl")
	if err := os.WriteFile(data, text.Bytes(), 0o600); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		st, err := store.Open(b.Context(), filepath.Join(b.TempDir(), "store.db"))
		if err != nil {
			b.Fatal(err)
		}
		defer st.Close()
		server := &chattest.Server{Foundation: []string{"one", "two"}, Forget: true,
			Answer: func(w http.ResponseWriter, _ *http.Request, c chattest.Call) {
				chattest.Say(w, c, fmt.Sprintf("word%d", c.Number%1000))
			}}
		runtime, control := chattest.Clients(server)
		talk := chat.New(chat.Config{Runtime: runtime, Bedrock: control, Store: st, BaseModelID: "one", AccountName: "local"})
		deps := uitest.Full().Deps()
		inner := deps.Open
		deps.Open = func(ctx context.Context) (*tui.Services, error) {
			svc, err := inner(ctx)
			if err == nil {
				svc.Evaluation = realEvaluation{evaluation.New(evaluation.Config{Chat: talk, Store: st}),
					evaluation.Spec{Dataset: data, Models: []string{"one", "two"}}}
			}
			return svc, err
		}
		app, err := tui.New(b.Context(), deps)
		if err != nil {
			b.Fatal(err)
		}
		frames := watchRun(b, app)
		slices.Sort(frames)
		ms := func(share float64) float64 {
			return float64(frames[int(share*float64(len(frames)-1))].Microseconds()) / 1000
		}
		b.ReportMetric(float64(len(frames)), "frames")
		b.ReportMetric(ms(0.5), "ms-median")
		b.ReportMetric(ms(0.99), "ms-p99")
	}
}

// watchRun starts the run by its keys, handles every message until the run has
// ended, and returns what each took.
func watchRun(b *testing.B, app *tui.App) []time.Duration {
	msgs := make(chan tea.Msg, 1000)
	var start func(tea.Cmd)
	start = func(cmd tea.Cmd) {
		if cmd == nil {
			return
		}
		go func() {
			switch msg := cmd().(type) {
			case nil:
			case tea.BatchMsg:
				for _, c := range msg {
					start(c)
				}
			default:
				msgs <- msg
			}
		}()
	}
	var took []time.Duration
	shown := ""
	handle := func(m tea.Msg) {
		began := time.Now()
		_, cmd := app.Update(m)
		frame := app.Frame()
		took = append(took, time.Since(began))
		start(cmd)
		shown = ansi.Strip(strings.Join(frame, "\n"))
	}
	until := func(text string) {
		limit := time.After(5 * time.Minute)
		for !strings.Contains(shown, text) {
			select {
			case m := <-msgs:
				handle(m)
			case <-limit:
				b.Fatalf("no %q on the screen:\n%s", text, shown)
			}
		}
	}
	press := func(k rune) {
		msg := tea.KeyPressMsg{Code: k}
		if k >= ' ' {
			msg.Text = string(k)
		}
		handle(msg)
	}
	handle(tea.WindowSizeMsg{Width: 200, Height: 50})
	start(app.Init())
	until("training 61 %")
	press('5')
	press('n')
	until("New evaluation")
	until("Models that can be named")
	press(tea.KeyEnter)
	until("running")
	took = took[:0]
	until("100,000 of 100,000 records")
	return took
}
