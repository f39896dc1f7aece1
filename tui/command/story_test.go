package command

import (
	"io"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"tunebench/tui/uitest"
)

// training may take this long on a machine without our assembly kernels.
const trainingPatience = 10 * time.Minute

// TestStory plays the loop as a new user does, by its keys alone, on the real
// local account: look at the sample, prepare it, train, import, ask both models,
// score them. Nothing in it is replaced; every number comes from work done here.
func TestStory(t *testing.T) {
	if testing.Short() {
		t.Skip("it trains the sample's model, which takes half a minute")
	}
	g := &globals{home: t.TempDir(), in: strings.NewReader(""), out: io.Discard, err: io.Discard, output: "table", color: "auto"}
	d, _, err := g.workbench()
	if err != nil {
		t.Fatal(err)
	}
	s := uitest.Start(t, d, 120, 40)

	// On the first start the tour says what to press; it is followed here.
	s.Wait("openorca-sample.jsonl", "1,200 rows", "as it is trained", "Tour 1 of 6", "p prepares them")
	s.Press("p").Wait("Prepare").Press("enter")
	s.Wait("train.jsonl", "validation.jsonl", "test.jsonl")

	s.Wait("Tour 2 of 6", "t plans a training job")
	s.Press("t").Wait("New training job", "Start training").Press("enter")
	s.Wait("InProgress", "following", "Tour 3 of 6")
	s.WaitFor(trainingPatience, "Completed", "import it with i")
	s.Wait("400 of 400", "eval")

	s.Wait("Tour 4 of 6", "i checks what came out")
	s.Press("i").Wait("Import a model", "Preflight", "there is one chat template").Press("enter")
	s.WaitFor(time.Minute, "Imported models", "chat with it with c")

	s.Wait("Tour 5 of 6", "c opens a chat")
	s.Press("c").Wait("base", "imported model", "question")
	s.Type("What is the capital of Norway?").Press("enter")
	s.Until(time.Minute, "both answers", func(screen string) bool {
		// the base answers in a sentence, the fine-tuned model in a word
		return strings.Count(screen, "Oslo") >= 2 && strings.Contains(screen, "end_turn") && strings.Contains(screen, "stop")
	})

	s.Wait("Tour 6 of 6", "e scores both")
	s.Press("esc").Gone("alt+enter new line") // typed at once, esc and 3 would be alt+3
	s.Press("3").Wait("Imported models").Press("e").Wait("New evaluation", "heldout.jsonl").Press("enter")
	s.WaitFor(2*time.Minute, "finished", "640 of 640 records", "is better than base")
	base, tuned := exactMatch(t, s.Text())
	if base >= 10 || tuned < 85 {
		t.Errorf("exact match is %g %% and %g %%\n%s", base, tuned, s.Text())
	}
	s.Wait("That was the loop")
	s.Press("f2").Gone("That was the loop")
	s.Press("enter").Wait("reference")
	if again, _, err := g.workbench(); err != nil || again.Tour {
		t.Errorf("the tour comes again (%v)", err)
	}

	if harm := s.Harm(); len(harm) > 0 {
		t.Errorf("the terminal was harmed: %v", harm)
	}
	s.Press("ctrl+c")
	if err := s.Ended(); err != nil {
		t.Errorf("leaving: %v", err)
	}
}

// exactMatch reads the means of the exact match score off the scoreboard.
func exactMatch(t *testing.T, screen string) (base, tuned float64) {
	t.Helper()
	m := regexp.MustCompile(`(?s)exact_match_score\s+base\s+([\d.]+) %[^\n]*\n\s+tb-\S+\s+([\d.]+) %`).FindStringSubmatch(screen)
	if m == nil {
		t.Fatalf("the scoreboard has no exact match:\n%s", screen)
	}
	base, _ = strconv.ParseFloat(m[1], 64)
	tuned, _ = strconv.ParseFloat(m[2], 64)
	return base, tuned
}
