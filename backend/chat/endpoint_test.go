package chat

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const endpointKey = "sk-secret-4711"

// hosted is a service beside an endpoint.
func hosted(t *testing.T, handler http.HandlerFunc) *Service {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	s, _ := newService(t, talker(3), func(c *Config) {
		c.Endpoint = EndpointFrom(func(k string) string {
			return map[string]string{"OPENAI_BASE_URL": server.URL + "/v1/", "OPENAI_API_KEY": endpointKey}[k]
		})
		c.Sleep = func(context.Context, time.Duration) error { return nil }
	})
	return s
}

var smallModel = Model{Ref: "openai:small", ID: "small", Kind: Hosted, Converse: true}

// sse writes chunks of a stream.
func sse(w http.ResponseWriter, chunks ...string) {
	w.Header().Set("Content-Type", "text/event-stream")
	for _, c := range chunks {
		fmt.Fprintf(w, ": still here\n\ndata: %s\n\n", c)
		w.(http.Flusher).Flush()
	}
}

const (
	chunkA     = `{"choices":[{"delta":{"role":"assistant","content":""}}]}`
	chunkB     = `{"choices":[{"delta":{"content":"Os"}}]}`
	chunkC     = `{"choices":[{"delta":{"content":"lo"}}]}`
	chunkStop  = `{"choices":[{"delta":{},"finish_reason":"stop"}]}`
	chunkUsage = `{"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":2}}`
)

// TestEndpoint: the models of an endpoint stand beside the account's, are asked
// with its body and key, streaming and not.
func TestEndpoint(t *testing.T) {
	s := hosted(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+endpointKey {
			t.Errorf("the key is %q", r.Header.Get("Authorization"))
		}
		switch r.URL.Path {
		case "/v1/models":
			fmt.Fprint(w, `{"data":[{"id":"small"},{"id":"big\u001b[31m"},{"id":""}]}`)
		case "/v1/chat/completions":
			var b struct {
				Model    string
				Messages []Message
				Stream   bool
				Max      int `json:"max_tokens"`
			}
			if err := json.NewDecoder(r.Body).Decode(&b); err != nil || b.Model != "small" || b.Max != 7 || len(b.Messages) != 2 || b.Messages[0].Role != "system" {
				t.Errorf("%+v, %v", b, err)
			}
			if !b.Stream {
				fmt.Fprint(w, `{"choices":[{"message":{"content":"Oslo"},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":2}}`)
				return
			}
			sse(w, chunkA, chunkB, chunkC, chunkStop, chunkUsage, "[DONE]")
		default:
			t.Errorf("%s was asked for", r.URL.Path)
		}
	})
	all, err := s.Models(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, m := range all {
		if m.Kind == Hosted {
			names = append(names, m.Ref)
		}
	}
	if got := strings.Join(names, " "); !strings.HasPrefix(got, "openai:big") || !strings.HasSuffix(got, " openai:small") || strings.Contains(got, "\x1b") || len(all) <= len(names) {
		t.Errorf("the models are %q of %d", got, len(all))
	}
	req := Request{Model: smallModel, Settings: Settings{MaxTokens: 7}, Messages: []Message{{"system", "Be brief."}, {"user", "What is the capital of Norway?"}}}
	a := s.Send(t.Context(), req).Wait(t.Context())
	if a.Phase != Finished || a.Text != "Oslo" || a.StopReason != "stop" || a.Stats.InputTokens != 9 || a.Stats.OutputTokens != 2 {
		t.Errorf("%+v", a)
	}
	once, err := s.Once(t.Context(), req)
	if err != nil || once.Text != "Oslo" || once.StopReason != "stop" || once.OutputTokens != 2 {
		t.Errorf("%+v, %v", once, err)
	}
	v, err := s.Preview(req)
	if err != nil || v.Route != RouteEndpoint || !strings.Contains(v.JSON, `"model": "small"`) || strings.Contains(v.JSON+v.Text, endpointKey) {
		t.Errorf("%+v, %v", v, err)
	}
	if _, err := s.Snippet(req, "aws"); err == nil {
		t.Error("an endpoint was asked through the AWS command line")
	}
	here, err := s.Fingerprint(req)
	if err != nil {
		t.Fatal(err)
	}
	if there, err := hosted(t, nil).Fingerprint(req); err != nil || here == there {
		t.Errorf("two endpoints' answers are taken for one another's (%v)", err)
	}
}

// TestEndpointFaults: whatever an endpoint does ends in words, with what came kept
// and the key not told.
func TestEndpointFaults(t *testing.T) {
	var calls atomic.Int32
	for name, tc := range map[string]struct {
		handler http.HandlerFunc
		phase   Phase
		text    string
		err     string
	}{
		"wrong key": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(w, `{"error":{"message":"Incorrect API key `+endpointKey+`"}}`)
		}, Failed, "", "does not accept the key in OPENAI_API_KEY (Incorrect API key the key)"},
		"no such model": {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "", http.StatusNotFound) }, Failed, "", "OPENAI_BASE_URL ends in /v1"},
		"bad request": {func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, `{"error":"top_k is unknown"}`, http.StatusBadRequest)
		}, Failed, "", "openai:small refused the request: top_k is unknown"},
		"redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://elsewhere.invalid/", http.StatusTemporaryRedirect)
		}, Failed, "", "refused the request"},
		"always busy": {func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, `{"message":"slow down"}`, http.StatusTooManyRequests)
		}, Failed, "", "too many requests to openai:small at once; wait a little and try again (slow down)"},
		"busy, then not": {func(w http.ResponseWriter, _ *http.Request) {
			if calls.Add(1) < 3 {
				http.Error(w, "", http.StatusServiceUnavailable)
				return
			}
			sse(w, chunkB, chunkC, chunkStop, "[DONE]")
		}, Finished, "Oslo", ""},
		"cut off": {func(w http.ResponseWriter, _ *http.Request) { sse(w, chunkB, chunkC) }, Broken, "Oslo", "before the model said that it was done"},
		"torn":    {func(w http.ResponseWriter, _ *http.Request) { sse(w, chunkB, chunkC); panic(http.ErrAbortHandler) }, Broken, "Oslo", "the connection broke"},
		"garbage": {func(w http.ResponseWriter, _ *http.Request) { sse(w, chunkB, `{"cho`, chunkC, chunkStop, "[DONE]") }, Broken, "Oslo", "could not be read"},
		"in stream": {func(w http.ResponseWriter, _ *http.Request) {
			sse(w, chunkB, `{"error":{"message":"the machine is on fire"}}`)
		}, Failed, "Os", "the answer broke off: the service that runs openai:small failed; try again (the machine is on fire)"},
		"web page": {func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html>Sign in</html>") }, Broken, "", "before the model said that it was done"},
		"terminal's": {func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "\x1b]52;c;x\x07boo", http.StatusBadRequest)
		}, Failed, "", "boo"},
	} {
		t.Run(name, func(t *testing.T) {
			s := hosted(t, tc.handler)
			a := s.Send(t.Context(), Request{Model: smallModel, Messages: []Message{{"user", "?"}}}).Wait(t.Context())
			if a.Phase != tc.phase || a.Text != tc.text || !strings.Contains(a.Err, tc.err) || strings.Contains(a.Err, endpointKey) || strings.ContainsRune(a.Err, '\x1b') {
				t.Errorf("%s %q: %s", a.Phase, a.Text, a.Err)
			}
		})
	}
}

// TestEndpointOutOfReach: an endpoint that is not there, or is none, does not keep
// the account's models from being listed.
func TestEndpointOutOfReach(t *testing.T) {
	for base, want := range map[string]string{
		"http://127.0.0.1:1/v1":       "cannot be reached",
		"ftp://host/v1":               "is no address of an endpoint",
		"https://user:pass@host/v1":   "OPENAI_BASE_URL holds a password",
		"https://host/v1?key=secret1": "is no address of an endpoint",
	} {
		s, _ := newService(t, talker(3), func(c *Config) {
			c.Endpoint = EndpointFrom(func(k string) string { return map[string]string{"OPENAI_BASE_URL": base}[k] })
		})
		all, err := s.Models(t.Context())
		if err != nil || len(all) < 2 {
			t.Fatalf("%d models, %v", len(all), err)
		}
		if m := all[len(all)-1]; m.Kind != Hosted || !strings.Contains(m.Note, want) || strings.Contains(m.Note, "pass@") {
			t.Errorf("%s: %+v", base, m)
		}
		a := s.Send(t.Context(), Request{Model: smallModel, Messages: []Message{{"user", "?"}}}).Wait(t.Context())
		if a.Phase != Failed || !strings.Contains(a.Err, want) {
			t.Errorf("%s: %s %s", base, a.Phase, a.Err)
		}
	}
	if EndpointFrom(func(k string) string { return map[string]string{"OPENAI_API_KEY": "x"}[k] }) != nil {
		t.Error("a key alone names an endpoint")
	}
}
