package wire

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

const (
	docKey    = "AKIAIOSFODNN7EXAMPLE"
	docSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
)

var docTime = time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC)

func docAuth() *Auth { return NewAuth(docKey, docSecret, func() time.Time { return docTime }) }

func docAuthorization(signed, signature string) string {
	return "AWS4-HMAC-SHA256 Credential=" + docKey + "/20130524/us-east-1/s3/aws4_request,SignedHeaders=" + signed + ",Signature=" + signature
}

// The examples that AWS publishes for S3 and IAM.
func TestPublishedSignatures(t *testing.T) {
	get := httptest.NewRequest("GET", "http://examplebucket.s3.amazonaws.com/test.txt", nil)
	get.Header.Set("Range", "bytes=0-9")
	get.Header.Set("X-Amz-Content-Sha256", emptyHash)
	get.Header.Set("X-Amz-Date", "20130524T000000Z")
	get.Header.Set("Authorization", docAuthorization("host;range;x-amz-content-sha256;x-amz-date",
		"f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"))
	if s, err := docAuth().Verify(get, S3); err != nil || s.Region != "us-east-1" {
		t.Errorf("header signature: %v", err)
	}

	const presigned = "http://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
	if _, err := docAuth().Verify(httptest.NewRequest("GET", presigned, nil), S3); err != nil {
		t.Errorf("presigned: %v", err)
	}
	late := NewAuth(docKey, docSecret, func() time.Time { return docTime.Add(25 * time.Hour) })
	wantCode(t, verify(late, httptest.NewRequest("GET", presigned, nil), S3), "AccessDenied", "Request has expired")
	other := httptest.NewRequest("GET", strings.Replace(presigned, "test.txt", "text.txt", 1), nil)
	wantCode(t, verify(docAuth(), other, S3), "SignatureDoesNotMatch", "")

	list := httptest.NewRequest("GET", "http://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08", nil)
	list.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	list.Header.Set("X-Amz-Date", "20150830T123600Z")
	list.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7")
	iam := NewAuth("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", func() time.Time { return time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC) })
	if _, err := iam.Verify(list, "iam"); err != nil {
		t.Errorf("iam: %v", err)
	}
}

func verify(a *Auth, r *http.Request, service string) error {
	_, err := a.Verify(r, service)
	return err
}

func wantCode(t *testing.T, err error, code, text string) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Code != code || !strings.Contains(e.Message, text) {
		t.Errorf("got %v, want %s %q", err, code, text)
	}
}

// chunked builds one of AWS's published chunked uploads.
func chunked(mode string, data, frames []string, tail string) *http.Request {
	var b bytes.Buffer
	for i, d := range data {
		fmt.Fprintf(&b, "%x;chunk-signature=%s\r\n%s\r\n", len(d), frames[i], d)
	}
	fmt.Fprintf(&b, "0;chunk-signature=%s\r\n%s\r\n", frames[len(data)], tail)
	r := httptest.NewRequest("PUT", "http://s3.amazonaws.com/examplebucket/chunkObject.txt", &b)
	r.Header.Set("X-Amz-Decoded-Content-Length", "66560")
	r.Header.Set("Content-Encoding", "aws-chunked")
	r.Header.Set("X-Amz-Storage-Class", "REDUCED_REDUNDANCY")
	r.Header.Set("X-Amz-Content-Sha256", mode)
	r.Header.Set("X-Amz-Date", "20130524T000000Z")
	return r
}

func TestPublishedChunks(t *testing.T) {
	build := func(last string) *http.Request {
		r := chunked(streamSigned, []string{strings.Repeat("a", 65536), last}, []string{
			"ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
			"0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
			"b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"}, "")
		r.ContentLength = 66824
		r.Header.Set("Authorization", docAuthorization("content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class",
			"4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"))
		return r
	}
	r := build(strings.Repeat("a", 1024))
	if _, err := docAuth().Verify(r, S3); err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(r.Body); err != nil || len(b) != 66560 {
		t.Errorf("read %d bytes, %v", len(b), err)
	}
	r = build("b" + strings.Repeat("a", 1023))
	if _, err := docAuth().Verify(r, S3); err != nil {
		t.Fatal(err)
	}
	_, err := io.ReadAll(r.Body)
	wantCode(t, err, "SignatureDoesNotMatch", "")
}

func TestPublishedTrailer(t *testing.T) {
	build := func(crc string) *http.Request {
		r := chunked(streamSignedTrailer, []string{strings.Repeat("a", 65536), strings.Repeat("a", 1024)}, []string{
			"b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
			"1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
			"2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992"},
			"x-amz-checksum-crc32c:"+crc+"\r\nx-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n")
		r.Header.Set("X-Amz-Trailer", "x-amz-checksum-crc32c")
		r.Header.Set("Authorization", docAuthorization("content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class;x-amz-trailer",
			"106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e"))
		return r
	}
	r := build("sOO8/Q==")
	if _, err := docAuth().Verify(r, S3); err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r.Body)
	if err != nil || len(b) != 66560 {
		t.Errorf("read %d bytes, %v", len(b), err)
	}
	req := &Request{HTTP: r}
	if got := req.Checksums()["CRC32C"]; got != "sOO8/Q==" {
		t.Errorf("checksum %q", got)
	}
	r = build("sOO8/g==")
	if _, err := docAuth().Verify(r, S3); err != nil {
		t.Fatal(err)
	}
	_, err = io.ReadAll(r.Body)
	wantCode(t, err, "SignatureDoesNotMatch", "")
}

// signed makes a request that the account's own key signs.
func signed(t *testing.T, method, target, service, body string, change func(*http.Request)) *http.Request {
	t.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if change != nil {
		change(r)
	}
	s := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = service == S3 })
	hash := hexSHA256([]byte(body))
	if v := r.Header.Get("X-Amz-Content-Sha256"); v != "" {
		hash = v
	} else if service == S3 {
		r.Header.Set("X-Amz-Content-Sha256", hash)
	}
	u := *r.URL
	r.URL.Scheme = "https"
	r.URL.Host = r.Host
	creds := aws.Credentials{AccessKeyID: docKey, SecretAccessKey: docSecret}
	if err := s.SignHTTP(context.Background(), creds, r, hash, service, "us-west-2", docTime); err != nil {
		t.Fatal(err)
	}
	r.URL = &u
	return r
}

func TestRefusals(t *testing.T) {
	for _, tc := range []struct {
		name, service string
		tamper        func(*http.Request)
		code, text    string
	}{
		{"unsigned", SageMaker, func(r *http.Request) { r.Header.Del("Authorization") }, "MissingAuthenticationTokenException", "Missing"},
		{"unsigned", STS, func(r *http.Request) { r.Header.Del("Authorization") }, "MissingAuthenticationToken", ""},
		{"unsigned", S3, func(r *http.Request) { r.Header.Del("Authorization") }, "AccessDenied", ""},
		{"body", SageMaker, func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader(`{"b":1}`)) }, "InvalidSignatureException", "Secret Access Key"},
		{"path", Bedrock, func(r *http.Request) { r.URL = &url.URL{Path: "/imported-models"} }, "InvalidSignatureException", ""},
		{"signature", STS, func(r *http.Request) { flip(r) }, "SignatureDoesNotMatch", ""},
		{"signature", S3, func(r *http.Request) { flip(r) }, "SignatureDoesNotMatch", ""},
		{"key", Logs, func(r *http.Request) { swap(r, docKey, "AKIAOTHER") }, "UnrecognizedClientException", ""},
		{"key", STS, func(r *http.Request) { swap(r, docKey, "AKIAOTHER") }, "InvalidClientTokenId", ""},
		{"key", S3, func(r *http.Request) { swap(r, docKey, "AKIAOTHER") }, "InvalidAccessKeyId", ""},
		{"scope", SageMaker, func(r *http.Request) { swap(r, "/sagemaker/", "/logs/") }, "InvalidSignatureException", "scoped to correct service: 'sagemaker'"},
		{"host", SageMaker, func(r *http.Request) { swap(r, "host;", "") }, "InvalidSignatureException", "'host'"},
		{"type", SageMaker, func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") }, "IncompleteSignatureException", "Bearer"},
		{"part", STS, func(r *http.Request) { swap(r, "Signature=", "Sig=") }, "IncompleteSignature", "'Signature'"},
		{"day", S3, func(r *http.Request) { swap(r, "20130524", "20130525") }, "AuthorizationHeaderMalformed", "day"},
	} {
		r := signed(t, "POST", "http://local.invalid/", tc.service, `{"a":1}`, nil)
		tc.tamper(r)
		err := verify(docAuth(), r, tc.service)
		var e *Error
		if !errors.As(err, &e) || e.Code != tc.code || !strings.Contains(e.Message, tc.text) {
			t.Errorf("%s %s: %v, want %s %q", tc.service, tc.name, err, tc.code, tc.text)
		}
	}
}

func flip(r *http.Request) {
	h := r.Header.Get("Authorization")
	last := "0"
	if strings.HasSuffix(h, "0") {
		last = "1"
	}
	r.Header.Set("Authorization", h[:len(h)-1]+last)
}

func swap(r *http.Request, from, to string) {
	r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), from, to, 1))
}

func TestSkew(t *testing.T) {
	for _, tc := range []struct {
		service string
		by      time.Duration
		code    string
	}{
		{SageMaker, 4 * time.Minute, ""}, {SageMaker, -4 * time.Minute, ""},
		{SageMaker, 6 * time.Minute, "InvalidSignatureException"}, {STS, -6 * time.Minute, "SignatureDoesNotMatch"},
		{S3, 14 * time.Minute, ""}, {S3, 16 * time.Minute, "RequestTimeTooSkewed"}, {S3, -16 * time.Minute, "RequestTimeTooSkewed"},
	} {
		a := NewAuth(docKey, docSecret, func() time.Time { return docTime.Add(tc.by) })
		err := verify(a, signed(t, "POST", "http://local.invalid/", tc.service, "{}", nil), tc.service)
		if tc.code == "" && err != nil {
			t.Errorf("%s %v: %v", tc.service, tc.by, err)
		} else if tc.code != "" {
			wantCode(t, err, tc.code, "")
		}
	}
}

func TestChecksumsOfBodies(t *testing.T) {
	const body = "hello world"
	right := map[string]string{"CRC32": "DUoRhQ==", "CRC32C": "yZRlqg==", "CRC64NVME": "jSnVw/bqjr4=",
		"SHA1": "Kq5sNclPz7QV2+lfQIuc6R7oRu0=", "SHA256": "uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek="}
	for alg, sum := range right {
		for _, v := range []string{sum, sum[1:2] + sum[0:1] + sum[2:]} {
			r := signed(t, "PUT", "http://local.invalid/b/k", S3, body, func(r *http.Request) { r.Header.Set(checksumPrefix+alg, v) })
			if _, err := docAuth().Verify(r, S3); err != nil {
				t.Fatal(err)
			}
			_, err := io.ReadAll(r.Body)
			if v == sum && err != nil {
				t.Errorf("%s: %v", alg, err)
			} else if v != sum {
				wantCode(t, err, "BadDigest", alg)
			}

			frame := fmt.Sprintf("%x\r\n%s\r\n0\r\n%s:%s\r\n\r\n", len(body), body, checksumPrefix+strings.ToLower(alg), v)
			r = signed(t, "PUT", "http://local.invalid/b/k", S3, frame, func(r *http.Request) {
				r.Header.Set("X-Amz-Content-Sha256", streamUnsignedTrailer)
				r.Header.Set("X-Amz-Trailer", checksumPrefix+strings.ToLower(alg))
				r.Header.Set("X-Amz-Decoded-Content-Length", fmt.Sprint(len(body)))
			})
			if _, err := docAuth().Verify(r, S3); err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(r.Body)
			if v == sum && (err != nil || string(got) != body) {
				t.Errorf("%s trailer: %q, %v", alg, got, err)
			} else if v != sum {
				wantCode(t, err, "BadDigest", alg)
			}
		}
	}
	r := signed(t, "PUT", "http://local.invalid/b/k", S3, body, nil)
	r.Body = io.NopCloser(strings.NewReader("jello world"))
	if _, err := docAuth().Verify(r, S3); err != nil {
		t.Fatal(err)
	}
	_, err := io.ReadAll(r.Body)
	wantCode(t, err, "XAmzContentSHA256Mismatch", "")
}

func TestMalformedChunks(t *testing.T) {
	for frame, code := range map[string]string{
		"zz\r\nhello\r\n0\r\n\r\n":           "InvalidRequest",
		"5\r\nhello, world\r\n0\r\n\r\n":     "InvalidRequest",
		"5\r\nhel":                           "IncompleteBody",
		"-5\r\nhello\r\n0\r\n\r\n":           "InvalidRequest",
		"4\r\nhell\r\n0\r\n\r\n":             "IncompleteBody",
		"5\r\nhello\r\n":                     "IncompleteBody",
		"7fffffffffffffff\r\nhello\r\n":      "InvalidRequest",
		strings.Repeat("0", 70<<10) + "\r\n": "InvalidRequest",
	} {
		r := signed(t, "PUT", "http://local.invalid/b/k", S3, frame, func(r *http.Request) {
			r.Header.Set("X-Amz-Content-Sha256", streamUnsignedTrailer)
			r.Header.Set("X-Amz-Decoded-Content-Length", "5")
		})
		if _, err := docAuth().Verify(r, S3); err != nil {
			t.Fatal(err)
		}
		_, err := io.ReadAll(r.Body)
		wantCode(t, err, code, "")
	}
}
