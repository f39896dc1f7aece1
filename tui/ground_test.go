package tui_test

import (
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"

	"tunebench/tui/uitest"
)

// TestGround: a theme that is made for the other kind of terminal brings its own
// background; one that suits leaves the terminal's as it is.
func TestGround(t *testing.T) {
	light, dark := tea.BackgroundColorMsg{Color: white{}}, tea.BackgroundColorMsg{Color: black{}}
	for _, c := range []struct {
		terminal tea.Msg
		theme    string
		own      bool
	}{{dark, "light", true}, {dark, "dark", false}, {light, "dark", true}, {light, "light", false}, {dark, "auto", false}, {light, "auto", false}, {light, "ansi16", false}, {dark, "ansi16", false}} {
		play(t, uitest.Full, 80, 24, func(r *rig) {
			r.send(c.terminal)
			r.settle()
			r.press(":")
			r.write("theme " + c.theme)
			r.press("enter")
			v := r.app.View()
			if own := v.BackgroundColor != nil && v.ForegroundColor != nil; own != c.own {
				r.t.Errorf("theme %s on %T: its own background is %t, want %t", c.theme, c.terminal.(tea.BackgroundColorMsg).Color, own, c.own)
			}
			r.send(tea.ColorProfileMsg{Profile: colorprofile.ASCII})
			if v := r.app.View(); v.BackgroundColor != nil {
				r.t.Error("without colours there is one")
			}
		})
	}
}

type white struct{}

func (white) RGBA() (r, g, b, a uint32) { return 0xffff, 0xffff, 0xffff, 0xffff }

type black struct{}

func (black) RGBA() (r, g, b, a uint32) { return 0, 0, 0, 0xffff }
