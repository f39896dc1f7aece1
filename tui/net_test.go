package tui_test

import (
	"strings"
	"testing"

	"tunebench/tui"
	"tunebench/tui/uitest"
)

// TestNet: whatever a frame holds, a terminal gets printable characters, line
// feeds and colours only.
func TestNet(t *testing.T) {
	clean := "\x1b[1;38;2;1;2;3m\u2501 Zürich 東京 ⠶\x1b[m\nsecond line  "
	if got := tui.Net(clean); got != clean {
		t.Errorf("a clean frame became %q", got)
	}
	for name, x := range payloads(t) {
		check(t, name, tui.Net("before "+x+" after"))
		if got := tui.Net("before " + x + " after"); !strings.HasPrefix(got, "before ") || !strings.HasSuffix(got, " after") {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func check(t *testing.T, name, got string) {
	t.Helper()
	for _, r := range sgr.ReplaceAllString(got, "") {
		if r < ' ' && r != '\n' || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0xfeff {
			t.Fatalf("%s: %U is left in %q", name, r, got)
		}
	}
}

func FuzzNet(f *testing.F) {
	for _, x := range payloads(f) {
		f.Add(x)
	}
	f.Fuzz(func(t *testing.T, x string) {
		got := tui.Net(x)
		check(t, "fuzz", got)
		if tui.Net(got) != got {
			t.Fatalf("%q is not stable", got)
		}
	})
}

// TestNetInView: the net is under everything that is drawn, titles too.
func TestNetInView(t *testing.T) {
	play(t, uitest.Full, 120, 40, func(r *rig) {
		r.app.Poison("\x1b]0;owned\x07\x1bPq\x1b\\ \u009b31m\u202e")
		v := r.app.View()
		if v.WindowTitle != "tunebench" {
			r.t.Errorf("the title is %q", v.WindowTitle)
		}
		check(r.t, "view", v.Content)
		if !strings.Contains(v.Content, "?]0;owned?") {
			r.t.Errorf("what was put in is not there: the test tests nothing")
		}
	})
}

// BenchmarkNet is the cost of the net for a frame at 200x50.
func BenchmarkNet(b *testing.B) {
	app := open(b, uitest.Full(), 200, 50, "2")
	frame := strings.Join(app.Frame(), "\n")
	b.SetBytes(int64(len(frame)))
	b.ReportAllocs()
	for b.Loop() {
		tui.Net(frame)
	}
}
