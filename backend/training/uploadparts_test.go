package training

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"tunebench/backend/dataset"
)

// partsServer is an S3 that takes uploads in parts, for one key at a time.
type partsServer struct {
	mu      sync.Mutex
	id      string // of the upload that was begun
	parts   map[int][]byte
	objects map[string][]byte
	puts    []int // numbers of the parts that were sent
	refuse  int   // number of the part that is refused; 0 for none
	begins  int
	unlisted,
	garbled bool // uploads cannot be listed; kept parts have other content
}

func (p *partsServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	q := r.URL.Query()
	answer := func(v any) {
		if err := xml.NewEncoder(w).Encode(v); err != nil {
			panic(err)
		}
	}
	type part struct {
		PartNumber    int
		Size          int
		ETag          string
		ChecksumCRC32 string
	}
	switch {
	case r.Method == http.MethodHead:
		o, ok := p.objects[r.URL.Path]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(o)))
	case r.Method == http.MethodGet && q.Has("uploads"):
		if p.unlisted {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		type upload struct{ Key, UploadId, Initiated string }
		v := struct {
			XMLName xml.Name `xml:"ListMultipartUploadsResult"`
			Upload  []upload
		}{}
		if p.id != "" {
			v.Upload = []upload{{"another/" + q.Get("prefix"), "foreign", "2026-01-03T00:00:00Z"}, {q.Get("prefix"), p.id, "2026-01-02T00:00:00Z"}}
		}
		answer(v)
	case r.Method == http.MethodGet:
		v := struct {
			XMLName xml.Name `xml:"ListPartsResult"`
			Part    []part
		}{}
		for n, b := range p.parts {
			sum := checksum(b)
			if p.garbled {
				sum = checksum([]byte("something else"))
			}
			v.Part = append(v.Part, part{n, len(b), strconv.Quote(fmt.Sprint("e", n)), sum})
		}
		answer(v)
	case r.Method == http.MethodPost && q.Has("uploads"):
		p.id, p.parts = fmt.Sprint("up-", len(p.puts)), map[int][]byte{}
		p.begins++
		answer(struct {
			XMLName  xml.Name `xml:"InitiateMultipartUploadResult"`
			UploadId string
		}{UploadId: p.id})
	case r.Method == http.MethodPut:
		n, err := strconv.Atoi(q.Get("partNumber"))
		if err != nil || n == p.refuse || q.Get("uploadId") != p.id {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		if got := r.Header.Get("x-amz-checksum-crc32"); got != checksum(body) {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		p.parts[n] = body
		p.puts = append(p.puts, n)
		w.Header().Set("ETag", strconv.Quote(fmt.Sprint("e", n)))
	case r.Method == http.MethodPost:
		var in struct {
			Part []part
		}
		if err := xml.Unmarshal(body, &in); err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		var whole []byte
		for i, c := range in.Part {
			b, ok := p.parts[c.PartNumber]
			if !ok || c.PartNumber != i+1 || c.ChecksumCRC32 != checksum(b) || strings.Trim(c.ETag, `"`) != fmt.Sprint("e", c.PartNumber) {
				w.WriteHeader(http.StatusBadRequest)
				return
			}
			whole = append(whole, b...)
		}
		p.objects[r.URL.Path], p.id = whole, ""
		answer(struct {
			XMLName xml.Name `xml:"CompleteMultipartUploadResult"`
			ETag    string
		}{ETag: "x"})
	}
}

func (p *partsServer) set(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
}

func TestUploadGoesOn(t *testing.T) {
	content := make([]byte, 5*leastPart/2)
	rnd := rand.New(rand.NewPCG(1, 2))
	for i := range content {
		content[i] = byte(rnd.Uint32())
	}
	p := &partsServer{objects: map[string][]byte{}}
	srv := httptest.NewServer(p)
	defer srv.Close()
	client := s3.New(s3.Options{Region: "us-east-1", BaseEndpoint: &srv.URL, UsePathStyle: true, Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider("a", "b", "")})
	var last dataset.Progress
	var words []string
	u := &uploader{s: New(Config{S3: client, Bucket: "bkt"}), progress: func(g dataset.Progress) {
		last = g
		words = append(words, g.What)
	}}
	in := input{key: "tunebench/inputs/data-x/train.jsonl", size: int64(len(content)), open: func(_ context.Context, w io.Writer) error {
		_, err := w.Write(content)
		return err
	}}
	path := "/bkt/" + in.key

	p.refuse = 3
	if err := u.input(t.Context(), in); err == nil || !strings.Contains(err.Error(), "starting the job again goes on from there") {
		t.Fatalf("%v", err)
	}
	p.set(func() { p.refuse, words = 0, nil })
	if err := u.input(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(p.objects[path], content) || p.begins != 1 || len(p.puts) != 3 || p.puts[2] != 3 {
		t.Errorf("parts %v; begun %d times; %d bytes", p.puts, p.begins, len(p.objects[path]))
	}
	if last.Done != in.size || last.Total != in.size || !slices.Contains(words, "already in the bucket: train.jsonl") {
		t.Errorf("%+v %q", last, words)
	}
	if err := u.input(t.Context(), in); err != nil || len(p.puts) != 3 { // it is there
		t.Errorf("sent again: %v %v", p.puts, err)
	}

	// Parts with another checksum, and uploads that may not be listed, are no help
	// and no harm.
	for _, how := range []*bool{&p.garbled, &p.unlisted} {
		p.set(func() { p.objects, p.refuse, p.puts = map[string][]byte{}, 3, nil })
		if err := u.input(t.Context(), in); err == nil {
			t.Fatal("part 3 was taken")
		}
		p.set(func() { p.refuse, *how, p.puts = 0, true, nil })
		if err := u.input(t.Context(), in); err != nil || !bytes.Equal(p.objects[path], content) || len(p.puts) != 3 {
			t.Errorf("%v, sent %v", err, p.puts)
		}
		p.set(func() { *how, p.id = false, "" })
	}

	// What is no longer what was planned does not become an object.
	for _, open := range []func(context.Context, io.Writer) error{
		func(_ context.Context, w io.Writer) error { _, err := w.Write(append(content, 'x')); return err },
		func(_ context.Context, w io.Writer) error { _, err := w.Write(content[:leastPart+5]); return err },
		func(_ context.Context, w io.Writer) error {
			_, err := w.Write(content)
			return cmpErr(err, errors.New("it was changed"))
		},
	} {
		p.set(func() { p.objects, p.id = map[string][]byte{}, "" })
		other := in
		other.open = open
		if err := u.input(t.Context(), other); err == nil || len(p.objects) != 0 {
			t.Errorf("%v; %d objects", err, len(p.objects))
		}
	}
	if got := []int64{partSize(1), partSize(leastPart * mostParts), partSize(leastPart*mostParts + 1)}; !slices.Equal(got, []int64{leastPart, leastPart, leastPart + 1}) {
		t.Errorf("%v", got)
	}
}

func cmpErr(a, b error) error {
	if a != nil {
		return a
	}
	return b
}
