package wire

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
)

// streamAt is how many bytes an answer may have before it is handed over
// while the handler still writes.
const streamAt = 256 << 10

var errAnswerClosed = errors.New("the caller closed the answer")

// HandlerTransport is an http.RoundTripper that calls Handler in this process.
// An answer that is never flushed and stays short comes back whole, with its
// length; the first Flush, or a long answer, turns it into a stream.
//
// Each handler runs in its own goroutine, which ends when the handler returns;
// its context ends when the request's does or when the answer is closed.
type HandlerTransport struct {
	Handler http.Handler

	running sync.WaitGroup
}

// Wait returns when no handler runs any more. Close or cancel streams first.
func (t *HandlerTransport) Wait() { t.running.Wait() }

// RoundTrip implements http.RoundTripper. A panic of the handler is an error.
func (t *HandlerTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(req.Context())
	served := req.Clone(ctx)
	served.RequestURI = req.URL.RequestURI()
	served.RemoteAddr = "in-process"
	served.Proto, served.ProtoMajor, served.ProtoMinor = "HTTP/1.1", 1, 1
	if served.Host == "" {
		served.Host = req.URL.Host
	}
	if served.Body == nil {
		served.Body = http.NoBody
	}
	if req.ContentLength > 0 && served.Header.Get("Content-Length") == "" {
		served.Header.Set("Content-Length", strconv.FormatInt(req.ContentLength, 10))
	}
	w := &answerWriter{header: http.Header{}, ready: make(chan struct{}), req: req, cancel: cancel}
	t.running.Go(func() {
		defer cancel(nil)
		defer func() {
			var err error
			if p := recover(); p != nil {
				err = fmt.Errorf("the local account failed while it answered %s: %v", req.Method, p)
			}
			if req.Body != nil {
				req.Body.Close() // a RoundTripper closes the body, whatever happened
			}
			w.finish(err)
		}()
		t.Handler.ServeHTTP(w, served)
	})
	select {
	case <-w.ready:
		return w.resp, w.err
	case <-req.Context().Done():
	}
	// The answer may have come at the same moment; nobody else would close it.
	cancel(context.Cause(req.Context()))
	return nil, req.Context().Err()
}

// answerWriter is the http.ResponseWriter of one call. Only the handler's
// goroutine writes to it; ready publishes resp and err to the caller.
type answerWriter struct {
	header, sent http.Header
	status       int
	buf          bytes.Buffer
	pipe         *io.PipeWriter
	stop         func() bool
	req          *http.Request
	cancel       context.CancelCauseFunc

	ready chan struct{}
	resp  *http.Response
	err   error
}

// Header returns the headers to be sent.
func (w *answerWriter) Header() http.Header { return w.header }

// WriteHeader fixes status and headers.
func (w *answerWriter) WriteHeader(status int) {
	if w.status != 0 || status < 200 {
		return
	}
	w.status, w.sent = status, w.header.Clone()
}

// Write buffers, or streams once the answer is being read.
func (w *answerWriter) Write(b []byte) (int, error) {
	w.WriteHeader(200)
	if w.pipe != nil {
		return w.pipe.Write(b)
	}
	n, _ := w.buf.Write(b)
	if w.buf.Len() > streamAt {
		return n, w.FlushError()
	}
	return n, nil
}

// Flush hands over what was written so far.
func (w *answerWriter) Flush() { _ = w.FlushError() }

// FlushError is Flush for http.ResponseController.
func (w *answerWriter) FlushError() error {
	w.WriteHeader(200)
	if w.pipe == nil {
		pr, pw := io.Pipe()
		w.pipe = pw
		ctx := w.req.Context()
		// Without this a cancelled request would look like the answer's end
		// while the handler has not noticed yet.
		w.stop = context.AfterFunc(ctx, func() { pw.CloseWithError(ctx.Err()) })
		w.publish(&answerBody{Reader: pr, close: func() error {
			w.cancel(errAnswerClosed)
			return pr.CloseWithError(errAnswerClosed)
		}}, -1)
	}
	if w.buf.Len() == 0 {
		return nil
	}
	_, err := w.buf.WriteTo(w.pipe)
	return err
}

func (w *answerWriter) publish(body io.ReadCloser, length int64) {
	if n, err := strconv.ParseInt(w.sent.Get("Content-Length"), 10, 64); err == nil {
		length = n
	}
	w.resp = &http.Response{
		Status:     strconv.Itoa(w.status) + " " + http.StatusText(w.status),
		StatusCode: w.status,
		Proto:      "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.sent, Body: body, ContentLength: length, Request: w.req,
	}
	close(w.ready)
}

// finish ends the answer after the handler returned or failed.
func (w *answerWriter) finish(err error) {
	switch {
	case w.pipe != nil:
		if err == nil {
			err = w.req.Context().Err()
		}
		w.stop()
		w.pipe.CloseWithError(err) // nil is a clean end
	case err != nil:
		w.err = err
		close(w.ready)
	default:
		w.WriteHeader(200)
		if w.req.Method != http.MethodHead && w.status != http.StatusNoContent {
			w.sent.Set("Content-Length", strconv.Itoa(w.buf.Len()))
		}
		w.publish(&answerBody{Reader: &w.buf, close: func() error { return nil }}, int64(w.buf.Len()))
	}
}

// answerBody closes once.
type answerBody struct {
	io.Reader
	once  sync.Once
	close func() error
}

// Close ends a stream and the context of its handler.
func (b *answerBody) Close() (err error) {
	b.once.Do(func() { err = b.close() })
	return err
}
