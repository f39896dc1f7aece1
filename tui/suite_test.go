package tui_test

import (
	"fmt"
	"image/color"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"

	"tunebench/tui"
	"tunebench/tui/uitest"
)

// terminals are those that the suite runs on, beside the one of TestFrames.
var terminals = []struct {
	name  string
	ascii bool
	msg   tea.Msg
	codes func(code string) bool // the SGR codes that may be written
}{
	{"light", false, tea.BackgroundColorMsg{Color: color.White}, nil},
	{"16 colours", false, tea.ColorProfileMsg{Profile: colorprofile.ANSI}, func(c string) bool {
		n, err := strconv.Atoi(c)
		return c == "" || err == nil && (n <= 7 || n >= 30 && n <= 47 || n >= 90 && n <= 107)
	}},
	{"no colours", false, tea.ColorProfileMsg{Profile: colorprofile.ASCII}, attribute},
	{"ascii", true, tea.ColorProfileMsg{Profile: colorprofile.ASCII}, attribute},
}

func attribute(c string) bool { return slices.Contains([]string{"", "1", "2", "3", "4", "7"}, c) }

// TestSuite plays every scene at every size on every kind of terminal: the text
// is the same on all of them, but for those that show only ASCII, which have
// frames of their own.
func TestSuite(t *testing.T) {
	for _, on := range terminals {
		t.Run(on.name, func(t *testing.T) {
			for _, s := range scenes() {
				t.Run(s.name, func(t *testing.T) {
					var all strings.Builder
					for _, wh := range sizes {
						d := func() tui.Deps { d := s.world().Deps(); d.ASCII = on.ascii; return d }
						playDeps(t, d, wh[0], wh[1], func(r *rig) {
							r.send(on.msg)
							s.walk(r)
							frame := r.app.Frame()
							checkFrame(r.t, frame, wh[0], wh[1], true)
							checkFocus(r, s.name)
							checkKeys(r)
							checkCodes(r.t, frame, on.codes)
							if on.ascii {
								checkASCII(r.t, frame)
							}
							fmt.Fprintf(&all, "=== %s\n%s", size(wh[0], wh[1]), r.text())
						})
					}
					name := s.name
					if on.ascii {
						name = filepath.Join("ascii", name)
					} else if *update || s.name == "theme" {
						return // TestFrames writes these; another theme is chosen there
					}
					golden(t, name, all.String())
				})
			}
		})
	}
}

// focusMark stands where the focus is: before a chosen row or field, and in the
// head of the part that has the keys.
var focusMark = regexp.MustCompile(`(?m)^ *[▌>] |^ *(━━|==) |╭─|^ *\+- `)

// still are the scopes and scenes in which nothing can be chosen: one statement,
// or one text that scrolls and nothing else.
var still = []string{"Dataset, one row", "dataset-failed", "dataset-empty", "account-opening", "account-failed", "training-empty", "training-stale", "import-empty", "score-empty"}

// checkFocus checks that what the keys act on is seen without colours: by the
// cursor, by a mark, or by the head of the part in focus.
func checkFocus(r *rig, scene string) {
	r.t.Helper()
	seen := r.app.View().Cursor != nil || focusMark.MatchString(r.text())
	if !seen && !slices.Contains(still, scene) && !slices.Contains(still, r.app.Active()[0].Scope) {
		r.t.Fatalf("nothing shows where the focus is:\n%s", r.text())
	}
}

// checkKeys checks that no key stands twice in a scope, and that every key that
// help shows reaches what stands beside it.
func checkKeys(r *rig) {
	r.t.Helper()
	shown := map[string]string{}
	for _, tb := range r.app.Active() {
		if tb == nil {
			continue
		}
		if err := tb.Check(); err != nil {
			r.t.Fatal(err)
		}
		for i := range tb.Bindings {
			b := &tb.Bindings[i]
			for _, k := range r.app.Keys(b) {
				if shown[k] != "" {
					r.t.Fatalf("help shows the key %s for %s and for %s", k, shown[k], b.ID)
				}
				shown[k] = b.ID
			}
		}
	}
}

func checkCodes(t *testing.T, frame []string, may func(string) bool) {
	t.Helper()
	if may == nil {
		return
	}
	for i, line := range frame {
		for _, e := range sgr.FindAllString(line, -1) {
			for _, code := range strings.Split(strings.Trim(e, "\x1b[m"), ";") {
				if !may(code) {
					t.Fatalf("line %d has %q", i, e)
				}
			}
		}
	}
}

func checkASCII(t *testing.T, frame []string) {
	t.Helper()
	for i, line := range frame {
		for _, c := range sgr.ReplaceAllString(line, "") {
			if c < ' ' || c > '~' {
				t.Fatalf("line %d holds %U: %q", i, c, line)
			}
		}
	}
}

// TestReached presses every key of every pane that help shows, and expects the
// action beside it to run.
func TestReached(t *testing.T) {
	for _, s := range scenes() {
		play(t, s.world, 120, 40, func(r *rig) {
			s.walk(r)
			if r.app.Covered() {
				return // a dialog has the keys
			}
			for _, tb := range r.app.Active() {
				if tb == nil {
					continue
				}
				for i := range tb.Bindings {
					b := &tb.Bindings[i]
					ran := 0
					do, off := b.Do, b.Off
					b.Do, b.Off = func(string) tea.Cmd { ran++; return nil }, nil
					for n, k := range r.app.Keys(b) {
						r.app.Key(k)
						if ran != n+1 {
							r.t.Errorf("%s: the key %s does not reach %s", s.name, k, b.ID)
						}
					}
					b.Do, b.Off = do, off
				}
			}
		})
	}
}

// TestASCIIText: texts from outside are readable in ASCII as far as they can be,
// and every character keeps its width.
func TestASCIIText(t *testing.T) {
	w := uitest.Full()
	w.Rows[0].Question = "Déjà vu – “Ångström”… 東京 ẞ"
	d := w.Deps()
	d.ASCII = true
	playDeps(t, func() tui.Deps { return d }, 120, 40, func(r *rig) {
		r.press("enter")
		r.want(`Deja vu - "Angstrom". ???? ?`)
		checkASCII(r.t, r.app.Frame())
		checkFrame(r.t, r.app.Frame(), 120, 40, true)
	})
}
