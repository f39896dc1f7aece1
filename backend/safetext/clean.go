package safetext

import "unicode/utf8"

// maxMarks is the number of combining marks that one base character keeps.
const maxMarks = 6

var okText, okLine = byteTables()

func byteTables() (text, line [256]bool) {
	for b := 0x20; b < 0x7f; b++ {
		text[b], line[b] = true, true
	}
	text['\n'] = true
	return text, line
}

// plain returns the length of the run of bytes at the start of s that need no
// change according to ok. It looks at eight bytes at a time.
func plain(s string, ok *[256]bool) int {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	i := 0
	for ; i+8 <= len(s); i += 8 {
		b := s[i : i+8]
		x := uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
			uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
		// A byte below 0x20 borrows, one above 0x7e carries into its high bit.
		if (x|(x-ones*0x20)|(x+ones))&high == 0 {
			continue
		}
		for j := range 8 {
			if !ok[b[j]] {
				return i + j
			}
		}
	}
	for ; i < len(s) && ok[s[i]]; i++ {
	}
	return i
}

// cleaner is the state of one text.
type cleaner struct {
	out []byte
	// base says that the last thing written can carry marks; marks is how many
	// it carries.
	base  bool
	marks int

	// The rest is for one-line texts.
	line  bool
	start int  // where the current line begins in out
	cr    bool // a carriage return is pending: the next thing written replaces the line
	nl    int  // line feeds that become ⏎ as soon as something follows
}

// run cleans s, of which the first from bytes need no change, and returns how
// much of it was used: all, or with !final all but an unfinished end.
func (c *cleaner) run(s string, from int, final bool) int {
	ok := &okText
	if c.line {
		ok = &okLine
	}
	kept, i := 0, 0 // s[kept:i] goes out as it is
	if from > 0 {
		i = from
		c.base, c.marks = s[i-1] != '\n', 0
	}
	for i < len(s) {
		if n := plain(s[i:], ok); n > 0 {
			i += n
			c.base, c.marks = s[i-1] != '\n', 0
			continue
		}
		b := s[i]
		if b < utf8.RuneSelf {
			c.write(s[kept:i])
			n := c.control(s[i:], final)
			if n == 0 {
				return i
			}
			i += n
			kept = i
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 && !final && !utf8.FullRuneInString(s[i:]) {
			c.write(s[kept:i])
			return i
		}
		k := classOf(r)
		if r == utf8.RuneError && n == 1 {
			k = bad
		}
		switch k {
		case keep:
			c.base, c.marks = true, 0
			i += n
			continue
		case mark:
			if c.base && c.marks < maxMarks {
				c.marks++
				i += n
				continue
			}
		}
		c.write(s[kept:i])
		switch k {
		case bad:
			c.put("\uFFFD")
		case space:
			c.put(" ")
		case newline:
			c.lineFeed()
		}
		i += n
		kept = i
	}
	c.write(s[kept:i])
	return i
}

// control handles the ASCII control at the start of s and returns its length,
// 0 if more must be seen first.
func (c *cleaner) control(s string, final bool) int {
	switch b := s[0]; b {
	case 0x1b:
		n := sequence(s)
		if n == unfinished && !final {
			return 0
		}
		if n > 0 {
			return n
		}
		c.put("␛")
	case '\t':
		c.put("    ")
	case '\n':
		c.lineFeed()
	case '\r':
		switch {
		case len(s) == 1 && !final:
			return 0
		case len(s) > 1 && s[1] == '\n':
			c.lineFeed()
			return 2
		case c.line:
			c.cr, c.base, c.marks = true, false, 0
		default:
			c.lineFeed()
		}
	case 0x7f:
		c.put("␡")
	default:
		c.put(string(rune(0x2400 + rune(b))))
	}
	return 1
}

// put writes something that can carry marks.
func (c *cleaner) put(s string) {
	c.write(s)
	c.base, c.marks = true, 0
}

func (c *cleaner) write(s string) {
	if s == "" {
		return
	}
	if c.cr {
		c.out, c.cr = c.out[:c.start], false
	}
	if c.nl > 0 {
		for ; c.nl > 0; c.nl-- {
			c.out = append(c.out, "⏎"...)
		}
		c.start = len(c.out)
	}
	c.out = append(c.out, s...)
}

func (c *cleaner) lineFeed() {
	c.base, c.marks = false, 0
	switch {
	case !c.line:
		c.out = append(c.out, '\n')
	case len(c.out) > 0:
		c.nl++
		c.cr = false
	}
}

// The results of sequence besides a length.
const (
	broken     = 0
	unfinished = -1
)

// Longest sequences that are recognised, in bytes; longer ones are text.
const (
	maxCSI    = 256
	maxString = 8 << 10
)

// sequence returns the length of the escape sequence at the start of s, broken
// or unfinished. Every scan ends at the next escape at the latest, so that a
// text full of openings costs no more than one pass.
func sequence(s string) int {
	if len(s) < 2 {
		return unfinished
	}
	switch k := s[1]; {
	case k == '[':
		return scanCSI(s)
	case k == ']' || k == 'P' || k == '_' || k == '^' || k == 'X':
		return scanString(s, k == ']')
	case k >= 0x20 && k <= 0x2f: // intermediates, then one final byte
		for i := 2; i < len(s); i++ {
			if b := s[i]; b >= 0x30 && b <= 0x7e {
				return i + 1
			} else if b < 0x20 || b > 0x2f || i >= 8 {
				return broken
			}
		}
		return unfinished
	case k >= 0x30 && k <= 0x7e:
		return 2
	}
	return broken
}

func scanCSI(s string) int {
	for i := 2; i < len(s); i++ {
		switch b := s[i]; {
		case i >= maxCSI, b < 0x20, b > 0x7e:
			return broken
		case b >= 0x40:
			return i + 1
		}
	}
	return unfinished
}

// scanString scans a control string, which ends at ST or, if bel, at BEL. One
// that would run over a line end is no control string here.
func scanString(s string, bel bool) int {
	for i := 2; i < len(s); i++ {
		switch b := s[i]; {
		case i >= maxString, b == '\n', b == '\r', b == 0x18, b == 0x1a:
			return broken
		case b == 0x07 && bel:
			return i + 1
		case b == 0x1b:
			if i+1 == len(s) {
				return unfinished
			}
			if s[i+1] == '\\' {
				return i + 2
			}
			return broken
		case b == 0x9c && s[i-1] == 0xc2: // ST as a C1 control in UTF-8
			return i + 1
		}
	}
	return unfinished
}
