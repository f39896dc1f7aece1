// Command shots draws the README's screens from the real program: it plays the
// loop on a local account of its own and writes two images of each pane, NAME.svg
// for dark pages and NAME-light.svg for light ones, and a film of the tour,
// demo.svg. Every number in them comes from work done while it runs.
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
	"tunebench/themes"
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
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	dark, err := load(themes.DefaultDark)
	if err != nil {
		return err
	}
	light, err := load(themes.DefaultLight)
	if err != nil {
		return err
	}
	a := artist{out: out, dark: dark, light: light}
	err = a.still(width, height, play)
	for _, size := range [][2]int{{80, 24}, {200, 50}} {
		err = errors.Join(err, a.still(size[0], size[1], func(s *uitest.Screen, shot shooter) {
			datasets(s, func(s *uitest.Screen, name, about string) { shot(s, fmt.Sprintf("%s-%d", name, size[0]), about) })
		}))
	}
	return errors.Join(err, a.demo())
}

// shooter draws the screen as NAME.svg and NAME-light.svg.
type shooter func(s *uitest.Screen, name, about string)

type artist struct {
	out         string
	dark, light look
}

// sit plays a workbench of its own on a terminal of that size, with the tour or
// without.
func (a artist) sit(width, height int, tour bool, play func(*uitest.Screen, *player)) (err error) {
	home, err := os.MkdirTemp("", "tunebench-shots-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(home)) }()
	d, err := command.Workbench(home)
	if err != nil {
		return err
	}
	d.UI.Theme, d.UI.Color = "auto", "truecolor" // it follows the terminal, see wear
	d.Tour = tour

	p := &player{}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	defer func() { err = errors.Join(err, p.finish(recover())) }()
	play(uitest.Start(p, d, width, height), p)
	return nil
}

// still draws single screens of a workbench that is played.
func (a artist) still(width, height int, play func(*uitest.Screen, shooter)) error {
	return a.sit(width, height, false, func(s *uitest.Screen, p *player) {
		play(s, func(s *uitest.Screen, name, about string) {
			write := func(file string, l look) {
				b := svg.Draw(s.Cells(), svg.Window{
					Title: "tunebench", Describe: about,
					Background: l.color(themes.Background), Text: l.color(themes.Text), Muted: l.color(themes.Muted), Line: l.color(themes.Border),
				})
				if err := os.WriteFile(filepath.Join(a.out, file), b, 0o644); err != nil {
					p.Fatalf("%v", err)
				}
				fmt.Printf("%s  %d bytes\n", file, len(b))
			}
			write(name+".svg", a.dark)
			wear(s, a.light, a.dark)
			write(name+"-light.svg", a.light)
			wear(s, a.dark, a.light)
		})
	})
}

// look is a theme whose colours are all given as red, green and blue.
type look struct{ theme themes.Theme }

func load(name string) (look, error) {
	t, err := themes.Load(name)
	if err != nil {
		return look{}, err
	}
	for _, k := range []themes.Token{themes.Background, themes.Text, themes.Muted, themes.Border, themes.Accent} {
		if _, _, _, ok := t.Color(k).RGB(); !ok {
			return look{}, fmt.Errorf("theme %s leaves %s to the terminal; an image needs a colour", name, k)
		}
	}
	return look{t}, nil
}

func (l look) color(k themes.Token) color.RGBA {
	r, g, b, _ := l.theme.Color(k).RGB()
	return color.RGBA{r, g, b, 255}
}

// wear has the terminal report another background, as it does when the desktop
// turns light or dark, and waits until nothing is in the old colours any more.
func wear(s *uitest.Screen, to, from look) {
	bg := to.color(themes.Background)
	s.Type(fmt.Sprintf("\x1b]11;rgb:%02x/%02x/%02x\x1b\\", bg.R, bg.G, bg.B))
	s.Until(uitest.Patience, "the colours of "+to.theme.Name, func(string) bool {
		has := func(want color.RGBA) bool {
			for _, line := range s.Cells() {
				for i := range line {
					if fg := line[i].Style.Fg; fg != nil && color.RGBAModel.Convert(fg) == want {
						return true
					}
				}
			}
			return false
		}
		return has(to.color(themes.Accent)) && !has(from.color(themes.Accent))
	})
}

// play goes through the loop and stops for an image in each pane.
func play(s *uitest.Screen, shot shooter) {
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
	s.Press("enter").WaitFor(time.Minute, "chat with it with c").Press("v").WaitFor(time.Minute, "Converse", "end_turn")
	shot(s, "import-proved", "The import pane: the imported model is proved: asked in every form that it can be asked in")
	s.Press("c").Wait("enter send")
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

// datasets goes through the dataset pane.
func datasets(s *uitest.Screen, shot shooter) {
	s.Wait("1,200 rows")
	shot(s, "dataset-table", "The dataset pane: the table of rows")
	s.Press("enter").Wait("esc table", "as it is trained", "learnt")
	shot(s, "dataset-row", "The dataset pane: one row, and the text it is trained as")
	s.Press("i").Wait("[INST]")
	s.Until(uitest.Patience, "ids of tokens", func(screen string) bool { return strings.Contains(screen, "▌ ▁") })
	shot(s, "dataset-prompt", "The dataset pane: the row in tokens with their ids; those that are learnt are marked")
	s.Press("esc", "s").Wait("Rows that look wrong")
	s.Gone("reading")
	shot(s, "dataset-profile", "The dataset pane: the profile of all rows")
	s.Press("esc", "&").Type("category ~ products and len(answer) > 6").Press("enter").Wait("shown")
	shot(s, "dataset-filter", "The dataset pane: only the rows that a filter keeps")
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
