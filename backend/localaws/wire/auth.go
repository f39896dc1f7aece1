package wire

import (
	"context"
	"crypto/subtle"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

const (
	amzTime       = "20060102T150405Z"
	amzDate       = "20060102"
	algorithm     = "AWS4-HMAC-SHA256"
	unsignedBody  = "UNSIGNED-PAYLOAD"
	maxSkew       = 5 * time.Minute
	maxSkewS3     = 15 * time.Minute
	maxPresignAge = 7 * 24 * time.Hour
)

// Auth verifies that requests were signed (Signature Version 4, in headers or
// presigned) with the one access key of the account.
//
// A session token is accepted where it is signed: an environment that exports
// the account's key beside a token left over from elsewhere still works.
type Auth struct {
	keyID, secret string
	now           func() time.Time
	plain, s3     *v4.Signer // S3 signs the path as it was sent
}

// NewAuth returns the verifier for one key pair; now nil means [time.Now].
func NewAuth(keyID, secret string, now func() time.Time) *Auth {
	if now == nil {
		now = time.Now
	}
	signer := func(rawPath bool) *v4.Signer {
		return v4.NewSigner(func(o *v4.SignerOptions) {
			o.DisableURIPathEscaping = rawPath
			o.DisableHeaderHoisting = true
		})
	}
	return &Auth{keyID: keyID, secret: secret, now: now,
		plain: signer(false), s3: signer(true)}
}

// Signature is what a request says about its signature.
type Signature struct {
	KeyID, Region, Service string
	Time                   time.Time
	Presigned              bool

	date, token, hex string
	signed           map[string]bool
	expires          time.Duration
}

// refusal is why a request is not authentic; [Auth.answer] words it for a service.
type refusal int

const (
	refusedMissing refusal = iota
	refusedIncomplete
	refusedKey
	refusedMismatch
	refusedScope
	refusedTooOld
	refusedTooNew
	refusedExpiredURL
)

// ParseSignature reads the signature of a request without judging it; nil
// means that the request carries none. The error is AWS's for the service.
func ParseSignature(r *http.Request, service string) (*Signature, error) {
	q := r.URL.Query()
	if q.Has("X-Amz-Signature") || q.Has("X-Amz-Algorithm") {
		return parsePresigned(q, service)
	}
	h := r.Header.Get("Authorization")
	if h == "" {
		return nil, nil
	}
	kind, rest, _ := strings.Cut(h, " ")
	if kind != algorithm {
		return nil, answer(service, refusedIncomplete, "the authorization type "+strconv.Quote(kind)+" is not "+algorithm)
	}
	s := &Signature{token: r.Header.Get("X-Amz-Security-Token")}
	var credential, signed string
	for part := range strings.SplitSeq(rest, ",") {
		k, v, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch k {
		case "Credential":
			credential = v
		case "SignedHeaders":
			signed = v
		case "Signature":
			s.hex = v
		}
	}
	return s, s.fill(service, credential, signed, r.Header.Get("X-Amz-Date"))
}

func parsePresigned(q url.Values, service string) (*Signature, error) {
	if q.Get("X-Amz-Algorithm") != algorithm {
		return nil, answer(service, refusedIncomplete, "X-Amz-Algorithm must be "+algorithm)
	}
	s := &Signature{Presigned: true, hex: q.Get("X-Amz-Signature"), token: q.Get("X-Amz-Security-Token")}
	seconds, err := strconv.Atoi(q.Get("X-Amz-Expires"))
	s.expires = time.Duration(seconds) * time.Second
	if service == S3 && (err != nil || seconds < 1 || s.expires > maxPresignAge) {
		return nil, answer(service, refusedIncomplete, "X-Amz-Expires must be a number of seconds from 1 to 604800")
	}
	if err != nil {
		s.expires = maxSkew
	}
	return s, s.fill(service, q.Get("X-Amz-Credential"), q.Get("X-Amz-SignedHeaders"), q.Get("X-Amz-Date"))
}

func (s *Signature) fill(service, credential, signed, date string) error {
	for _, f := range []struct{ name, value string }{
		{"Credential", credential}, {"SignedHeaders", signed}, {"Signature", s.hex}, {"X-Amz-Date", date},
	} {
		if f.value == "" {
			return answer(service, refusedIncomplete, "the request lacks '"+f.name+"'")
		}
	}
	parts := strings.Split(credential, "/")
	n := len(parts)
	if n < 5 || parts[n-1] != "aws4_request" {
		return answer(service, refusedIncomplete, "Credential must be KEY/DATE/REGION/SERVICE/aws4_request")
	}
	s.KeyID, s.date, s.Region, s.Service = strings.Join(parts[:n-4], "/"), parts[n-4], parts[n-3], parts[n-2]
	t, err := time.Parse(amzTime, date)
	if err != nil {
		return answer(service, refusedIncomplete, "X-Amz-Date "+strconv.Quote(date)+" is not of the form 20060102T150405Z")
	}
	if t.Format(amzDate) != s.date {
		return answer(service, refusedIncomplete, "the date in Credential is not the day of X-Amz-Date")
	}
	s.Time = t
	s.signed = map[string]bool{}
	for name := range strings.SplitSeq(signed, ";") {
		s.signed[strings.ToLower(name)] = true
	}
	return nil
}

// Verify checks a request of a service and replaces its body by one that
// checks itself: reading it to the end returns an error instead of io.EOF when
// a hash, a chunk signature, a length or a checksum is wrong. JSON and query
// services read the whole body here. The error is AWS's answer (an *Error).
func (a *Auth) Verify(r *http.Request, service string) (*Signature, error) {
	s, err := ParseSignature(r, service)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return nil, answer(service, refusedMissing, "")
	}
	if subtle.ConstantTimeCompare([]byte(s.KeyID), []byte(a.keyID)) != 1 {
		return nil, answer(service, refusedKey, s.KeyID)
	}
	if m := models().Services[service]; m != nil && m.Signing != s.Service {
		return nil, answer(service, refusedScope, m.Signing)
	}
	if !s.signed["host"] {
		return nil, answer(service, refusedMismatch, "'host' must be a signed header. ")
	}
	if err := a.fresh(s, service); err != nil {
		return nil, err
	}
	hash, err := a.body(r, s, service)
	if err != nil {
		return nil, err
	}
	want, err := a.sign(r, s, hash)
	if err != nil {
		return nil, answer(service, refusedIncomplete, err.Error())
	}
	if subtle.ConstantTimeCompare([]byte(want), []byte(s.hex)) != 1 {
		return nil, answer(service, refusedMismatch, "")
	}
	return s, nil
}

func (a *Auth) fresh(s *Signature, service string) error {
	now := a.now()
	limit := maxSkew
	if service == S3 {
		limit = maxSkewS3
	}
	age := now.Sub(s.Time)
	detail := s.Time.Format(amzTime) + "|" + now.UTC().Format(amzTime)
	switch {
	case age < -limit:
		return answer(service, refusedTooNew, detail)
	case s.Presigned && age > s.expires:
		return answer(service, refusedExpiredURL, detail)
	case !s.Presigned && age > limit:
		return answer(service, refusedTooOld, detail)
	}
	return nil
}

// sign computes the signature again from what was signed, with the signer of
// the SDK, and returns it in hex.
func (a *Auth) sign(r *http.Request, s *Signature, payloadHash string) (string, error) {
	u := *r.URL
	u.Scheme, u.Host = "https", r.Host
	c := &http.Request{Method: r.Method, URL: &u, Host: r.Host, Header: http.Header{}}
	for name, values := range r.Header {
		switch lower := strings.ToLower(name); lower {
		case "content-length", "x-amz-date", "x-amz-security-token", "authorization":
			// the signer adds these itself
		default:
			if s.signed[lower] {
				c.Header[name] = values
			}
		}
	}
	if s.signed["content-length"] {
		c.ContentLength = r.ContentLength
	}
	creds := aws.Credentials{AccessKeyID: a.keyID, SecretAccessKey: a.secret}
	if s.Presigned || s.signed["x-amz-security-token"] {
		creds.SessionToken = s.token
	}
	signer := a.plain
	if s.Service == S3 {
		signer = a.s3
	}
	ctx := context.Background() // nothing here waits
	if s.Presigned {
		q := u.Query()
		for _, name := range []string{"X-Amz-Signature", "X-Amz-Credential", "X-Amz-SignedHeaders", "X-Amz-Date", "X-Amz-Algorithm", "X-Amz-Security-Token"} {
			q.Del(name)
		}
		u.RawQuery = q.Encode()
		signedURL, _, err := signer.PresignHTTP(ctx, creds, c, payloadHash, s.Service, s.Region, s.Time)
		if err != nil {
			return "", err
		}
		su, err := url.Parse(signedURL)
		if err != nil {
			return "", err
		}
		return su.Query().Get("X-Amz-Signature"), nil
	}
	if err := signer.SignHTTP(ctx, creds, c, payloadHash, s.Service, s.Region, s.Time); err != nil {
		return "", err
	}
	_, sig, _ := strings.Cut(c.Header.Get("Authorization"), "Signature=")
	return sig, nil
}
