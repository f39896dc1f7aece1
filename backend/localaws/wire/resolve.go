package wire

import (
	"net"
	"net/http"
	"net/url"
	"strings"
)

// absent lists how services that the account does not have write their
// errors; those not listed are taken for restJson unless the request says
// otherwise.
var absent = map[string]protocol{
	"iam": protoQuery, "sns": protoQuery, "autoscaling": protoQuery, "cloudformation": protoQuery,
	"rds": protoQuery, "elasticloadbalancing": protoQuery, "redshift": protoQuery, "elasticache": protoQuery,
	"monitoring": protoQuery, "sqs": protoQuery, "ses": protoQuery,
	"ec2":           protoEC2,
	"servicequotas": protoJSON, "pricing": protoJSON, "kms": protoJSON, "ecr": protoJSON, "ssm": protoJSON,
	"secretsmanager": protoJSON, "dynamodb": protoJSON, "tagging": protoJSON, "organizations": protoJSON,
	"ce": protoJSON, "events": protoJSON, "states": protoJSON, "ecs": protoJSON, "cloudtrail": protoJSON,
}

// protocolOf is the protocol of a service's errors; for services that the
// account lacks, the request may choose another (see resolveAbsent).
func protocolOf(service string) protocol {
	switch service {
	case S3, "s3express", "s3-object-lambda":
		return protoXML
	case STS:
		return protoQuery
	case SageMaker, Logs:
		return protoJSON
	case Bedrock, BedrockRuntime:
		return protoREST
	}
	return absent[service]
}

// target is what a request asks for.
type target struct {
	service   string
	operation string            // "" when nothing has this name or path
	asked     string            // the name or path as asked, for messages
	labels    map[string]string // path labels; Bucket and Key for S3
	protocol  protocol
}

// resolveService finds the service: by target prefix, then by credential
// scope, then by host for requests that are not signed.
func resolveService(r *http.Request) string {
	if prefix, _, ok := strings.Cut(r.Header.Get("X-Amz-Target"), "."); ok {
		switch prefix {
		case "SageMaker":
			return SageMaker
		case "Logs_20140328":
			return Logs
		}
	}
	scope := scopeOf(r)
	if scope == "" {
		scope = hostService(r.Host)
	}
	if scope == Bedrock {
		first, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		switch first {
		case "model", "guardrail", "async-invoke", "guardrail-checks":
			return BedrockRuntime
		}
	}
	return scope
}

// scopeOf reads the service of the credential scope, "" when there is none.
func scopeOf(r *http.Request) string {
	credential := r.URL.Query().Get("X-Amz-Credential")
	if credential == "" {
		_, credential, _ = strings.Cut(r.Header.Get("Authorization"), "Credential=")
		credential, _, _ = strings.Cut(credential, ",")
	}
	parts := strings.Split(strings.TrimSpace(credential), "/")
	if len(parts) < 5 {
		return ""
	}
	return parts[len(parts)-2]
}

// hostService guesses the service of an unsigned request from its host, and
// takes S3 when the host does not say: an unsigned GET of a path is what a
// browser would send to a bucket.
func hostService(host string) string {
	host = strings.TrimPrefix(hostName(host), "api.")
	label, _, _ := strings.Cut(host, ".")
	switch label {
	case STS, SageMaker, Logs, Bedrock, BedrockRuntime:
		return label
	}
	if _, ok := absent[label]; ok {
		return label
	}
	return S3
}

func hostName(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		return h
	}
	return host
}

// resolve finds the operation of a request. body is the whole body of JSON and
// query services.
func resolve(r *http.Request, service string, body []byte) target {
	t := target{service: service, protocol: protocolOf(service)}
	m := models().Services[service]
	switch {
	case service == S3:
		resolveS3(r, &t)
		return t
	case m == nil:
		resolveAbsent(r, body, &t)
		return t
	case t.protocol == protoJSON:
		_, t.asked, _ = strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	case t.protocol == protoQuery:
		t.asked = formAction(r, body)
	case t.protocol == protoREST:
		t.asked = r.Method + " " + r.URL.Path
		t.operation, t.labels = m.match(r.Method, r.URL.EscapedPath())
		return t
	}
	if m.Operations[t.asked] != nil {
		t.operation = t.asked
	}
	return t
}

// resolveAbsent names the operation of a service that the account lacks, and
// the protocol in which the denial must be written.
func resolveAbsent(r *http.Request, body []byte, t *target) {
	contentType := r.Header.Get("Content-Type")
	switch {
	case r.Header.Get("Smithy-Protocol") == "rpc-v2-cbor":
		t.protocol = protoCBOR
		parts := strings.Split(r.URL.Path, "/")
		t.asked = parts[len(parts)-1]
	case strings.HasPrefix(contentType, "application/x-amz-json-1."):
		t.protocol = protoJSON
		_, t.asked, _ = strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	case t.protocol == protoQuery || t.protocol == protoEC2:
		t.asked = formAction(r, body)
	default:
		t.asked = r.Method + " " + r.URL.Path
	}
	t.operation = t.asked
}

func formAction(r *http.Request, body []byte) string {
	if v := r.URL.Query().Get("Action"); v != "" {
		return v
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return ""
	}
	return form.Get("Action")
}
