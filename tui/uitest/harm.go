package uitest

import (
	"fmt"
	"io"
	"regexp"

	"github.com/charmbracelet/x/vt"
)

// foreign matches what the workbench never writes and an emulator may ignore in
// silence: strings of other kinds than titles, the clipboard and colour queries,
// pictures, resets, C1 controls.
var foreign = regexp.MustCompile(`\x1b(_|\^|X|c|#8|P[^+>]|\](4|7|8|9|10|12|133|777|1337)[;\x07]|\]11;[^?])|\xc2[\x80-\x9f]`)

// scan notes foreign sequences in what is written.
func (s *Screen) scan(p []byte) {
	const longest = 8
	all := append(s.tail, p...)
	if m := foreign.Find(all); m != nil {
		s.harm = append(s.harm, fmt.Sprintf("sequence %q", m))
		all = nil // it is told once
	}
	s.tail = append([]byte(nil), all[max(0, len(all)-longest):]...)
}

// Harm lists what text does to a terminal that shows it as it is, such as a file
// that was exported.
func Harm(text string) []string {
	s := &Screen{emu: vt.NewEmulator(80, 24), changed: make(chan struct{}, 1)}
	s.watch()
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		_, _ = io.Copy(io.Discard, s.emu)
	}()
	_, _ = terminal{s}.Write([]byte(text)) // the emulator takes everything
	_ = s.emu.InputPipe().(io.Closer).Close()
	<-drained
	return s.harm
}
