package logstore

import (
	"encoding/base64"
	"encoding/binary"
	"hash/fnv"
	"io"
	"strings"
)

// A record is one line of the file:
//
//	11 hex digits      time, Unix milliseconds
//	11 base64 digits   hash of the event's id
//	 2 base36 digits   number of the log stream
//	 1 character       flagLate or flagOnTime
//	 1 space
//	text, without a line feed
const (
	timeDigits = 11
	hashDigits = 11
	hashAt     = timeDigits
	streamAt   = hashAt + hashDigits
	flagAt     = streamAt + 2
	textAt     = flagAt + 2

	flagOnTime = '.'
	flagLate   = 'L'

	maxTime    = 1<<44 - 1
	maxStreams = 36 * 36
)

const digits = "0123456789abcdefghijklmnopqrstuvwxyz"

// digit is the value of a character in base 36, 0 for any other character.
var digit = func() (t [256]uint8) {
	for i := range len(digits) {
		t[digits[i]] = uint8(i)
	}
	return t
}()

// key is what tells two events apart.
type key struct {
	time int64
	hash [hashDigits]byte
}

// keyOf is the key of an event. One without an id is known by what it says.
func keyOf(e *Entry) key {
	k := key{time: clamp(e.Time)}
	id := e.ID
	if id == "" {
		id = e.Stream + "\x00" + e.Text
	}
	h := fnv.New64a()
	_, _ = io.WriteString(h, id) // cannot fail
	var sum [8]byte
	binary.BigEndian.PutUint64(sum[:], h.Sum64())
	base64.RawURLEncoding.Encode(k.hash[:], sum[:])
	return k
}

func clamp(ms int64) int64 { return max(0, min(ms, maxTime)) }

// appendRecord writes a record.
func appendRecord(b []byte, k key, stream int, late bool, text string) []byte {
	for shift := 4 * (timeDigits - 1); shift >= 0; shift -= 4 {
		b = append(b, digits[k.time>>shift&15])
	}
	b = append(b, k.hash[:]...)
	flag := byte(flagOnTime)
	if late {
		flag = flagLate
	}
	b = append(b, digits[stream/36], digits[stream%36], flag, ' ')
	if strings.IndexByte(text, '\n') >= 0 {
		text = strings.ReplaceAll(text, "\n", "⏎")
	}
	b = append(b, text...)
	return append(b, '\n')
}

// timeOf reads the time of a record; 0 for one that is too short to be one.
func timeOf(rec []byte) int64 {
	if len(rec) < timeDigits {
		return 0
	}
	var t int64
	for _, c := range rec[:timeDigits] {
		t = t<<4 | int64(digit[c]&15)
	}
	return t
}

// textOf is the text of a record.
func textOf(rec []byte) []byte {
	if len(rec) < textAt {
		return nil
	}
	return rec[textAt:]
}

func recordKey(rec []byte) (k key) {
	k.time = timeOf(rec)
	if len(rec) >= streamAt {
		copy(k.hash[:], rec[hashAt:])
	}
	return k
}

// parse turns a record into a line.
func (s *Store) parse(arrival int, rec []byte) Line {
	ln := Line{Arrival: arrival, Time: timeOf(rec), Text: string(textOf(rec))}
	if len(rec) >= textAt {
		if i := int(digit[rec[streamAt]])*36 + int(digit[rec[streamAt+1]]); i < len(s.labels) {
			ln.Stream = s.labels[i]
		}
		ln.Late = rec[flagAt] == flagLate
	}
	return ln
}
