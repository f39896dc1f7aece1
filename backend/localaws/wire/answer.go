package wire

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
)

// Raw is an answer written as it is.
type Raw struct {
	Status int // 0 means 200
	Header http.Header
	Body   []byte
}

// Direct is an answer that writes itself, for bodies that are streamed from a
// file. An error returned before anything was written is answered as an error.
type Direct func(w http.ResponseWriter, r *http.Request) error

// XML is an answer of S3 with a status other than 200.
type XML struct {
	Status int
	Value  any
}

// answerer writes one answer in the protocol of its service.
type answerer struct {
	w         *sentinel
	r         *http.Request
	service   string
	operation string
	protocol  protocol
	id        string
}

// sentinel remembers whether an answer was begun.
type sentinel struct {
	http.ResponseWriter
	begun bool
}

func (s *sentinel) WriteHeader(status int) {
	s.begun = s.begun || status >= 200
	s.ResponseWriter.WriteHeader(status)
}

func (s *sentinel) Write(b []byte) (int, error) {
	s.begun = true
	return s.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (s *sentinel) Unwrap() http.ResponseWriter { return s.ResponseWriter }

func newAnswerer(w http.ResponseWriter, r *http.Request, service string) *answerer {
	a := &answerer{w: &sentinel{ResponseWriter: w}, r: r, service: service, protocol: protocolOf(service), id: newID(service)}
	h := w.Header()
	if a.protocol == protoXML {
		h.Set("X-Amz-Request-Id", a.id)
		h.Set("X-Amz-Id-2", "local")
	} else {
		h.Set("X-Amzn-Requestid", a.id)
	}
	return a
}

// write sends a handler's result.
func (a *answerer) write(ctx context.Context, result any) {
	switch v := result.(type) {
	case *Raw:
		for name, values := range v.Header {
			a.w.Header()[name] = values
		}
		a.send(max(v.Status, 200), v.Body)
		return
	case Direct:
		if err := v(a.w, a.r); err != nil && !a.w.begun {
			a.fail(err)
		}
		return
	case *Stream:
		v.serve(ctx, a)
		return
	}
	status := 200
	if op := models().Services[a.service].Operations[a.operation]; op.Status != 0 {
		status = op.Status
	}
	if v, ok := result.(XML); ok {
		status, result = v.Status, v.Value
	}
	var body []byte
	var err error
	switch a.protocol {
	case protoXML:
		a.w.Header().Set("Content-Type", "application/xml")
		body, err = marshalXML(result)
	case protoQuery:
		a.w.Header().Set("Content-Type", "text/xml")
		body, err = a.queryResult(result)
	default:
		a.w.Header().Set("Content-Type", a.jsonType())
		body, err = marshalJSON(result)
	}
	if err != nil {
		a.fail(fmt.Errorf("answer of %s: %w", a.operation, err))
		return
	}
	a.send(status, body)
}

func (a *answerer) send(status int, body []byte) {
	if status == http.StatusNoContent {
		body = nil
		a.w.Header().Del("Content-Type")
	} else {
		a.w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	}
	a.w.WriteHeader(status)
	if a.r.Method != http.MethodHead && len(body) > 0 {
		a.w.Write(body) // a write that fails means that the caller has gone
	}
}

func (a *answerer) jsonType() string {
	if a.protocol == protoJSON {
		return "application/x-amz-json-1.1"
	}
	return "application/json"
}

func marshalJSON(v any) ([]byte, error) {
	if v == nil {
		return []byte("{}"), nil
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimRight(b.Bytes(), "\n"), err
}

func marshalXML(v any) ([]byte, error) {
	if v == nil {
		return nil, nil
	}
	b, err := xml.Marshal(v)
	return append([]byte(xml.Header), b...), err
}

// queryResult wraps a result as awsQuery does.
func (a *answerer) queryResult(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := xml.NewEncoder(&b)
	fmt.Fprintf(&b, `<%sResponse xmlns="https://%s.amazonaws.com/doc/2011-06-15/">`, a.operation, a.service)
	if err := enc.EncodeElement(v, xml.StartElement{Name: xml.Name{Local: a.operation + "Result"}}); err != nil {
		return nil, err
	}
	fmt.Fprintf(&b, "<ResponseMetadata><RequestId>%s</RequestId></ResponseMetadata></%sResponse>", a.id, a.operation)
	return b.Bytes(), nil
}

// fail sends an error.
func (a *answerer) fail(err error) {
	if errors.Is(err, context.Canceled) && a.r.Context().Err() != nil {
		return // nobody waits for the answer
	}
	e := asError(a.service, err)
	h := a.w.Header()
	for _, name := range []string{"Content-Encoding", "Etag", "Last-Modified", "Cache-Control"} {
		h.Del(name)
	}
	switch a.protocol {
	case protoXML:
		h.Set("Content-Type", "application/xml")
		a.send(e.Status, a.s3Error(e))
	case protoQuery:
		h.Set("Content-Type", "text/xml")
		kind := "Sender"
		if e.Status >= 500 {
			kind = "Receiver"
		}
		a.send(e.Status, fmt.Appendf(nil, `<ErrorResponse xmlns="https://%s.amazonaws.com/doc/2011-06-15/"><Error><Type>%s</Type><Code>%s</Code><Message>%s</Message></Error><RequestId>%s</RequestId></ErrorResponse>`,
			a.service, kind, escape(e.Code), escape(e.Message), a.id))
	case protoEC2:
		h.Set("Content-Type", "text/xml")
		a.send(e.Status, fmt.Appendf(nil, `%s<Response><Errors><Error><Code>%s</Code><Message>%s</Message></Error></Errors><RequestID>%s</RequestID></Response>`,
			xml.Header, escape(e.Code), escape(e.Message), a.id))
	case protoCBOR:
		h.Set("Content-Type", "application/cbor")
		h.Set("Smithy-Protocol", "rpc-v2-cbor")
		a.send(e.Status, cborError(e))
	default:
		h.Set("Content-Type", a.jsonType())
		h.Set("X-Amzn-Errortype", e.Code)
		body := map[string]any{"message": e.Message}
		if a.protocol == protoJSON {
			body["__type"] = e.Code
		}
		for name, v := range e.Fields {
			body[name] = v
		}
		b, err := marshalJSON(body)
		if err != nil {
			b = []byte(`{"message":"The error could not be written."}`)
		}
		a.send(e.Status, b)
	}
}

// s3Error writes S3's error document.
func (a *answerer) s3Error(e *Error) []byte {
	b := fmt.Appendf(nil, "%s<Error><Code>%s</Code><Message>%s</Message>", xml.Header, escape(e.Code), escape(e.Message))
	names := make([]string, 0, len(e.Fields))
	for name := range e.Fields {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		b = fmt.Appendf(b, "<%s>%s</%s>", name, escape(fmt.Sprint(e.Fields[name])), name)
	}
	return fmt.Appendf(b, "<Resource>%s</Resource><RequestId>%s</RequestId><HostId>local</HostId></Error>", escape(a.r.URL.Path), a.id)
}

func escape(s string) string {
	var b bytes.Buffer
	xml.EscapeText(&b, []byte(s)) // writing to a Buffer cannot fail
	return b.String()
}

// cborError is a map of two text strings, the error document of rpcv2Cbor.
func cborError(e *Error) []byte {
	b := []byte{0xa2}
	for _, text := range []string{"__type", e.Code, "message", e.Message} {
		b = append(b, 0x7a) // text with a four-byte length
		b = binary.BigEndian.AppendUint32(b, uint32(len(text)))
		b = append(b, text...)
	}
	return b
}
