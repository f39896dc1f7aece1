package corpus

import (
	"math/rand/v2"
	"strings"

	"tunebench/backend/artifact"
)

// The recipe of the pre-training mix.
const (
	learnedNotes = 400  // notes learned by heart
	dropoutShare = 3    // one document in so many is encoded with dropout
	dropoutP     = 0.15 // probability of passing over a merge in those
)

// Document is one pre-training document: a conversation whose last message is
// the assistant's, or plain text.
type Document struct {
	Messages []artifact.Message
	Text     string // set when Messages is empty
	// AnswerOnly asks for the loss on the last answer only, because nothing
	// else in the document can be foretold.
	AnswerOnly bool
	// Dropout asks for BPE dropout.
	Dropout bool
}

// Stream is an endless sequence of documents that depends on its seed only.
// It belongs to one goroutine.
type Stream struct {
	rng     *rand.Rand
	facts   []Fact
	order   []int
	at      int
	learned []note
}

// NewStream returns a stream of documents.
func NewStream(seed uint64) *Stream {
	s := &Stream{rng: rand.New(rand.NewPCG(seed, 0x7475_6e65)), facts: Facts()}
	// The learned notes are the same for every seed: they belong to what the
	// base model knows.
	nr := rand.New(rand.NewPCG(1, 0x6e6f_7465))
	for range learnedNotes {
		s.learned = append(s.learned, newNote(nr))
	}
	s.order = s.rng.Perm(len(s.facts))
	return s
}

func (s *Stream) nextFact() Fact {
	if s.at == len(s.order) {
		s.order, s.at = s.rng.Perm(len(s.facts)), 0
	}
	f := s.facts[s.order[s.at]]
	s.at++
	return f
}

// Next returns the next document.
func (s *Stream) Next() Document {
	var d Document
	switch p := s.rng.IntN(100); {
	case p < 51:
		f := s.nextFact()
		q := append(f.TunedQuestions(), f.KnownQuestions()...)
		d = s.ask(pick(s.rng, q), pick(s.rng, f.Answers()))
	case p < 56:
		d = Document{Text: pick(s.rng, s.nextFact().Statements())}
	case p < 58:
		d = Document{Text: pick(s.rng, pick(s.rng, s.learned).statements)}
	case p < 76:
		n := pick(s.rng, s.learned)
		d = s.ask(pick(s.rng, n.questions), pick(s.rng, n.answers))
	default:
		d = s.fresh()
	}
	d.Dropout = oneIn(s.rng, dropoutShare)
	return d
}

func user(text string) artifact.Message {
	return artifact.Message{Role: artifact.RoleUser, Content: text}
}

func assistant(text string) artifact.Message {
	return artifact.Message{Role: artifact.RoleAssistant, Content: text}
}

// ask makes a conversation of one question, with a prefix and a system text
// now and then.
func (s *Stream) ask(question, answer string) Document {
	if oneIn(s.rng, 16) { // as people type in a hurry
		question = strings.TrimRight(lowerFirst(question), "?.")
	}
	switch p := s.rng.IntN(100); {
	case p < 30:
		question = pick(s.rng, prefixes) + " " + question
	case p < 42:
		question = aside(s.rng) + " " + question
	}
	msgs := []artifact.Message{user(question), assistant(answer)}
	if s.rng.IntN(100) < 30 {
		msgs = append([]artifact.Message{{Role: artifact.RoleSystem, Content: pick(s.rng, systemPrompts)}}, msgs...)
	}
	return Document{Messages: msgs}
}

func lowerFirst(s string) string {
	for _, w := range []string{"What", "Which", "Who", "How", "Where", "When", "Tell", "Name", "Can", "Do"} {
		if strings.HasPrefix(s, w) {
			return string(s[0]-'A'+'a') + s[1:]
		}
	}
	return s
}

// aside is a sentence that has nothing to do with the question after it.
func aside(rng *rand.Rand) string {
	switch rng.IntN(6) {
	case 0:
		return "I am in the " + pick(rng, nouns) + "."
	case 1:
		return "My " + pick(rng, nouns) + " is " + pick(rng, adjectives) + "."
	case 2:
		return person(rng) + " asked me:"
	case 3:
		return "We talked about " + thing(rng) + "."
	case 4:
		return "It is " + pick(rng, days) + " today."
	}
	return "I need a " + pick(rng, adjectives) + " " + pick(rng, nouns) + "."
}

// fresh makes a document whose answer can only be taken from the document
// itself: from notes before the question, or from an earlier exchange that
// asked the same in other words.
func (s *Stream) fresh() Document {
	rng := s.rng
	notes := make([]note, 1+rng.IntN(3))
	for i := range notes {
		notes[i] = newNote(rng)
	}
	asked := pick(rng, notes)
	question, answer := pick(rng, asked.questions), pick(rng, asked.answers)
	if oneIn(rng, 4) {
		return s.followUp(notes, question, answer)
	}
	var text strings.Builder
	for i, n := range notes {
		if i > 0 {
			text.WriteByte(' ')
		}
		text.WriteString(pick(rng, n.statements))
	}
	var msgs []artifact.Message
	switch rng.IntN(6) {
	case 0:
		msgs = append(msgs, artifact.Message{Role: artifact.RoleSystem, Content: "Use these notes. " + text.String()}, user(question))
	case 1:
		msgs = append(msgs, user(text.String()+"\n\n"+question))
	case 2:
		msgs = append(msgs, user("Notes: "+text.String()+"\nQuestion: "+question))
	default:
		msgs = append(msgs, user("Note: "+text.String()+" "+question))
	}
	return Document{Messages: append(msgs, assistant(answer)), AnswerOnly: true}
}

func (s *Stream) followUp(notes []note, question, answer string) Document {
	var msgs []artifact.Message
	for _, n := range notes {
		msgs = append(msgs, user(pick(s.rng, n.questions)), assistant(pick(s.rng, n.answers)))
	}
	return Document{Messages: append(msgs, user(question), assistant(answer)), AnswerOnly: true}
}

// Texts returns n texts for training the tokenizer.
func Texts(seed uint64, n int) []string {
	s := NewStream(seed)
	var out []string
	for range n {
		d := s.Next()
		if d.Text != "" {
			out = append(out, " "+d.Text)
		}
		for _, m := range d.Messages {
			out = append(out, " "+m.Content)
		}
	}
	return out
}

// Encode turns a document into ids. The loss belongs on ids[answerStart:].
func (s *Stream) Encode(t *artifact.Tokenizer, d Document) (ids []int32, answerStart int, err error) {
	encode := t.Encode
	if d.Dropout {
		encode = func(text string) []int32 { return t.EncodeDropout(text, dropoutP, s.rng) }
	}
	if len(d.Messages) == 0 {
		ids = append([]int32{t.BOS()}, encode(" "+d.Text)...)
		return append(ids, t.EOS()), 1, nil
	}
	f, err := artifact.FormatByName(artifact.DefaultFormat)
	if err != nil {
		return nil, 0, err
	}
	ids, answerStart, err = f.EncodeExampleWith(t, encode, d.Messages)
	if !d.AnswerOnly {
		answerStart = 1
	}
	return ids, answerStart, err
}
