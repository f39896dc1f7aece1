// Package chattest is a small Bedrock for tests: it answers as the test says,
// in any shape, at any pace and with any fault. It is no model and no account;
// those are the local account's.
package chattest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
	"github.com/aws/aws-sdk-go-v2/service/bedrock"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime"
)

// ARN makes an imported model's ARN from the last part of it.
func ARN(id string) string {
	return "arn:aws:bedrock:us-east-1:000000000000:imported-model/" + id
}

// Imported is a model in the server's list.
type Imported struct {
	Name, ARN string
	Instruct  bool
	Created   time.Time
}

// Call is one request to a model.
type Call struct {
	// Model is the model's ID, Operation the end of the path: "invoke",
	// "invoke-with-response-stream", "converse" or "converse-stream".
	Model, Operation string
	Body             []byte
	// Number counts the calls of the server from 1, Nth those of the model.
	Number, Nth int
	// Prompt is the prompt or the last message's text.
	Prompt string
}

// Server is the account. Answer writes the answer to each call; it may be called
// from several goroutines.
type Server struct {
	Imported   []Imported
	Foundation []string
	Profiles   []string
	Answer     func(w http.ResponseWriter, r *http.Request, c Call)
	// Forget keeps no list of calls.
	Forget bool

	mu      sync.Mutex
	count   int
	byModel map[string]int
	calls   []Call
}

// Calls returns the calls so far.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Call(nil), s.calls...)
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(strings.Trim(r.URL.EscapedPath(), "/"), "/")
	switch {
	case parts[0] == "model" && len(parts) == 3:
		body, err := io.ReadAll(r.Body)
		id, err2 := url.PathUnescape(parts[1])
		if err != nil || err2 != nil {
			Fail(w, 400, "ValidationException", "bad request")
			return
		}
		s.mu.Lock()
		s.count++
		if s.byModel == nil {
			s.byModel = map[string]int{}
		}
		s.byModel[id]++
		c := Call{Model: id, Operation: parts[2], Body: body, Number: s.count, Nth: s.byModel[id], Prompt: prompt(body)}
		if !s.Forget {
			s.calls = append(s.calls, c)
		}
		s.mu.Unlock()
		s.Answer(w, r, c)
	case parts[0] == "imported-models":
		list := []any{}
		for _, m := range s.Imported {
			list = append(list, map[string]any{"modelArn": m.ARN, "modelName": m.Name, "instructSupported": m.Instruct,
				"modelArchitecture": "mistral", "creationTime": m.Created.UTC().Format(time.RFC3339)})
		}
		JSON(w, map[string]any{"modelSummaries": list})
	case parts[0] == "foundation-models":
		list := []any{}
		for _, id := range s.Foundation {
			list = append(list, map[string]any{"modelArn": "arn:aws:bedrock:us-east-1::foundation-model/" + id, "modelId": id, "modelName": "Model " + id,
				"providerName": "Provider", "outputModalities": []string{"TEXT"}, "inferenceTypesSupported": []string{"ON_DEMAND"}})
		}
		JSON(w, map[string]any{"modelSummaries": list})
	case parts[0] == "inference-profiles" && s.Profiles != nil:
		list := []any{}
		for _, id := range s.Profiles {
			list = append(list, map[string]any{"inferenceProfileArn": "arn:aws:bedrock:us-east-1:000000000000:inference-profile/" + id,
				"inferenceProfileId": id, "inferenceProfileName": "Profile " + id, "status": "ACTIVE", "type": "SYSTEM_DEFINED", "models": []any{}})
		}
		JSON(w, map[string]any{"inferenceProfileSummaries": list})
	default:
		Fail(w, 403, "AccessDeniedException", "not allowed here")
	}
}

// prompt finds the question in a body of any route.
func prompt(body []byte) string {
	var b struct {
		Prompt   string `json:"prompt"`
		Messages []struct {
			Content json.RawMessage `json:"content"`
		} `json:"messages"`
	}
	if json.Unmarshal(body, &b) != nil {
		return ""
	}
	if len(b.Messages) == 0 {
		return b.Prompt
	}
	last := b.Messages[len(b.Messages)-1].Content
	var text string
	if json.Unmarshal(last, &text) == nil {
		return text
	}
	var blocks []struct {
		Text string `json:"text"`
	}
	if json.Unmarshal(last, &blocks) == nil && len(blocks) > 0 {
		return blocks[0].Text
	}
	return ""
}

// JSON writes v as a successful answer.
func JSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the client may be gone
}

// Fail writes an error as Bedrock does.
func Fail(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Amzn-ErrorType", code)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"message": message})
}

// Say answers a call in whole with text: Converse in its form, InvokeModel as an
// OpenAI completion.
func Say(w http.ResponseWriter, c Call, text string) {
	if strings.HasPrefix(c.Operation, "converse") {
		JSON(w, map[string]any{
			"output":     map[string]any{"message": map[string]any{"role": "assistant", "content": []any{map[string]string{"text": text}}}},
			"stopReason": "end_turn", "usage": map[string]int{"inputTokens": 3, "outputTokens": 2, "totalTokens": 5}, "metrics": map[string]int{"latencyMs": 1},
		})
		return
	}
	JSON(w, map[string]any{
		"choices": []any{map[string]any{"index": 0, "text": text, "finish_reason": "stop"}},
		"usage":   map[string]int{"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
	})
}

// Stream writes event-stream frames.
type Stream struct{ w http.ResponseWriter }

// NewStream begins an event stream.
func NewStream(w http.ResponseWriter) *Stream {
	w.Header().Set("Content-Type", "application/vnd.amazon.eventstream")
	w.Header().Set("X-Amzn-Bedrock-Content-Type", "application/json")
	s := &Stream{w}
	s.flush()
	return s
}

func (s *Stream) flush() {
	if f, ok := s.w.(http.Flusher); ok {
		f.Flush()
	}
}

func (s *Stream) frame(headers map[string]string, payload []byte) { s.Raw(encode(headers, payload)) }

func encode(headers map[string]string, payload []byte) []byte {
	m := eventstream.Message{Payload: payload}
	for k, v := range headers {
		m.Headers.Set(k, eventstream.StringValue(v))
	}
	var b bytes.Buffer
	if err := eventstream.NewEncoder().Encode(&b, m); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// DeltaFrame is the frame that Delta writes, to be sent with Raw many times.
func DeltaFrame(text string) []byte { return eventFrame("contentBlockDelta", delta(text)) }

func delta(text string) any {
	return map[string]any{"contentBlockIndex": 0, "delta": map[string]string{"text": text}}
}

func eventFrame(kind string, v any) []byte {
	return encode(map[string]string{":message-type": "event", ":event-type": kind, ":content-type": "application/json"}, document(v))
}

// Event writes an event of a ConverseStream, or "chunk".
func (s *Stream) Event(kind string, v any) {
	s.Raw(eventFrame(kind, v))
}

// Chunk writes a document of InvokeModelWithResponseStream.
func (s *Stream) Chunk(doc string) { s.Event("chunk", map[string][]byte{"bytes": []byte(doc)}) }

// Delta writes a text of ConverseStream.
func (s *Stream) Delta(text string) {
	s.Event("contentBlockDelta", delta(text))
}

// Stop ends a ConverseStream with its counts.
func (s *Stream) Stop(reason string, input, output int) {
	s.Event("messageStop", map[string]string{"stopReason": reason})
	s.Event("metadata", map[string]any{"usage": map[string]int{"inputTokens": input, "outputTokens": output, "totalTokens": input + output}, "metrics": map[string]int{"latencyMs": 1}})
}

// Exception writes a modelled exception, such as throttlingException.
func (s *Stream) Exception(name, message string) {
	s.frame(map[string]string{":message-type": "exception", ":exception-type": name, ":content-type": "application/json"}, document(map[string]string{"message": message}))
}

// Error writes an error that the service's model does not know.
func (s *Stream) Error(code, message string) {
	s.frame(map[string]string{":message-type": "error", ":error-code": code, ":error-message": message}, nil)
}

// Raw writes bytes: a frame that was made before, or what is none.
func (s *Stream) Raw(b []byte) {
	_, _ = s.w.Write(b) // the client may be gone
	s.flush()
}

func document(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

// Clients returns SDK clients whose requests end in h, in this process.
func Clients(h http.Handler) (*bedrockruntime.Client, *bedrock.Client) {
	cfg := aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String("https://bedrock.invalid"), HTTPClient: &http.Client{Transport: &Transport{Handler: h}},
		Credentials: aws.CredentialsProviderFunc(credentials),
	}
	return bedrockruntime.NewFromConfig(cfg), bedrock.NewFromConfig(cfg)
}
