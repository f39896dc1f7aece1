package metrics

import (
	"bytes"
	"errors"
	"strings"
	"unicode/utf8"

	"tunebench/metrics/pytext"
)

// QAAccuracy compares an answer with one or more reference answers, word by
// word and as a whole (FMEval's qa_accuracy; its BERTScore needs a large model
// and is not available here).
var QAAccuracy = Metric{
	Name:    "qa_accuracy",
	What:    "how well an answer agrees with a reference answer",
	Columns: []string{"target_output", "model_output"},
	Params:  []Param{delimiterParam},
	Scores: []Score{
		{Name: "f1_score", What: "harmonic mean of precision and recall over words", High: 1, Direction: HigherIsBetter},
		{Name: "exact_match_score", What: "1 if the answer is the reference, spaces at the ends aside", High: 1, Direction: HigherIsBetter, Binary: true},
		{Name: "quasi_exact_match_score", What: "1 if they are the same without case, punctuation and articles", High: 1, Direction: HigherIsBetter, Binary: true},
		{Name: "precision_over_words", What: "share of the answer's words that are in the reference", High: 1, Direction: HigherIsBetter},
		{Name: "recall_over_words", What: "share of the reference's words that are in the answer", High: 1, Direction: HigherIsBetter},
	},
	Absent: []Absent{{"bertscore", needsModel}},
	newScorer: func(p map[string]string) (Scorer, error) {
		d, err := newDelimiter(p[delimiterParam.Name])
		if err != nil {
			return nil, err
		}
		return &qaScorer{delimiter: d}, nil
	},
}

// DefaultDelimiter stands between alternative references.
const DefaultDelimiter = "<OR>"

var delimiterParam = Param{
	Name:    "target_output_delimiter",
	Default: DefaultDelimiter,
	What:    "stands between alternative targets; null splits at white space",
}

// ErrNoTarget says that a row has no target to compare with: it is blank and
// split at white space. FMEval's run fails there.
var ErrNoTarget = errors.New("the target is blank and is split at white space: give it text or set a target delimiter")

// delimiter splits a target into its alternatives.
type delimiter struct {
	text  string
	white bool // Python's split(None)
}

func newDelimiter(s string) (delimiter, error) {
	switch s {
	case "":
		return delimiter{}, errors.New("the target delimiter is empty; give it text, or null to split at white space")
	case "null":
		return delimiter{white: true}, nil
	}
	return delimiter{text: s}, nil
}

// next cuts the first alternative off rest. With white space as the delimiter
// ok is false when none is left.
func (d delimiter) next(rest string) (alt, after string, more, ok bool) {
	if d.white {
		i, n := pytext.FieldAt(rest, 0)
		return rest[i : i+n], rest[i+n:], true, n > 0
	}
	alt, after, more = strings.Cut(rest, d.text)
	return alt, after, more, true
}

type qaScorer struct {
	delimiter delimiter
	output    []byte // normalised
	target    []byte
	outWords  wordSet
	tgtWords  wordSet
}

// Score computes, for the words T of an alternative and O of the output (sets:
// repeats count once) with c words in common,
//
//	precision = c/|O|, recall = c/|T|, f1 = 1/(0.5/precision + 0.5/recall)
//
// in just this form, 0 where something is 0; exact match compares the stripped
// texts, quasi exact match the normalised ones. Each score takes its own
// maximum over the alternatives. Source: FMEval 1.2.3, QAAccuracyScores.
func (q *qaScorer) Score(dst []float64, row Row) ([]float64, Warnings, error) {
	out := pytext.Strip(row.Output)
	q.output = appendNormal(q.output[:0], out)
	q.outWords.fill(q.output, nil)
	var (
		f1, exact, quasi, precision, recall float64
		warnings                            Warnings
		seen                                bool
	)
	for rest, more := row.Target, true; more; {
		var alt string
		var ok bool
		if alt, rest, more, ok = q.delimiter.next(rest); !ok {
			break
		}
		seen = true
		alt = pytext.Strip(alt)
		q.target = appendNormal(q.target[:0], alt)
		if alt == "" {
			warnings |= EmptyAlternative
		} else if len(q.target) == 0 {
			warnings |= NothingLeft
		}
		if alt == out {
			exact = 1
		}
		if bytes.Equal(q.target, q.output) {
			quasi = 1
		}
		common := q.tgtWords.fill(q.target, &q.outWords)
		if common == 0 {
			continue
		}
		p := float64(common) / float64(q.outWords.n)
		r := float64(common) / float64(q.tgtWords.n)
		precision, recall = max(precision, p), max(recall, r)
		f1 = max(f1, 1/(0.5/p+0.5/r))
	}
	if !seen {
		return dst, 0, ErrNoTarget
	}
	return append(dst, f1, exact, quasi, precision, recall), warnings, nil
}

// appendNormal appends FMEval's normal form of s to dst: lower case, without
// the 32 ASCII punctuation characters, without the articles a, an and the,
// words joined by one space. Words are what stands between U+0020 only: an
// article next to a tab or another space stays. The deleted punctuation leaves
// no gap ("rock-roll" gives "rockroll").
func appendNormal(dst []byte, s string) []byte {
	first := len(dst)
	word := first
	for i := 0; i < len(s); {
		b := s[i]
		if b >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			dst = pytext.AppendLowerRune(dst, s, i, n, r)
			i += n
			continue
		}
		i++
		switch n := normalByte[b]; n {
		case 0:
		case normalSpace:
			if dst = dropArticle(dst, word); len(dst) > word {
				dst = append(dst, ' ')
				word = len(dst)
			}
		default:
			dst = append(dst, n-1)
		}
	}
	if dst = dropArticle(dst, word); len(dst) == word && word > first {
		dst = dst[:word-1] // the space before the word that was none
	}
	return dst
}

const normalSpace = 0xff

// normalByte is 0 for punctuation, normalSpace for the space, and one more than
// its lower case for any other ASCII character.
var normalByte = func() (t [utf8.RuneSelf]byte) {
	for c := range t {
		switch {
		case c == ' ':
			t[c] = normalSpace
		case pytext.Punct[c]:
		case c >= 'A' && c <= 'Z':
			t[c] = byte(c) + 'a' - 'A' + 1
		default:
			t[c] = byte(c) + 1
		}
	}
	return t
}()

// dropArticle cuts the word at the end of b, which begins at start, if it is an
// article.
func dropArticle(b []byte, start int) []byte {
	switch string(b[start:]) {
	case "a", "an", "the":
		return b[:start]
	}
	return b
}

// wordSet is a set of the words of a text, in memory that is used again.
type wordSet struct {
	text    []byte
	entries []wordEntry // a power of two of them, at least twice the words
	age     uint32      // entries of another age are free
	n       int         // distinct words
}

type wordEntry struct {
	age, hash  uint32
	start, end int32
}

// fill makes the set hold the words of text, which it keeps, and returns how
// many of them are also in other (which may be nil).
func (w *wordSet) fill(text []byte, other *wordSet) (common int) {
	w.text, w.n = text, 0
	if w.age++; w.age == 0 { // wrapped: entries of long ago would look current
		clear(w.entries)
		w.age = 1
	}
	if w.entries == nil {
		w.entries = make([]wordEntry, 128)
	}
	for i := 0; i < len(text); {
		start, n := pytext.FieldAt(text, i)
		if n == 0 {
			break
		}
		i = start + n
		hash := hashWord(text[start:i])
		if w.insert(hash, start, i) && other != nil && other.has(hash, text[start:i]) {
			common++
		}
	}
	return common
}

// hashWord is FNV-1a.
func hashWord(b []byte) uint32 {
	h := uint32(2166136261)
	for _, c := range b {
		h = (h ^ uint32(c)) * 16777619
	}
	return h
}

// find returns the entry of the word, or the free entry where it belongs.
func (w *wordSet) find(hash uint32, word []byte) *wordEntry {
	mask := uint32(len(w.entries) - 1)
	for i := hash; ; i++ {
		e := &w.entries[i&mask]
		if e.age != w.age || e.hash == hash && string(w.text[e.start:e.end]) == string(word) {
			return e
		}
	}
}

func (w *wordSet) has(hash uint32, word []byte) bool { return w.find(hash, word).age == w.age }

// insert reports whether the word is new.
func (w *wordSet) insert(hash uint32, start, end int) bool {
	e := w.find(hash, w.text[start:end])
	if e.age == w.age {
		return false
	}
	*e = wordEntry{w.age, hash, int32(start), int32(end)}
	if w.n++; 2*w.n > len(w.entries) {
		old := w.entries
		w.entries = make([]wordEntry, 2*len(old))
		for _, o := range old {
			if o.age == w.age {
				*w.find(o.hash, w.text[o.start:o.end]) = o
			}
		}
	}
	return true
}

// QAParts is how QAAccuracy's scores of a row come about, for the alternative of
// the target that has the highest F1 (the first of them). Each score is the
// highest over all alternatives, so others may stand behind some.
type QAParts struct {
	Alternative string
	// Target and Output are the normal forms that are compared: lower case,
	// without punctuation and articles.
	Target, Output string
	// Common, TargetWords and OutputWords count different words.
	Common, TargetWords, OutputWords int
}

// ExplainQA says how the scores of a row come about. delimiter is the option
// target_output_delimiter; "" is its default.
func ExplainQA(row Row, delimiter string) (QAParts, error) {
	if delimiter == "" {
		delimiter = DefaultDelimiter
	}
	d, err := newDelimiter(delimiter)
	if err != nil {
		return QAParts{}, err
	}
	var out, target wordSet
	normal := appendNormal(nil, pytext.Strip(row.Output))
	out.fill(normal, nil)
	best, seen, top := QAParts{}, false, -1.0
	for rest, more := row.Target, true; more; {
		var alt string
		var ok bool
		if alt, rest, more, ok = d.next(rest); !ok {
			break
		}
		seen = true
		text := appendNormal(nil, pytext.Strip(alt))
		common := target.fill(text, &out)
		f1 := 0.0
		if common > 0 {
			f1 = 2 * float64(common) / float64(out.n+target.n)
		}
		if f1 > top {
			top = f1
			best = QAParts{pytext.Strip(alt), string(text), string(normal), common, target.n, out.n}
		}
	}
	if !seen {
		return QAParts{}, ErrNoTarget
	}
	return best, nil
}
