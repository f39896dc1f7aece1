package wire

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"io"
	"net/http"
	"strings"
	"time"
)

// Options are what a [Mux] is made with.
type Options struct {
	// AccessKeyID and SecretAccessKey are the account's one key pair.
	AccessKeyID, SecretAccessKey string
	// Now is the clock that signatures are judged by; nil means time.Now.
	Now func() time.Time
}

// Handler answers one operation. The result is a value that encoding/json
// marshals (nil for an empty answer), a [*Raw], a [*Stream], a [Direct], or,
// for STS and S3, a value for encoding/xml. ctx ends when the caller goes away.
// An error that is not an *Error is answered as an internal failure.
type Handler func(ctx context.Context, r *Request) (any, error)

// Mux is the front of the local account: an http.Handler that verifies,
// resolves and validates requests and calls the handler of the operation.
type Mux struct {
	auth     *Auth
	handlers map[string]map[string]Handler
}

// NewMux returns a Mux without handlers.
func NewMux(o Options) *Mux {
	return &Mux{auth: NewAuth(o.AccessKeyID, o.SecretAccessKey, o.Now), handlers: map[string]map[string]Handler{}}
}

// Handle registers the handler of an operation. All calls come before the
// first request. It panics when AWS has no such operation.
func (m *Mux) Handle(service, operation string, h Handler) {
	s := models().Services[service]
	if s == nil || s.Operations[operation] == nil {
		panic("wire: AWS has no operation " + service + ":" + operation)
	}
	if m.handlers[service] == nil {
		m.handlers[service] = map[string]Handler{}
	}
	m.handlers[service][operation] = h
}

// ServeHTTP answers one request.
func (m *Mux) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	service := resolveService(r)
	a := newAnswerer(w, r, service)
	sig, err := m.auth.Verify(r, service)
	if err != nil {
		a.fail(err)
		return
	}
	req := &Request{Service: service, Region: sig.Region, ID: a.id, HTTP: r}
	if service != S3 {
		if req.Body, err = io.ReadAll(r.Body); err != nil {
			a.fail(err)
			return
		}
	}
	t := resolve(r, service, req.Body)
	a.protocol, a.operation = t.protocol, t.operation
	req.Operation, req.Params = t.operation, t.labels
	if t.operation == "" {
		a.fail(unknownOperation(t))
		return
	}
	h := m.handlers[service][t.operation]
	if h == nil {
		a.fail(denied(t))
		return
	}
	if err := m.bind(req, t); err != nil {
		a.fail(err)
		return
	}
	result, err := h(r.Context(), req)
	if err != nil {
		a.fail(err)
		return
	}
	a.write(r.Context(), result)
}

// bind reads the input and checks it against the model.
func (m *Mux) bind(r *Request, t target) error {
	switch t.protocol {
	case protoXML:
		return nil
	case protoQuery:
		return r.bindForm()
	}
	if err := r.bind(models().Services[r.Service].input(r.Operation)); err != nil {
		return err
	}
	return Validator{}.Check(r.Service, r.Operation, r.Input)
}

// newID makes a request id in the form of the service: sixteen hexadecimal
// digits for S3, a UUID elsewhere.
func newID(service string) string {
	var b [16]byte
	rand.Read(b[:])
	if service == S3 {
		return strings.ToUpper(hex.EncodeToString(b[:8]))
	}
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
