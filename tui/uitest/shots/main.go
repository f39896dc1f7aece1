// Command shots draws the README's screens from the real program: it plays the
// loop on a local account of its own and writes an image of each pane. Every
// number in them comes from work done while it runs.
//
//	go run ./tui/uitest/shots
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"image/color"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tunebench/backend/dataset"
	"tunebench/tui/command"
	"tunebench/tui/uitest"
	"tunebench/tui/uitest/svg"
)

const width, height = 116, 36

func main() {
	out := flag.String("out", "testdata/screenshots", "folder to write to")
	samples := flag.String("samples", "testdata", "folder with the sample data")
	flag.Parse()
	if err := run(*out, *samples); err != nil {
		fmt.Fprintln(os.Stderr, "shots:", err)
		os.Exit(1)
	}
}

func run(out, samples string) (err error) {
	dataset.SetSample(os.DirFS(samples))
	home, err := os.MkdirTemp("", "tunebench-shots-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(home)) }()
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	d, err := command.Workbench(home)
	if err != nil {
		return err
	}
	d.UI.Theme, d.UI.Color = "dark", "truecolor"

	p := &player{}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	defer func() { err = errors.Join(err, p.finish(recover())) }()
	play(uitest.Start(p, d, width, height), func(s *uitest.Screen, name, about string) {
		b := svg.Draw(s.Cells(), svg.Window{
			Title: "tunebench", Describe: about,
			Background: color.RGBA{22, 23, 31, 255}, Text: color.RGBA{201, 207, 218, 255},
			Muted: color.RGBA{120, 126, 140, 255}, Line: color.RGBA{58, 62, 76, 255},
		})
		if err := os.WriteFile(filepath.Join(out, name+".svg"), b, 0o644); err != nil {
			p.Fatalf("%v", err)
		}
		fmt.Printf("%s.svg  %d bytes\n", name, len(b))
	})
	return nil
}

// play goes through the loop and stops for an image in each pane.
func play(s *uitest.Screen, shot func(s *uitest.Screen, name, about string)) {
	s.Wait("1,200 rows", "as it is trained", "user/local")
	shot(s, "dataset", "The dataset pane: the sample's rows, one row and the text it is trained as")

	s.Press("p").Wait("Prepare").Press("enter").Wait("train.jsonl", "validation.jsonl")
	s.Press("t").Wait("Start training").Press("enter").Wait("InProgress")
	s.Until(10*time.Minute, "two thirds of the steps", func(screen string) bool {
		return strings.Contains(screen, "270 of 400") || strings.Contains(screen, "Completed")
	})
	shot(s, "training", "The training pane: phases, the loss curve and the log of a job that is running")

	s.WaitFor(10*time.Minute, "import it with i").Press("i")
	s.Wait("there is one chat template")
	shot(s, "import", "The import pane: the preflight of an artifact")
	s.Press("enter").WaitFor(time.Minute, "chat with it with c").Press("c").Wait("question")
	for _, q := range []string{"What is the capital of Norway?", "Who wrote Dracula?", "What is the atomic number of iridium?"} {
		before := strings.Count(s.Text(), "end_turn")
		s.Type(q).Press("enter")
		s.Until(time.Minute, "both answers", func(screen string) bool {
			return strings.Count(screen, "end_turn") > before && strings.Count(screen, " stop ") > before
		})
	}
	s.Gone("chat with it with c")
	shot(s, "chat", "The chat pane: the base model and the fine-tuned model answer the same questions")

	s.Press("esc").Gone("alt+enter new line")
	s.Press("3").Wait("Imported models").Press("e").Wait("New evaluation").Press("enter")
	s.WaitFor(2*time.Minute, "640 of 640 records", "is better than base")
	shot(s, "scoreboard", "The scoreboard: scores with intervals, the difference to the base model, categories")
}

// player is what the driver needs of a test.
type player struct {
	ctx    context.Context
	cancel context.CancelFunc
	ends   []func()
	failed []string
}

// failure is how Fatalf leaves play.
type failure string

func (p *player) Helper()                  {}
func (p *player) Context() context.Context { return p.ctx }
func (p *player) Cleanup(f func())         { p.ends = append(p.ends, f) }
func (p *player) Error(args ...any)        { p.failed = append(p.failed, fmt.Sprintln(args...)) }
func (p *player) Fatalf(format string, args ...any) {
	panic(failure(fmt.Sprintf(format, args...)))
}

// finish ends the program that was played and says what went wrong. cause is
// what play panicked with.
func (p *player) finish(cause any) error {
	p.cancel()
	for i := len(p.ends) - 1; i >= 0; i-- {
		p.ends[i]()
	}
	if f, ok := cause.(failure); ok {
		p.failed = append(p.failed, string(f))
	} else if cause != nil {
		panic(cause)
	}
	if len(p.failed) > 0 {
		return errors.New(strings.Join(p.failed, "; "))
	}
	return nil
}
