// Package safetext is the one sanitiser for text that comes from outside: log
// lines, dataset cells, model answers, names, error strings, file names, pastes.
//
// What it returns holds printable characters, spaces and (from [Text] and
// [Stream]) line feeds, and nothing else: no control character of any coding,
// no escape sequence, nothing invisible, nothing that reorders or overlaps its
// neighbours. Such text cannot move the cursor, change a mode, hide what follows
// it or break a border. Colours, layout and width are the screen's business and
// do not belong here.
//
// The rules:
//
//   - A complete escape sequence (CSI, OSC, DCS, APC, PM, SOS, two bytes) is
//     dropped. An unfinished or broken one shows its introducer as ␛ and the rest
//     as text, so that nothing can hide what stands behind it.
//   - Other C0 controls and DEL become their pictures (␇); C1 controls, bytes that
//     are no UTF-8, unassigned and private-use characters become U+FFFD.
//   - Bidirectional controls, zero-width and tag characters, fillers, joiners,
//     variation selectors, skin tones and keycaps are dropped: with them the width
//     of a character depends on who measures it.
//   - A base character keeps at most six combining marks; a mark without a base
//     is dropped, because it would sit on whatever is drawn to its left.
//   - A tab becomes four spaces, every other space character one; line and
//     paragraph separators become line feeds.
//
// Every function here is idempotent and safe for concurrent use, except that a
// [Stream] belongs to one goroutine.
package safetext

// Text cleans s and keeps its lines. CR LF and a lone CR both become a line
// feed: a carriage return never hides what stands before it.
// Clean ASCII is returned as it is, without a copy.
func Text(s string) string {
	n := plain(s, &okText)
	if n == len(s) {
		return s
	}
	c := cleaner{out: make([]byte, 0, len(s)+16)}
	c.run(s, n, true)
	return string(c.out)
}

// Line cleans s and puts it on one line. A progress line that was redrawn with
// carriage returns shows its last state; line feeds inside become ⏎, those at
// either end go away. Clean ASCII is returned as it is, without a copy.
func Line(s string) string {
	n := plain(s, &okLine)
	if n == len(s) {
		return s
	}
	c := cleaner{out: make([]byte, 0, len(s)+16), line: true}
	c.run(s, n, true)
	return string(c.out)
}

// Log is [Line] for log lines: secrets in it are masked as by [Redact].
func Log(s string) string { return Redact(Line(s)) }

// Stream cleans text that arrives in pieces, such as a model's answer. The
// pieces it returns, joined, are what [Text] makes of the whole: a sequence or
// a character that is cut in two is held back until its rest has come.
// The zero value is ready.
type Stream struct {
	c    cleaner
	held []byte
}

// Write takes the next piece and returns what can be shown of it so far. It
// never holds back more than one unfinished sequence (at most 8 KiB).
func (t *Stream) Write(piece string) string {
	if len(t.held) == 0 {
		n := plain(piece, &okText)
		if n == len(piece) {
			if n > 0 {
				t.c.base, t.c.marks = piece[n-1] != '\n', 0
			}
			return piece
		}
	} else {
		piece = string(t.held) + piece
	}
	t.c.out = t.c.out[:0]
	n := t.c.run(piece, 0, false)
	t.held = append(t.held[:0], piece[n:]...)
	return string(t.c.out)
}

// Flush ends the text: it returns what was held back, in visible form, and
// makes the stream ready for another text.
func (t *Stream) Flush() string {
	t.c.out = t.c.out[:0]
	t.c.run(string(t.held), 0, true)
	out := string(t.c.out)
	*t = Stream{}
	return out
}
