package objectstore

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"tunebench/backend/account"
	"tunebench/backend/config"
	"tunebench/backend/dataset"
)

// localStore opens the local account; change sees every request before it goes on and
// may answer it, and may change the answer.
func localStore(t *testing.T, change func(r *http.Request, send func() (*http.Response, error)) (*http.Response, error)) (*Store, string) {
	t.Helper()
	ctx := context.Background()
	paths, err := config.DefaultPaths(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := paths.Create(); err != nil {
		t.Fatal(err)
	}
	acct, err := account.Open(ctx, account.Options{Name: account.Local, Paths: paths, Config: config.Default(), NoBackground: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := acct.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	client := acct.S3()
	if change != nil {
		o := client.Options()
		inner := o.HTTPClient
		o.HTTPClient = clientFunc(func(r *http.Request) (*http.Response, error) {
			return change(r, func() (*http.Response, error) { return inner.Do(r) })
		})
		o.RetryMaxAttempts = 1
		o.Retryer = aws.NopRetryer{}
		client = s3.New(o)
	}
	return New(client), acct.Bucket()
}

type clientFunc func(*http.Request) (*http.Response, error)

func (f clientFunc) Do(r *http.Request) (*http.Response, error) { return f(r) }

// preparedSet is a prepared dataset whose training split has about so many bytes.
func preparedSet(t *testing.T, size int) string {
	t.Helper()
	dir := t.TempDir()
	var b strings.Builder
	for i := 0; b.Len() < size; i++ {
		fmt.Fprintf(&b, `{"id":"r%d","question":"What is %d?","response":"%s"}`+"\n", i, i, strings.Repeat("some text ", 1+i%80))
	}
	src := filepath.Join(dir, "x.jsonl")
	if err := os.WriteFile(src, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "out")
	if _, err := dataset.Prepare(context.Background(), src, dataset.PrepareOptions{Out: out, Split: [3]float64{0.98, 0.01, 0.01}}, nil); err != nil {
		t.Fatal(err)
	}
	return out
}

func put(t *testing.T, s *Store, bucket, key, body string) string {
	t.Helper()
	if _, err := s.client.PutObject(context.Background(), &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader(body)}); err != nil {
		t.Fatal(err)
	}
	return "s3://" + bucket + "/" + key
}

func TestReadDatasetsInS3(t *testing.T) {
	ctx := context.Background()
	var drop atomic.Int32
	s, bucket := localStore(t, func(r *http.Request, send func() (*http.Response, error)) (*http.Response, error) {
		resp, err := send()
		if err == nil && r.Method == http.MethodGet && r.Header.Get("Range") != "" && drop.Add(-1) >= 0 {
			resp.Body = io.NopCloser(io.MultiReader(io.LimitReader(resp.Body, 1000), brokenReader{}))
		}
		return resp, err
	})
	var b strings.Builder
	for i := range 30_000 {
		fmt.Fprintf(&b, `{"question":"What is %d?","response":"It is %d, of course."}`+"\n", i, i)
	}
	one := put(t, s, bucket, "data/a.jsonl", b.String())
	put(t, s, bucket, "data/b.jsonl", `{"question":"last","response":"one"}`+"\n")
	put(t, s, bucket, "data/deeper/c.jsonl", `{"question":"hidden","response":"one"}`+"\n")
	put(t, s, bucket, "data/notes.md", "no rows")
	put(t, s, bucket, "data/empty.jsonl", "")

	drop.Store(3) // the network drops; reading goes on where it broke
	d, err := dataset.Open(ctx, one, dataset.OpenOptions{Objects: s})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := d.WaitIndexed(ctx); err != nil || d.Info().Rows != 30_000 {
		t.Fatalf("%d rows, %v", d.Info().Rows, err)
	}
	if rows, err := d.Rows(ctx, 29_999, 1); err != nil || len(rows) != 1 || rows[0].Question != "What is 29999?" {
		t.Errorf("%v, %v", rows, err)
	}
	if drop.Load() > 0 {
		t.Error("no connection was dropped")
	}

	folder, err := dataset.Open(ctx, "s3://"+bucket+"/data/", dataset.OpenOptions{Objects: s})
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	if err := folder.WaitIndexed(ctx); err != nil || folder.Info().Rows != 30_001 || len(folder.Info().Files) != 2 {
		t.Errorf("%+v, %v", folder.Info(), err)
	}

	// An object that is replaced while it is read is no mix of two.
	obj, err := s.Open(ctx, one)
	if err != nil {
		t.Fatal(err)
	}
	put(t, s, bucket, "data/a.jsonl", strings.ToUpper(b.String()))
	if _, err := obj.ReadAt(ctx, make([]byte, 10), 0); err == nil || !strings.Contains(err.Error(), "was replaced while it was being read") {
		t.Errorf("replaced: %v", err)
	}
	drop.Store(100) // a network that stays away
	obj, err = s.Open(ctx, one)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := obj.ReadAt(ctx, make([]byte, 1500), 0); err != nil || n != 1500 {
		t.Errorf("a connection that gives 1,000 bytes each time: %d, %v", n, err)
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errors.New("connection reset by peer") }

func TestLocations(t *testing.T) {
	s, bucket := localStore(t, nil)
	ctx := context.Background()
	for uri, want := range map[string]string{
		"s3://" + bucket + "/none.jsonl":     "there is no object",
		"s3://" + bucket:                     "names a bucket and no object",
		"s3://UPPER/x.jsonl":                 "is no S3 location",
		"s3://no-such-bucket-here/x.jsonl":   "there is no object",
		"s3://" + bucket + "/a\x1b[31m.json": "there is no object",
	} {
		if _, err := s.Open(ctx, uri); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\x1b") {
			t.Errorf("%q: %v, want %q", uri, err, want)
		}
	}
	if _, err := s.List(ctx, "s3://no-such-bucket-here/"); err == nil {
		t.Error("a bucket that does not exist is listed")
	}
}

const fiveMiB = 5 << 20 // the least that S3 takes

func TestUpload(t *testing.T) {
	ctx := context.Background()
	dir := preparedSet(t, 17<<20)
	s, bucket := localStore(t, nil)
	var last dataset.Progress
	o := UploadOptions{State: t.TempDir(), PartSize: fiveMiB}
	files, err := s.Upload(ctx, dir, "s3://"+bucket+"/sets/a", o, func(p dataset.Progress) { last = p })
	if err != nil {
		t.Fatal(err)
	}
	if last.Done != last.Total || last.Total < 10<<20 {
		t.Errorf("progress ended at %+v", last)
	}
	var names []string
	for _, f := range files {
		names = append(names, f.File)
		b, err := os.ReadFile(filepath.Join(dir, f.File))
		if err != nil {
			t.Fatal(err)
		}
		bucket, key, err := Split(f.URI)
		if err != nil {
			t.Fatal(err)
		}
		out, err := s.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(out.Body)
		out.Body.Close()
		if err != nil || !bytes.Equal(got, b) || f.Kept != 0 {
			t.Errorf("%s: %d bytes of %d, %v, %d kept", f.File, len(got), len(b), err, f.Kept)
		}
	}
	if !slices.Equal(names, []string{"train.jsonl", "validation.jsonl", "test.jsonl", "manifest.json"}) {
		t.Errorf("uploaded %q", names)
	}
	if left, err := os.ReadDir(o.State); err != nil || len(left) > 0 {
		t.Errorf("a finished upload is still remembered: %v, %v", left, err)
	}
	again, err := s.Upload(ctx, dir, "s3://"+bucket+"/sets/a/", o, nil)
	if err != nil || again[0].Kept != again[0].Bytes || again[0].URI != files[0].URI {
		t.Errorf("again: %+v, %v", again, err)
	}
}

func TestUploadGoesOn(t *testing.T) {
	ctx := context.Background()
	dir := preparedSet(t, 30<<20)
	var parts, allowed atomic.Int32
	allowed.Store(2)
	s, bucket := localStore(t, func(r *http.Request, send func() (*http.Response, error)) (*http.Response, error) {
		if r.Method == http.MethodPut && r.URL.Query().Has("partNumber") {
			if allowed.Add(-1) < 0 {
				return nil, errors.New("network is unreachable")
			}
			parts.Add(1)
		}
		return send()
	})
	to := "s3://" + bucket + "/sets/b/"
	o := UploadOptions{State: t.TempDir(), PartSize: fiveMiB}
	_, err := s.Upload(ctx, dir, to, o, nil)
	if err == nil || !strings.Contains(err.Error(), "start the upload again to go on") {
		t.Fatalf("an upload over a broken network: %v", err)
	}
	first := parts.Load()
	if first != 2 {
		t.Fatalf("%d parts were sent", first)
	}
	allowed.Store(1000)
	files, err := s.Upload(ctx, dir, to, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	all := int32((files[0].Bytes + fiveMiB - 1) / fiveMiB)
	if files[0].Kept != 2*fiveMiB || parts.Load() != all {
		t.Errorf("%d bytes were kept, %d parts sent in all, the file has %d", files[0].Kept, parts.Load(), all)
	}

	// What is remembered of other bytes, or of an upload that is gone, is not used.
	allowed.Store(1)
	to = "s3://" + bucket + "/sets/c/"
	if _, err := s.Upload(ctx, dir, to, o, nil); err == nil {
		t.Fatal("it was uploaded over a broken network")
	}
	remembered, err := filepath.Glob(filepath.Join(o.State, "*.json"))
	if err != nil || len(remembered) != 1 {
		t.Fatalf("%q, %v", remembered, err)
	}
	b, err := os.ReadFile(remembered[0])
	if err != nil {
		t.Fatal(err)
	}
	var p pending
	if err := json.Unmarshal(b, &p); err != nil || len(p.Parts) != 1 {
		t.Fatalf("%s, %v", b, err)
	}
	if st, err := os.Stat(remembered[0]); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", st.Mode(), err)
	}
	if _, err := s.client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &p.Bucket, Key: &p.Key, UploadId: &p.ID}); err != nil {
		t.Fatal(err)
	}
	allowed.Store(1000)
	if files, err = s.Upload(ctx, dir, to, o, nil); err != nil || files[0].Kept != 0 {
		t.Errorf("after the upload was aborted elsewhere: %+v, %v", files, err)
	}
}

func TestUploadIsVerified(t *testing.T) {
	ctx := context.Background()
	dir := preparedSet(t, 1000)
	s, bucket := localStore(t, func(r *http.Request, send func() (*http.Response, error)) (*http.Response, error) {
		resp, err := send()
		if err == nil && r.Method == http.MethodHead {
			resp.Header.Set("X-Amz-Checksum-Sha256", "AAAA")
		}
		return resp, err
	})
	if _, err := s.Upload(ctx, dir, "s3://"+bucket+"/x/", UploadOptions{}, nil); err == nil || !strings.Contains(err.Error(), "verify") {
		t.Errorf("another checksum: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "train.jsonl"), []byte("{}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Upload(ctx, dir, "s3://"+bucket+"/x/", UploadOptions{}, nil); err == nil || !strings.Contains(err.Error(), "not what its manifest says") {
		t.Errorf("a changed file: %v", err)
	}
	if _, err := s.Upload(ctx, t.TempDir(), "s3://"+bucket+"/x/", UploadOptions{}, nil); err == nil || !strings.Contains(err.Error(), "manifest.json") {
		t.Errorf("no manifest: %v", err)
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := s.Upload(ended, preparedSet(t, 1000), "s3://"+bucket+"/x/", UploadOptions{}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
