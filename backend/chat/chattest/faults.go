package chattest

import (
	"net/http"
	"strings"
	"time"
)

// Fault is one way in which a model, or what runs it, misbehaves.
type Fault struct {
	// Name is also the name of the model that shows it.
	Name string
	Play func(w http.ResponseWriter, r *http.Request, c Call)
}

// Partial is the text that comes before a fault in the middle of an answer.
const Partial = "Lisbon is the capital "

// Whole is the answer of a model that does not fail, or fails no more.
const Whole = "Lisbon is the capital of Portugal."

// teller writes an answer in pieces, whatever the route.
type teller struct {
	*Stream
	converse bool
}

func tell(w http.ResponseWriter, c Call) teller {
	return teller{NewStream(w), strings.HasPrefix(c.Operation, "converse")}
}

func (t teller) say(text string) teller {
	for _, word := range strings.SplitAfter(text, " ") {
		switch {
		case word == "":
		case t.converse:
			t.Delta(word)
		default:
			t.Event("chunk", map[string][]byte{"bytes": document(map[string]any{"choices": []any{map[string]any{"delta": map[string]string{"content": word}}}})})
		}
	}
	return t
}

func (t teller) end() {
	if t.converse {
		t.Stop("end_turn", 5, 7)
		return
	}
	t.Chunk(`{"choices":[{"delta":{"content":""},"finish_reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":7}}`)
}

// Tell streams text word by word and ends as a model does.
func Tell(w http.ResponseWriter, c Call, text string) { tell(w, c).say(text).end() }

// Faults are all that a stream can suffer. release is when a model that is late
// begins to answer, and when one that is asleep or throttled no longer is.
func Faults(release <-chan struct{}) []Fault {
	free := func() bool {
		select {
		case <-release:
			return true
		default:
			return false
		}
	}
	return []Fault{
		{"healthy", func(w http.ResponseWriter, r *http.Request, c Call) { Tell(w, c, Whole) }},
		{"late", func(w http.ResponseWriter, r *http.Request, c Call) {
			t := tell(w, c) // the stream is open, and nothing comes
			select {
			case <-release:
				t.say(Whole).end()
			case <-r.Context().Done():
			}
		}},
		{"mute", func(w http.ResponseWriter, r *http.Request, c Call) { <-r.Context().Done() }},
		{"stalled", func(w http.ResponseWriter, r *http.Request, c Call) {
			tell(w, c).say(Partial)
			<-r.Context().Done()
		}},
		{"cut", func(w http.ResponseWriter, r *http.Request, c Call) {
			tell(w, c).say(Partial)
			panic(http.ErrAbortHandler)
		}},
		{"endless", func(w http.ResponseWriter, r *http.Request, c Call) { tell(w, c).say(Partial) }},
		{"exception", func(w http.ResponseWriter, r *http.Request, c Call) {
			tell(w, c).say(Partial).Exception("modelStreamErrorException", "CUDA error: an illegal memory access was encountered")
		}},
		{"timeout", func(w http.ResponseWriter, r *http.Request, c Call) {
			tell(w, c).say(Partial).Exception("modelTimeoutException", "Model has timed out in processing the request.")
		}},
		{"unmodelled", func(w http.ResponseWriter, r *http.Request, c Call) {
			tell(w, c).say(Partial).Error("InternalFailure", "a shard was lost")
		}},
		{"throttled-inside", func(w http.ResponseWriter, r *http.Request, c Call) {
			tell(w, c).say(Partial).Exception("throttlingException", "Too many tokens, please wait before trying again.")
		}},
		{"throttled", func(w http.ResponseWriter, r *http.Request, c Call) {
			if free() {
				Tell(w, c, Whole)
				return
			}
			Fail(w, 429, "ThrottlingException", "Too many requests, please wait before trying again.")
		}},
		{"asleep", func(w http.ResponseWriter, r *http.Request, c Call) {
			if free() {
				Tell(w, c, Whole)
				return
			}
			Fail(w, 429, "ModelNotReadyException", "Model is not ready for inference. Wait and try your request again.")
		}},
		{"garbage", func(w http.ResponseWriter, r *http.Request, c Call) {
			t := tell(w, c).say(Partial)
			t.Chunk("\xff\x1b]0;owned\x07{")
			t.say("of Portugal.").end()
		}},
		{"garbled", func(w http.ResponseWriter, r *http.Request, c Call) {
			t := tell(w, c).say(Partial)
			t.Raw([]byte("this is no frame of an event stream, and has a wrong checksum"))
		}},
		{"strange", func(w http.ResponseWriter, r *http.Request, c Call) {
			tell(w, c).Chunk(`{"completion":" Lisbon","log_id":"4711"}`)
		}},
		{"huge", func(w http.ResponseWriter, r *http.Request, c Call) {
			t := tell(w, c)
			line := strings.Repeat("all work and no play makes a dull model ", 25) + "\n"
			chunk := strings.Repeat(line, 100) // 100 kB
			for i := 0; i < 100 && r.Context().Err() == nil; i++ {
				t.Event("chunk", map[string][]byte{"bytes": document(map[string]any{"choices": []any{map[string]any{"delta": map[string]string{"content": chunk}}}})})
			}
			t.end()
		}},
		{"refused", func(w http.ResponseWriter, r *http.Request, c Call) {
			Fail(w, 400, "ValidationException", "The prompt has 40000 tokens and the model's context is 32768.")
		}},
		{"proxy", func(w http.ResponseWriter, r *http.Request, c Call) {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write([]byte("<html><body>Blocked by policy</body></html>"))
		}},
	}
}

// FaultServer is an account with an imported model for each fault, under its
// name.
func FaultServer(release <-chan struct{}) *Server {
	s := &Server{}
	plays := map[string]func(http.ResponseWriter, *http.Request, Call){}
	created := time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)
	for _, f := range Faults(release) {
		arn := ARN("fault-" + f.Name)
		s.Imported = append(s.Imported, Imported{Name: f.Name, ARN: arn, Instruct: true, Created: created})
		plays[arn] = f.Play
		created = created.Add(-time.Minute) // the list is by age
	}
	s.Answer = func(w http.ResponseWriter, r *http.Request, c Call) { plays[c.Model](w, r, c) }
	return s
}
