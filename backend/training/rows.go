package training

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"tunebench/backend/artifact"
	"tunebench/backend/dataset"
	"tunebench/backend/safetext"
)

const (
	// charsPerToken is a planning value for English text.
	charsPerToken = 3.6
	// encodedRows is how many rows are encoded before only every second is, and so
	// on: plans are made while somebody types.
	encodedRows = 5000
	// keptCounts bounds the counts that are kept.
	keptCounts = 16
)

// counted is what one pass over a split found.
type counted struct {
	usable, unusable int64
	firstErr         string
	// tokens are those of the rendered rows, longest those of the longest one; cut
	// rows lose their end, left rows are left out because their answer begins
	// beyond the sequence length.
	tokens    float64
	longest   int
	cut, left int64
	// by is the tokenizer that counted, "" for none; all says that it counted every
	// row.
	by  string
	all bool
}

// rowsKey is what a count depends on.
type rowsKey struct {
	path, format string
	most         int
	size         int64
	changed      time.Time
}

// counts keeps what was counted, so that a plan is made again at once.
type counts struct {
	mu   sync.Mutex
	kept map[rowsKey]counted
	once sync.Once
	t    *artifact.Tokenizer
	err  error
}

// tokenizer is the one that plans count with; nil when there is none.
func (s *Service) tokenizer() (*artifact.Tokenizer, error) {
	s.counts.once.Do(func() {
		if s.c.Tokenizer != nil {
			s.counts.t, s.counts.err = s.c.Tokenizer()
		}
	})
	return s.counts.t, s.counts.err
}

// count counts a split's rows, as they will be rendered, against a sequence
// length.
func (s *Service) count(ctx context.Context, path, format string, most int) (counted, error) {
	key := rowsKey{path: path, format: format, most: most}
	if st, err := os.Stat(path); err == nil {
		key.size, key.changed = st.Size(), st.ModTime()
	}
	s.counts.mu.Lock()
	c, ok := s.counts.kept[key]
	s.counts.mu.Unlock()
	if ok {
		return c, nil
	}
	t, _ := s.tokenizer() // rowWarnings says what is wrong with it
	c, err := countRows(ctx, path, format, most, t)
	if err != nil {
		return c, err
	}
	if t != nil {
		c.by = s.c.TokenizerName
	}
	s.counts.mu.Lock()
	defer s.counts.mu.Unlock()
	if s.counts.kept == nil || len(s.counts.kept) >= keptCounts {
		s.counts.kept = map[rowsKey]counted{}
	}
	s.counts.kept[key] = c
	return c, nil
}

// countRows reads a split. With a tokenizer rows are encoded: all of a small
// split, evenly spread ones of a large one, each of which stands for those
// between.
func countRows(ctx context.Context, path, format string, most int, t *artifact.Tokenizer) (counted, error) {
	var c counted
	f, err := artifact.FormatByName(format)
	if err != nil {
		return c, err
	}
	d, err := dataset.Open(ctx, path, dataset.OpenOptions{})
	if err != nil {
		return c, err
	}
	defer d.Close()
	if err := d.Usable(); err != nil {
		return c, err
	}
	var encoded, stride int64 = 0, 1
	err = d.Examples(ctx, 0, func(e dataset.Example) error {
		if e.Err != "" || strings.TrimSpace(e.Question) == "" || strings.TrimSpace(e.Answer) == "" {
			c.unusable++
			if c.firstErr == "" {
				c.firstErr = safetext.Line(e.Err)
			}
			return nil
		}
		c.usable++
		n, start, weight := 0, 0, int64(1)
		switch {
		case t == nil:
			n = int(float64(len(e.System)+len(e.Question)+len(e.Answer)) / charsPerToken)
		case e.Index%stride != 0:
			return nil
		default:
			if n, start, err = encodedLength(f, t, e); err != nil {
				return fmt.Errorf("row %d cannot be rendered as %s: %w", e.Index+1, f.Name, err)
			}
			weight = stride
			if encoded++; encoded%encodedRows == 0 {
				stride *= 2
			}
		}
		c.tokens += float64(weight) * float64(n)
		c.longest = max(c.longest, n)
		switch {
		case start >= most:
			c.left += weight
		case n > most:
			c.cut += weight
		}
		return nil
	})
	c.all = t != nil && stride == 1
	// Rows that stand for others may stand for a few too many.
	c.left = min(c.left, c.usable)
	c.cut = min(c.cut, c.usable-c.left)
	return c, err
}

// encodedLength is how many tokens a row has, and where its answer begins.
func encodedLength(f artifact.PromptFormat, t *artifact.Tokenizer, e dataset.Example) (n, start int, err error) {
	var msgs []artifact.Message
	if e.System != "" {
		msgs = append(msgs, artifact.Message{Role: artifact.RoleSystem, Content: e.System})
	}
	msgs = append(msgs, artifact.Message{Role: artifact.RoleUser, Content: e.Question}, artifact.Message{Role: artifact.RoleAssistant, Content: e.Answer})
	ids, start, err := f.EncodeExample(t, msgs)
	return len(ids), start, err
}

// counter says by what tokens were counted.
func (c counted) counter() string {
	switch {
	case c.by == "":
		return fmt.Sprintf("%.1f characters a token, an estimate", charsPerToken)
	case !c.all:
		return c.by + "'s tokenizer, in evenly spread rows"
	}
	return c.by + "'s tokenizer"
}

// rowWarnings say what speaks against the rows.
func (s *Service) rowWarnings(rows counted, settings Settings) []string {
	var w []string
	add := func(format string, args ...any) { w = append(w, fmt.Sprintf(format, args...)) }
	if _, err := s.tokenizer(); err != nil {
		add("tokens are estimated: %v", err)
	}
	if rows.unusable > 0 {
		first := ""
		if rows.firstErr != "" {
			first = ", the first because " + rows.firstErr
		}
		add("%d rows cannot be used and are left out%s", rows.unusable, first)
	}
	if rows.usable < fewRows {
		add("only %d rows to learn from", rows.usable)
	}
	about := "about "
	if rows.all {
		about = ""
	}
	share := func(n int64) string {
		return fmt.Sprintf("%s%.1f %% of the rows (%d of %d)", about, 100*float64(n)/float64(rows.usable), n, rows.usable)
	}
	if rows.cut > 0 {
		add("max_sequence_length %d cuts off the end of %s; the longest has %s%d tokens", settings.MaxSequenceLength, share(rows.cut), about, rows.longest)
	}
	if rows.left > 0 {
		add("%s %s left out: the question alone fills max_sequence_length %d", share(rows.left), map[bool]string{true: "is", false: "are"}[rows.left == 1], settings.MaxSequenceLength)
	}
	return w
}

// formatWarnings say where the form in which the model is taught is not the one
// in which it, or what it is compared with, will be asked.
func formatWarnings(base string, manifest *dataset.Manifest, settings Settings) []string {
	var w []string
	format := cmp.Or(settings.PromptFormat, artifact.DefaultFormat)
	if manifest != nil && manifest.PromptFormat != "" && manifest.PromptFormat != format {
		w = append(w, fmt.Sprintf("the dataset was prepared for the prompt format %s, and this job teaches %s: its other splits were measured and cut for the first; prepare it again, or leave prompt_format to it", manifest.PromptFormat, format))
	}
	if own := ownFormat(base); own != "" && own != format {
		w = append(w, fmt.Sprintf("%s answers in the prompt format %s, and this job teaches %s: an evaluation asks each in its own, so scores of the two differ by the form too", base, own, format))
	}
	return w
}

// ownFormat is the prompt format that a base model answers in already; "" for
// one that was never taught to answer, or is not known.
func ownFormat(base string) string {
	if base == SmallBase || strings.Contains(strings.ToLower(base), "instruct") {
		return artifact.DefaultFormat
	}
	return ""
}
