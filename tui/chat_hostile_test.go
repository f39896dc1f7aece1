package tui_test

import (
	"context"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/charmbracelet/x/ansi"

	"tunebench/backend/chat"
	"tunebench/backend/chat/chattest"
	"tunebench/backend/safetext"
	"tunebench/tui/uitest"
)

// entities writes every character of x that is no letter as an entity.
func entities(x, form string) string {
	var b strings.Builder
	for _, c := range x {
		if c < 0x80 && (unicode.IsLetter(c) || unicode.IsDigit(c)) || c == '\n' {
			b.WriteRune(c)
		} else {
			fmt.Fprintf(&b, form, c)
		}
	}
	return b.String()
}

// marked puts x into every place that Markdown has.
func marked(x string) string {
	line := strings.ReplaceAll(x, "\n", " ")
	if len(line) > 400 {
		line = line[:400]
	}
	return "# " + line + "\n\n- " + line + "\n1. **" + line + "** *" + line + "* `" + line + "`\n\n> " + line + "\n\n| a | " + line + " |\n|---|--:|\n| " + line + " | b |\n\n[" + line + "](http://x.example/" + line + ") <http://" + line + ">\n\n```" + line + "\n" + x + "\n```\n" + x
}

// TestChatHostile: whatever models write, in whatever pieces it comes, as it is
// and as entities that Markdown decodes: the terminal, the clipboard and the rest
// of the screen stay as they are; and so does a terminal that shows an export.
func TestChatHostile(t *testing.T) {
	all := payloads(t)
	names := make([]string, 0, len(all))
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	const each = 5 // payloads in an answer
	text := func(n int) string {
		var b strings.Builder
		for _, name := range names[n*each : min(len(names), (n+1)*each)] {
			b.WriteString(all[name] + "\n\n")
		}
		return b.String()
	}
	// Each model writes the payloads that the question names in a way of its own.
	ways := []func(s *chattest.Stream, x string){
		func(s *chattest.Stream, x string) { s.Delta(x); s.Stop("end_turn", 1, 1) },
		func(s *chattest.Stream, x string) { // a byte at a time, and it ends in an error that says it too
			for i := range len(x) {
				s.Delta(x[i : i+1])
			}
			s.Exception("modelStreamErrorException", x)
		},
		func(s *chattest.Stream, x string) {
			s.Delta(marked(entities(x, "&#%d;")))
			s.Stop(entities(x, "&#x%x;"), 1, 1)
		},
		func(s *chattest.Stream, x string) {
			for _, part := range strings.SplitAfter(marked(x+" "+entities(x, "&#x%X;")), " ") {
				s.Delta(part)
			}
			s.Stop(x, 1, 1)
		},
	}
	srv := &chattest.Server{}
	for i := range ways {
		srv.Foundation = append(srv.Foundation, fmt.Sprintf("vendor.model-%d", i))
	}
	srv.Answer = func(w http.ResponseWriter, r *http.Request, c chattest.Call) {
		var n int
		if _, err := fmt.Sscanf(c.Prompt, "payload %d", &n); err != nil {
			t.Errorf("prompt %q", c.Prompt)
		}
		ways[c.Model[len(c.Model)-1]-'0'](chattest.NewStream(w), text(n))
	}
	const width, height = 160, 48
	var svc *chat.Service
	d := chatOver(t, srv, func(c *chat.Config) { c.Sleep = func(context.Context, time.Duration) error { return nil } }, &svc)
	s := uitest.Start(t, d, width, height)
	s.Wait("row 1", "training 61 %")
	dataset := s.Text()
	s.Press("4").Wait("question").Press("esc").Wait("enter write").Press(":")
	s.Type("models vendor.model-0 vendor.model-1 vendor.model-2 vendor.model-3").Press("enter").Wait("━━ vendor.model-3")
	frame := func() string { // what is not the answers'
		lines := strings.Split(spun(s.Text()), "\n")
		return strings.Join(append(lines[:4:4], lines[height-3:]...), "\n")
	}
	bare := ""
	for i := range (len(names) + each - 1) / each {
		name := strings.Join(names[i*each:min(len(names), (i+1)*each)], ", ")
		s.Type(fmt.Sprintf("payload %d", i)).Wait(fmt.Sprintf("> payload %d\n", i))
		for sent := false; !sent; { // a frame that is half drawn may say too early that all have ended
			s.Press("enter").Until(uitest.Patience, "the question to be sent", func(screen string) bool {
				sent = strings.Contains(screen, "ask all models")
				return sent || strings.Contains(screen, "still arriving")
			})
		}
		s.Until(uitest.Patience, name, func(screen string) bool {
			return asked(srv, fmt.Sprintf("payload %d", i)) == len(ways) && !strings.Contains(screen, "ctrl+x cancel")
		})
		if bare == "" {
			bare = frame()
		} else if got := frame(); got != bare {
			t.Fatalf("%s changes what is around the answers:\n%s\nwas\n%s", name, got, bare)
		}
		for y, row := range s.Cells()[6 : height-4] { // between the columns
			if shown := safetext.Text(text(i)); ansi.WcWidth.StringWidth(shown) != ansi.GraphemeWidth.StringWidth(shown) {
				break // the emulator joins what terminals without mode 2027 do not
			}
			for _, x := range []int{39, 79, 119} {
				if c := row[x].Content; (c == "│") != (row[39].Content == "│") || c != "│" && strings.TrimSpace(c) != "" {
					t.Errorf("%s: line %d has %q in column %d:\n%s", name, y+6, c, x, s.Text())
				}
			}
		}
		if harm := s.Harm(); len(harm) > 0 {
			t.Fatalf("%s: the terminal was made to: %q", name, harm)
		}
	}
	s.Press("esc").Wait("enter write").Press("p", "pgup", "v", "G", "p")
	s.Press("T").Wait("Every answer of this session").Press("g", "s", "G", "esc").Wait("enter write")
	s.Press("Y").Wait("Copy a block of code").Press("down", "pgdown", "esc").Wait("enter write")
	if harm := s.Harm(); len(harm) > 0 {
		t.Fatalf("the terminal was made to: %q", harm)
	}
	s.Press("1").Wait("row 1")
	still := func(screen string) string { return strings.Join(strings.Split(screen, "\n")[1:], "\n") }
	s.Until(uitest.Patience, "the dataset pane as it was", func(screen string) bool { return spun(still(screen)) == spun(still(dataset)) })

	// Every form of export, shown as it is, and decoded as a reader of Markdown
	// would.
	svc.Close()
	read := 0
	talks, err := svc.Conversations(t.Context(), "", 1000)
	if err != nil || len(talks) != 1 {
		t.Fatalf("%d sessions, %v", len(talks), err)
	}
	for _, c := range talks {
		for _, format := range chat.ExportFormats() {
			var b strings.Builder
			if err := svc.Export(t.Context(), c.ID, format, &b); err != nil {
				t.Fatal(err)
			}
			for _, text := range []string{b.String(), html.UnescapeString(b.String())} {
				if harm := uitest.Harm(text); len(harm) > 0 && format == "markdown" {
					t.Fatalf("%s as %s: a terminal was made to: %q\n%q", c.Title, format, harm, text)
				}
			}
			if harm := uitest.Harm(b.String()); len(harm) > 0 {
				t.Fatalf("%s as %s: a terminal was made to: %q", c.Title, format, harm)
			}
			if format != "jsonl" {
				continue
			}
			for line := range strings.Lines(b.String()) {
				var r chat.Row
				read++
				if err := json.Unmarshal([]byte(line), &r); err != nil {
					t.Fatal(err)
				}
				if harm := uitest.Harm(r.Response + r.Error + r.StopReason + r.Question); len(harm) > 0 {
					t.Fatalf("%s, read back: a terminal was made to: %q", c.Title, harm)
				}
			}
		}
	}
	if read < 3*(len(names)/each) {
		t.Errorf("only %d answers were exported", read)
	}
}

// asked is how many models were asked this.
func asked(srv *chattest.Server, prompt string) int {
	models := map[string]bool{}
	for _, c := range srv.Calls() {
		if c.Prompt == prompt {
			models[c.Model] = true
		}
	}
	return len(models)
}

// spun is a screen without what turns and counts.
func spun(screen string) string {
	return strings.Map(func(r rune) rune {
		if r >= 0x2800 && r < 0x2900 || r == '↻' || r == ' ' {
			return -1
		}
		return r
	}, screen)
}
