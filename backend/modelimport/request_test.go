package modelimport

import (
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/bedrock"

	"tunebench/backend/artifact/corpus"
)

var update = flag.Bool("update", false, "write testdata/requests anew")

// sniffer keeps the body of the request that creates a job, and passes it on.
type sniffer struct {
	inner bedrock.HTTPClient
	body  []byte
}

func (s *sniffer) Do(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/model-import-jobs") {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		s.body = b
		r.Body = io.NopCloser(bytes.NewReader(b))
	}
	return s.inner.Do(r)
}

// TestRequests: what a dry run shows is what is sent, and is kept for
// .ci/requests.py, which holds it against AWS's own service model.
func TestRequests(t *testing.T) {
	dir := t.TempDir()
	if err := corpus.Make(corpus.Layout{Tied: true}).Write(dir); err != nil {
		t.Fatal(err)
	}
	for name, o := range map[string]Options{
		"plain": {},
		"kms":   {KMSKey: "arn:aws:kms:us-east-1:111122223333:key/0a1b2c3d-0000-4000-8000-000000000000"},
		"vpc":   {Subnets: []string{"subnet-0123456789abcdef0", "subnet-0123456789abcdef1"}, SecurityGroups: []string{"sg-0123456789abcdef0"}},
		"tags":  {Tags: map[string]string{"team": "answers", "cost centre": "4711"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := service(t, nil)
			s.c.Now = func() time.Time { return time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC) }
			wire := &sniffer{inner: s.c.Bedrock.Options().HTTPClient}
			s.c.Bedrock = bedrock.New(s.c.Bedrock.Options(), func(o *bedrock.Options) { o.HTTPClient = wire })
			r := Request{Source: dir, Name: "mine", Options: o}
			shown, err := s.DryRun(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			if wire.body != nil {
				t.Fatal("a dry run sent its request")
			}
			if _, err := s.Start(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			var sent bytes.Buffer
			if err := json.Indent(&sent, wire.body, "", "  "); err != nil {
				t.Fatal(err)
			}
			if sent.String() != string(shown) {
				t.Errorf("shown\n%s\nsent\n%s", shown, sent.String())
			}
			path := filepath.Join("testdata", "requests", name+".json")
			if *update {
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, append(shown, '\n'), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			kept, err := os.ReadFile(path)
			if err != nil || string(kept) != string(shown)+"\n" {
				t.Errorf("%s is not what is shown (%v); -update writes it", path, err)
			}
		})
	}
	s := service(t, nil)
	for _, o := range []Options{{Subnets: []string{"subnet-1"}}, {SecurityGroups: []string{"sg-1"}}, {Tags: map[string]string{"aws:x": "y"}}, {Tags: map[string]string{"": "y"}}} {
		if _, err := s.DryRun(t.Context(), Request{Source: dir, Name: "mine", Options: o}); err == nil {
			t.Errorf("%+v was taken", o)
		}
	}
}
