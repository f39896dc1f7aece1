package wire

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
)

func roundTrip(t *testing.T, h http.HandlerFunc, method, body string) (*http.Response, error) {
	t.Helper()
	tr := &HandlerTransport{Handler: h}
	t.Cleanup(tr.Wait)
	req, err := http.NewRequest(method, "https://local.invalid/a%2Fb?x=1", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return tr.RoundTrip(req)
}

func TestTransportWhole(t *testing.T) {
	res, err := roundTrip(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		w.Header().Set("A", "b")
		w.WriteHeader(201)
		w.Header().Set("Late", "x")
		fmt.Fprintf(w, "%s %s %s %d %s", r.Host, r.RequestURI, b, r.ContentLength, r.Header.Get("Content-Length"))
	}, "POST", "hello")
	if err != nil {
		t.Fatal(err)
	}
	b, _ := io.ReadAll(res.Body)
	const want = "local.invalid /a%2Fb?x=1 hello 5 5"
	if string(b) != want || res.StatusCode != 201 || res.ContentLength != int64(len(want)) || res.Header.Get("A") != "b" || res.Header.Get("Late") != "" {
		t.Errorf("%q %+v", b, res)
	}
}

func TestTransportLongAndHead(t *testing.T) {
	big := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	h := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(len(big)))
		if r.Method != "HEAD" {
			w.Write(big)
		}
	}
	res, err := roundTrip(t, h, "GET", "")
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(res.Body); err != nil || !bytes.Equal(b, big) || res.ContentLength != int64(len(big)) {
		t.Errorf("%d bytes, %v, length %d", len(b), err, res.ContentLength)
	}
	res, err = roundTrip(t, h, "HEAD", "")
	if err != nil || res.ContentLength != int64(len(big)) {
		t.Errorf("%v %+v", err, res)
	}
}

func TestTransportPanic(t *testing.T) {
	if _, err := roundTrip(t, func(http.ResponseWriter, *http.Request) { panic("boom") }, "GET", ""); err == nil || !strings.Contains(err.Error(), "boom") {
		t.Error(err)
	}
	res, err := roundTrip(t, func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "half")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}, "GET", "")
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(res.Body); err == nil || string(b) != "half" {
		t.Errorf("%q %v", b, err)
	}
}

func TestTransportEnds(t *testing.T) {
	for _, how := range []string{"cancel", "close"} {
		tr := &HandlerTransport{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := io.WriteString(w, "tick"); err != nil {
					break
				}
				w.(http.Flusher).Flush()
			}
			<-r.Context().Done() // both ways of ending reach the handler
		})}
		ctx, cancel := context.WithCancel(t.Context())
		req, err := http.NewRequestWithContext(ctx, "GET", "https://local.invalid/", nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := tr.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(res.Body, make([]byte, 12)); err != nil {
			t.Fatal(err)
		}
		if how == "cancel" {
			cancel()
			if _, err := io.Copy(io.Discard, res.Body); !errors.Is(err, context.Canceled) {
				t.Errorf("reading after a cancel: %v", err)
			}
		}
		res.Body.Close()
		tr.Wait()
		cancel()
	}
	// A cancel before the answer comes.
	started := make(chan struct{})
	tr := &HandlerTransport{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { close(started); <-r.Context().Done() })}
	ctx, cancel := context.WithCancel(t.Context())
	req, _ := http.NewRequestWithContext(ctx, "POST", "https://local.invalid/", strings.NewReader("x"))
	go func() { <-started; cancel() }()
	if _, err := tr.RoundTrip(req); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	tr.Wait()
}

// Many event streams at once, each frame whole and in order, no handler left.
func TestStreams(t *testing.T) {
	const frames = 200
	m := docMux()
	m.Handle(BedrockRuntime, "InvokeModelWithResponseStream", func(_ context.Context, r *Request) (any, error) {
		if string(r.Body) == "{}" {
			return nil, Errorf(0, "ModelNotReadyException", "wait")
		}
		return &Stream{Run: func(_ context.Context, w *EventWriter) error {
			for i := range frames {
				if err := w.Event("chunk", map[string]any{"bytes": []byte(strconv.Itoa(i))}); err != nil {
					return err
				}
			}
			switch string(r.Body) {
			case "exception":
				return &Error{Code: "ModelStreamErrorException", Message: "boom", Fields: map[string]any{"originalStatusCode": 500}}
			case "error":
				return errors.New("disk")
			}
			return nil
		}}, nil
	})
	tr := &HandlerTransport{Handler: m}
	send := func(body string) (*http.Response, error) {
		r := signed(t, "POST", "https://local.invalid/model/m/invoke-with-response-stream", "bedrock", body, nil)
		r.RequestURI = ""
		return tr.RoundTrip(r)
	}
	var wg sync.WaitGroup
	for _, end := range []string{"", "exception", "error", "", "exception", "error"} {
		wg.Go(func() {
			res, err := send(cmp.Or(end, "x"))
			if err != nil || res.StatusCode != 200 || res.Header.Get("Content-Type") != "application/vnd.amazon.eventstream" {
				t.Errorf("%v %+v", err, res)
				return
			}
			defer res.Body.Close()
			dec := eventstream.NewDecoder()
			for i := range frames {
				msg, err := dec.Decode(res.Body, nil)
				if err != nil || msg.Headers.Get(":event-type").String() != "chunk" {
					t.Errorf("frame %d: %v %v", i, msg, err)
					return
				}
			}
			msg, err := dec.Decode(res.Body, nil)
			switch end {
			case "":
				if !errors.Is(err, io.EOF) {
					t.Errorf("the end: %v %v", msg, err)
				}
			case "exception":
				if err != nil || msg.Headers.Get(":exception-type").String() != "modelStreamErrorException" || string(msg.Payload) != `{"message":"boom","originalStatusCode":500}` {
					t.Errorf("%v %s", err, msg.Payload)
				}
			case "error":
				if err != nil || msg.Headers.Get(":error-code").String() != "InternalFailure" || msg.Headers.Get(":error-message").String() != "disk" {
					t.Errorf("%v %v", err, msg.Headers)
				}
			}
		})
	}
	wg.Wait()
	res, err := send("{}")
	if err != nil || res.StatusCode != 429 || res.Header.Get("X-Amzn-Errortype") != "ModelNotReadyException" {
		t.Errorf("%v %+v", err, res)
	}
	tr.Wait()
}
