package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Request is one authentic, validated request for one operation.
type Request struct {
	// Service and Operation are named as in the service models.
	Service, Operation string
	// Region is the one of the signature's scope.
	Region string
	// ID is the request id; the answer carries it already.
	ID string
	// Input holds the input by the model's member names, from body, path,
	// query and headers, for JSON services; form values for STS; nil for S3.
	Input map[string]any
	// Body is the whole body; nil for S3, whose body is HTTP.Body.
	Body []byte
	// Params are the labels of the path, unescaped; Bucket and Key for S3.
	Params map[string]string
	// HTTP is the request itself. For S3, reading HTTP.Body to its end
	// verifies it: any error other than io.EOF is an *Error to answer with.
	HTTP *http.Request

	bodyOnly bool // Input is exactly Body
}

// Decode fills v from Input with encoding/json; fields are tagged with the
// model's member names. The error is a SerializationException.
func (r *Request) Decode(v any) error {
	data := r.Body
	if !r.bodyOnly || len(bytes.TrimSpace(data)) == 0 {
		var err error
		if data, err = json.Marshal(r.Input); err != nil {
			return fmt.Errorf("input of %s: %w", r.Operation, err)
		}
	}
	if err := json.Unmarshal(data, v); err != nil {
		return Errorf(400, "SerializationException", "%s", strings.TrimPrefix(err.Error(), "json: "))
	}
	return nil
}

// ARN names a resource of this service in the account and region.
func (r *Request) ARN(resource string) string {
	service := r.Service
	if service == BedrockRuntime {
		service = Bedrock
	}
	return "arn:aws:" + service + ":" + r.Region + ":" + AccountID + ":" + resource
}

// Checksums returns the S3 checksums that came with the body and were right,
// by algorithm in base64; empty until HTTP.Body was read to its end.
func (r *Request) Checksums() map[string]string {
	if b, ok := r.HTTP.Body.(*checkedBody); ok {
		return b.checksums()
	}
	return map[string]string{}
}

// bind fills Input for JSON services.
func (r *Request) bind(sh *shape) error {
	r.Input = map[string]any{}
	r.bodyOnly = true
	payloadIsBody := sh != nil && sh.Payload != ""
	if len(bytes.TrimSpace(r.Body)) > 0 && !payloadIsBody {
		if err := json.Unmarshal(r.Body, &r.Input); err != nil {
			return Errorf(400, "SerializationException", "The request body is not a JSON object: %v", err)
		}
		if r.Input == nil { // the body was "null"
			r.Input = map[string]any{}
		}
	}
	if sh == nil || !sh.locatedOutOfBody {
		return nil
	}
	r.bodyOnly = false
	query := r.HTTP.URL.Query()
	for name, m := range sh.Members {
		var values []string
		switch m.Location {
		case "uri":
			values = []string{r.Params[m.LocationName]}
		case "querystring":
			values = query[m.LocationName]
		case "header":
			values = r.HTTP.Header.Values(m.LocationName)
		default:
			continue
		}
		delete(r.Input, name)
		if len(values) == 0 {
			continue
		}
		v, err := models().Services[r.Service].fromText(m.Shape, values)
		if err != nil {
			return err
		}
		r.Input[name] = v
	}
	return nil
}

// fromText gives values of a path, query or header the JSON type of their shape.
func (s *service) fromText(shapeName string, values []string) (any, error) {
	sh := s.Shapes[shapeName]
	v := values[0]
	switch sh.Type {
	case "integer", "long", "float", "double":
		f, err := strconv.ParseFloat(v, 64)
		if err != nil {
			return nil, Errorf(400, "SerializationException", "%q cannot be converted to a number", v)
		}
		return f, nil
	case "boolean":
		b, err := strconv.ParseBool(v)
		if err != nil {
			return nil, Errorf(400, "SerializationException", "%q cannot be converted to a Boolean", v)
		}
		return b, nil
	case "timestamp":
		if _, err := time.Parse(time.RFC3339Nano, v); err != nil {
			return nil, Errorf(400, "SerializationException", "%q is not an ISO 8601 time", v)
		}
		return v, nil
	case "list":
		list := make([]any, len(values))
		for i, e := range values {
			list[i] = e
		}
		return list, nil
	}
	return v, nil
}

// bindForm fills Input from the form of a query service.
func (r *Request) bindForm() error {
	form, err := url.ParseQuery(string(r.Body))
	if err != nil {
		return Errorf(400, "MalformedQueryString", "The request body is not a form: %v", err)
	}
	r.Input = map[string]any{}
	for _, values := range []url.Values{r.HTTP.URL.Query(), form} {
		for name, v := range values {
			if name != "Action" && name != "Version" && len(v) > 0 {
				r.Input[name] = v[0]
			}
		}
	}
	return nil
}
