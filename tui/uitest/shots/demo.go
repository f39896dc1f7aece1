package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tunebench/themes"
	"tunebench/tui/uitest"
	"tunebench/tui/uitest/svg"
)

// demo plays the tour and writes it as a film, demo.svg. Waiting is shortened;
// nothing else is.
func (a artist) demo() error {
	return a.sit(104, 37, true, func(s *uitest.Screen, p *player) {
		var shots []svg.Shot
		show := func(d time.Duration) { shots = append(shots, svg.Shot{Cells: s.Cells(), For: d}) }
		const glance, look, read = 400 * time.Millisecond, 1500 * time.Millisecond, 3 * time.Second

		s.Wait("1,200 rows", "as it is trained", "learnt", "Tour 1")
		show(read)
		s.Press("p").Wait("[ Prepare ]")
		show(look)
		s.Press("enter").Wait("train.jsonl", "Tour 2")
		show(read)
		s.Press("t").Wait("Start training", "nothing: this account does not bill")
		show(read)
		s.Press("enter").Wait("InProgress", "Tour 3")
		for step := 5; step < 400; step += 30 {
			s.Until(5*time.Minute, "a later step", func(screen string) bool {
				return at(screen) >= step || strings.Contains(screen, "Tour 4")
			})
			show(glance)
		}
		s.WaitFor(5*time.Minute, "Completed", "Tour 4")
		show(read)
		s.Press("i").Wait("there is one chat template")
		show(read)
		s.Press("enter").WaitFor(time.Minute, "Tour 5")
		show(look)
		s.Press("c").Wait("enter send")
		show(look)
		for _, q := range []string{"What is the capital of Norway?", "Who wrote Dracula?"} {
			before := strings.Count(s.Text(), "end_turn")
			for len(q) > 0 {
				n := min(6, len(q))
				s.Type(q[:n])
				q = q[n:]
				show(glance / 2)
			}
			s.Press("enter").Until(time.Minute, "both answers", func(screen string) bool {
				return strings.Count(screen, "end_turn") > before && strings.Count(screen, " stop ") > before
			})
			show(read)
		}
		s.Press("esc").Gone("alt+enter new line")
		s.Press("e").Wait("New evaluation")
		show(look)
		s.Press("enter").WaitFor(2*time.Minute, "of 640 records")
		show(glance)
		s.WaitFor(2*time.Minute, "640 of 640 records", "is better than base", "That was the loop")
		show(2 * read)

		b := svg.Film(shots, svg.Window{
			Title: "tunebench", Describe: "The loop in the workbench: prepare, train, import, chat, evaluate",
			Background: a.dark.color(themes.Background), Text: a.dark.color(themes.Text), Muted: a.dark.color(themes.Muted), Line: a.dark.color(themes.Border),
		})
		if err := os.WriteFile(filepath.Join(a.out, "demo.svg"), b, 0o644); err != nil {
			p.Fatalf("%v", err)
		}
		fmt.Printf("demo.svg  %d bytes, %d screens\n", len(b), len(shots))
	})
}

// at is the training step that a screen tells, 0 without one.
func at(screen string) (step int) {
	if _, rest, ok := strings.Cut(screen, "step "); ok {
		_, _ = fmt.Sscanf(rest, "%d of", &step)
	}
	return step
}
