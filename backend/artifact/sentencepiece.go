package artifact

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// Sorts of pieces in tokenizer.model.
const (
	pieceNormal      = 1
	pieceUnknown     = 2
	pieceControl     = 3
	pieceUserDefined = 4
	pieceUnused      = 5
	pieceByte        = 6
)

// What SentencePiece calls a model of the sort BPE.
const modelBPE = 2

// maxPiece is the length in bytes of the longest piece that is taken for one.
const maxPiece = 512

// piece is an entry of tokenizer.model.
type piece struct {
	text  string
	score float32
	kind  uint64
}

// pieceModel is what is read of tokenizer.model, a protocol buffer
// (sentencepiece_model.proto).
type pieceModel struct {
	pieces       []piece
	kind         uint64 // 1 unigram, 2 BPE
	byteFallback bool
	suffix       bool // spaces stand behind words
	charsMap     int  // bytes of rules that replace characters
	dummyPrefix  bool
	extraSpaces  bool // runs of spaces are squeezed
	escapeSpaces bool
}

// ParseSentencePiece parses the bytes of a tokenizer.model. Models of the sort
// BPE with byte fallback and without normalisation, as Mistral's and Llama's
// are, encode as SentencePiece does: a space in front of the first text, control
// pieces never from text, user-defined pieces wherever their text stands.
func ParseSentencePiece(b []byte) (*Tokenizer, error) {
	m, err := readPieces(b)
	if err != nil {
		return nil, fmt.Errorf("%s is not valid: %w", SentencePieceFile, err)
	}
	refuse := func(why string) (*Tokenizer, error) {
		return nil, fmt.Errorf("%s %s; that is not supported, only BPE with byte_fallback and without normalisation as Mistral and Llama have it", SentencePieceFile, why)
	}
	switch {
	case m.kind != modelBPE:
		return refuse("is not a BPE model")
	case !m.byteFallback:
		return refuse("has no byte_fallback")
	case m.charsMap > 0:
		return refuse("replaces characters before it encodes")
	case m.extraSpaces || !m.escapeSpaces || m.suffix:
		return refuse("treats spaces in another way")
	}
	rule := &spaceRule{prepend: "never", fallback: true, unknown: -1, replace: true}
	if m.dummyPrefix {
		rule.prepend = "start"
	}
	t := &Tokenizer{spaces: rule}
	all := make(map[string]int32, len(m.pieces))
	var literal []addedToken
	for id, p := range m.pieces {
		if _, dup := all[p.text]; dup || p.text == "" {
			return nil, fmt.Errorf("%s: piece %d, %q, is empty or occurs twice", SentencePieceFile, id, p.text)
		}
		all[p.text] = int32(id)
		switch p.kind {
		case pieceUnknown:
			rule.unknown = int32(id)
			t.added = append(t.added, addedToken{int32(id), p.text, true})
		case pieceControl:
			t.added = append(t.added, addedToken{int32(id), p.text, true})
		case pieceUserDefined:
			if p.text[0] >= utf8.RuneSelf {
				return refuse("has a user-defined piece that begins with no ASCII character")
			}
			literal = append(literal, addedToken{int32(id), p.text, false})
		case pieceUnused:
			return refuse("has unused pieces")
		}
	}
	for b := range 256 {
		if _, ok := all[fmt.Sprintf("<0x%02X>", b)]; !ok {
			return refuse(fmt.Sprintf("has no piece for byte 0x%02x", b))
		}
	}
	t.literals = newLiterals(literal)
	if err := t.setVocab(all); err != nil {
		return nil, err
	}
	t.setPieceMerges(m.pieces)
	if err := t.index(); err != nil {
		return nil, err
	}
	return t, nil
}

// setPieceMerges makes every way to put two pieces together into a third a
// merge, the pieces with the best score first.
func (t *Tokenizer) setPieceMerges(pieces []piece) {
	var scores []float32
	normal := make(map[string]bool, len(pieces))
	for _, p := range pieces {
		if p.kind == pieceNormal {
			scores = append(scores, p.score)
			normal[p.text] = true
		}
	}
	slices.SortFunc(scores, func(a, b float32) int {
		switch {
		case a > b:
			return -1
		case a < b:
			return 1
		}
		return 0
	})
	rank := make(map[float32]int32, len(scores))
	for _, s := range scores {
		if _, ok := rank[s]; !ok {
			rank[s] = int32(len(rank)) // equal scores have equal ranks: the leftmost pair wins
		}
	}
	t.pairs = make(map[[2]int32]merge, len(scores))
	for id, p := range pieces {
		if p.kind != pieceNormal {
			continue
		}
		for at := range p.text {
			if a, b := p.text[:at], p.text[at:]; at > 0 && normal[a] && normal[b] {
				t.pairs[[2]int32{t.ids[a], t.ids[b]}] = merge{rank[p.score], int32(id)}
			}
		}
	}
}

// message calls f with every field of a protocol buffer: its number, its value
// when that is a number, its bytes when it has any.
func message(b []byte, f func(field int, n uint64, data []byte) error) error {
	errCut := errors.New("it ends in the middle of a field")
	for len(b) > 0 {
		key, n := binary.Uvarint(b)
		if n <= 0 {
			return errCut
		}
		b = b[n:]
		var v uint64
		var data []byte
		switch key & 7 {
		case 0:
			if v, n = binary.Uvarint(b); n <= 0 {
				return errCut
			}
			b = b[n:]
		case 1:
			if len(b) < 8 {
				return errCut
			}
			v, b = binary.LittleEndian.Uint64(b), b[8:]
		case 2:
			size, n := binary.Uvarint(b)
			if n <= 0 || size > uint64(len(b)-n) {
				return errCut
			}
			data, b = b[n:n+int(size)], b[n+int(size):]
		case 5:
			if len(b) < 4 {
				return errCut
			}
			v, b = uint64(binary.LittleEndian.Uint32(b)), b[4:]
		default:
			return fmt.Errorf("a field has the unknown wire type %d", key&7)
		}
		if err := f(int(key>>3), v, data); err != nil {
			return err
		}
	}
	return nil
}

func readPieces(b []byte) (*pieceModel, error) {
	m := &pieceModel{kind: 1, dummyPrefix: true, extraSpaces: true, escapeSpaces: true} // the defaults of the format
	err := message(b, func(field int, _ uint64, data []byte) error {
		switch field {
		case 1: // pieces
			p := piece{kind: pieceNormal}
			err := message(data, func(field int, n uint64, data []byte) error {
				switch field {
				case 1:
					p.text = string(data)
				case 2:
					p.score = math.Float32frombits(uint32(n))
				case 3:
					p.kind = n
				}
				return nil
			})
			if len(m.pieces) >= maxVocab {
				return fmt.Errorf("it has more than %d pieces", maxVocab)
			}
			if len(p.text) > maxPiece || strings.ContainsRune(p.text, 0) || p.score != p.score {
				return fmt.Errorf("piece %d is malformed", len(m.pieces))
			}
			m.pieces = append(m.pieces, p)
			return err
		case 2: // trainer_spec
			return message(data, func(field int, n uint64, _ []byte) error {
				switch field {
				case 3:
					m.kind = n
				case 24:
					m.suffix = n != 0
				case 35:
					m.byteFallback = n != 0
				}
				return nil
			})
		case 3: // normalizer_spec
			return message(data, func(field int, n uint64, data []byte) error {
				switch field {
				case 2:
					m.charsMap = len(data)
				case 3:
					m.dummyPrefix = n != 0
				case 4:
					m.extraSpaces = n != 0
				case 5:
					m.escapeSpaces = n != 0
				}
				return nil
			})
		}
		return nil
	})
	if err == nil && len(m.pieces) == 0 {
		err = errors.New("it has no pieces")
	}
	return m, err
}
