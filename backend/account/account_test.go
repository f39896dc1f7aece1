package account

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"tunebench/backend/account/awserror"
	"tunebench/backend/config"
	"tunebench/backend/localaws/objects"
	localsts "tunebench/backend/localaws/sts"
	"tunebench/backend/localaws/wire"
)

// fakeLocal is a local account with the real wire, object store and STS, and
// jobs that exist only as a number.
type fakeLocal struct {
	http.Handler
	jobs           atomic.Int64
	paused, closed atomic.Bool
}

func (f *fakeLocal) ActiveJobs() int             { return int(f.jobs.Load()) }
func (f *fakeLocal) Pause(context.Context) error { f.paused.Store(true); return nil }
func (f *fakeLocal) Close() error                { f.closed.Store(true); return nil }

// opened collects the local accounts that a test opened.
type opened struct {
	mu  sync.Mutex
	all []*fakeLocal
}

func (o *opened) open(_ context.Context, lo localOptions) (localAccount, error) {
	store, err := objects.Open(filepath.Join(lo.dir, "s3"), objects.Options{})
	if err != nil {
		return nil, err
	}
	mux := wire.NewMux(wire.Options{AccessKeyID: lo.key.AccessKeyID, SecretAccessKey: lo.key.SecretAccessKey})
	store.Register(mux)
	localsts.Register(mux)
	f := &fakeLocal{Handler: mux}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.all = append(o.all, f)
	return f, nil
}

func (o *opened) get(i int) *fakeLocal {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.all[i]
}

func (o *opened) count() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.all)
}

func home(t *testing.T) config.Paths {
	t.Helper()
	p, err := config.DefaultPaths(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func openTest(t *testing.T, o Options) *Account {
	t.Helper()
	a, err := Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return a
}

// use sends requests of two services, one with a body that takes several reads.
func use(t *testing.T, a *Account, key string) {
	t.Helper()
	ctx := context.Background()
	id, err := a.Identity(ctx)
	if err != nil || id.Account != "000000000000" {
		t.Fatalf("%+v, %v", id, err)
	}
	body := bytes.Repeat([]byte(key), 1<<20)
	if _, err := a.S3().PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String(a.Bucket()), Key: &key, Body: bytes.NewReader(body)}); err != nil {
		t.Fatal(err)
	}
	out, err := a.S3().GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(a.Bucket()), Key: &key})
	if err != nil {
		t.Fatal(err)
	}
	defer out.Body.Close()
	if got, err := io.ReadAll(out.Body); err != nil || !bytes.Equal(got, body) {
		t.Fatalf("read back %d bytes, %v", len(got), err)
	}
}

// Several processes share one local account; accounts in one process stand in
// for them.
func TestOneOwnerAndWhoComesAfter(t *testing.T) {
	var locals opened
	o := Options{Paths: home(t), open: locals.open, NoBackground: true}
	first := openTest(t, o)
	second := openTest(t, o)
	third := openTest(t, o)
	use(t, first, "a")
	use(t, second, "b")
	if n := locals.count(); n != 1 {
		t.Fatalf("%d owners", n)
	}
	st, err := os.Stat(socketPath(first.local.dir))
	if err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("socket %v, %v", st.Mode(), err)
	}
	if err := first.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if !locals.get(0).closed.Load() || locals.get(0).paused.Load() {
		t.Error("the owner left without closing, or paused nothing")
	}
	if _, err := first.Identity(context.Background()); !errors.Is(err, errClosed) {
		t.Errorf("closed account: %v", err)
	}
	// Both others notice at once; one of them takes over.
	var wg sync.WaitGroup
	for _, a := range []*Account{second, third} {
		wg.Go(func() { use(t, a, "c") })
	}
	wg.Wait()
	if n := locals.count(); n != 2 {
		t.Errorf("%d owners after the first left", n)
	}
}

func TestKilledOwnerIsReplaced(t *testing.T) {
	var locals opened
	o := Options{Paths: home(t), open: locals.open, NoBackground: true}
	first := openTest(t, o)
	second := openTest(t, o)
	use(t, second, "a")
	// What a kill leaves: the socket's file, no listener, no lock.
	own := first.local.owner
	stale := own.socket + ".kept"
	if err := os.Link(own.socket, stale); err != nil {
		t.Fatal(err)
	}
	own.server.Close()
	<-own.served
	if err := os.Rename(stale, own.socket); err != nil {
		t.Fatal(err)
	}
	own.lock.Close()
	use(t, second, "b")
	if n := locals.count(); n != 2 {
		t.Errorf("%d owners", n)
	}
	first.local.mu.Lock()
	first.local.owner = nil // the killed one closes nothing
	first.local.mu.Unlock()
}

func TestRunningJobsAreHandedOver(t *testing.T) {
	var locals opened
	var homes []string
	p := home(t)
	ctx, stop := context.WithCancel(context.Background())
	var background sync.WaitGroup
	o := Options{Paths: p, open: locals.open}
	o.spawn = func(home string) error {
		homes = append(homes, home)
		background.Go(func() {
			if err := RunOwner(ctx, o); err != nil {
				t.Error(err)
			}
		})
		return nil
	}
	a := openTest(t, o)
	locals.get(0).jobs.Store(1)
	if err := a.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if !locals.get(0).paused.Load() || len(homes) != 1 || homes[0] != p.Config {
		t.Errorf("paused %v, spawned %q", locals.get(0).paused.Load(), homes)
	}
	b := openTest(t, o)
	use(t, b, "x")
	if b.local.owner != nil || locals.count() != 2 {
		t.Error("the background owner does not own")
	}
	stop()
	background.Wait()
	if !locals.get(1).closed.Load() {
		t.Error("the background owner left without closing")
	}
}

func TestIdle(t *testing.T) {
	f := &fakeLocal{}
	o := &owner{account: f}
	now := time.Now()
	o.lastUsed.Store(now.UnixNano())
	for _, c := range []struct {
		after          time.Duration
		jobs, requests int64
		want           bool
	}{{9 * time.Second, 0, 0, false}, {11 * time.Second, 0, 0, true}, {11 * time.Second, 1, 0, false}, {11 * time.Second, 0, 1, false}} {
		f.jobs.Store(c.jobs)
		o.requests.Store(c.requests)
		if got := o.idle(now.Add(c.after)); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

func TestHungOwner(t *testing.T) {
	var locals opened
	p := home(t)
	s, err := newSession(Options{Paths: p, open: locals.open})
	if err != nil {
		t.Fatal(err)
	}
	lock, err := tryLock(s.dir)
	if err != nil || lock == nil {
		t.Fatal(err)
	}
	defer lock.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	if err := s.elect(ctx); err == nil || !strings.Contains(err.Error(), "process "+strconv.Itoa(os.Getpid())) {
		t.Errorf("%v", err)
	}
	if err := Reset(ctx, Options{Paths: p}); err == nil || !strings.Contains(err.Error(), "in use by process") {
		t.Errorf("reset: %v", err)
	}
}

func TestReset(t *testing.T) {
	var locals opened
	o := Options{Paths: home(t), open: locals.open, NoBackground: true}
	a := openTest(t, o)
	use(t, a, "a")
	if err := a.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := Reset(context.Background(), o); err != nil {
		t.Fatal(err)
	}
	b := openTest(t, o)
	list, err := b.S3().ListObjectsV2(context.Background(), &s3.ListObjectsV2Input{Bucket: aws.String(b.Bucket())})
	if err != nil || len(list.Contents) != 0 {
		t.Errorf("%d objects are left, %v", len(list.Contents), err)
	}
}

func TestLongSocketPath(t *testing.T) {
	var locals opened
	p, err := config.DefaultPaths(filepath.Join(t.TempDir(), strings.Repeat("long", 30)))
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Paths: p, open: locals.open, NoBackground: true}
	openTest(t, o)
	use(t, openTest(t, o), "a")
	if locals.count() != 1 {
		t.Error("two owners")
	}
}

func TestServe(t *testing.T) {
	for _, listen := range []string{"0.0.0.0:0", "192.0.2.1:80", "nonsense"} {
		if err := Serve(context.Background(), Options{Paths: home(t)}, listen, func([]string) error { return nil }); err == nil || !strings.Contains(err.Error(), "127.0.0.1:0") {
			t.Errorf("%s: %v", listen, err)
		}
	}
	var locals opened
	o := Options{Paths: home(t), open: locals.open, NoBackground: true}
	// Once as the owner, once while another process owns the account.
	for _, owned := range []bool{false, true} {
		if owned {
			openTest(t, o)
		}
		ctx, stop := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		env := make(chan []string, 1)
		go func() { ended <- Serve(ctx, o, "127.0.0.1:0", func(e []string) error { env <- e; return nil }) }()
		var values map[string]string
		select {
		case e := <-env:
			values = map[string]string{}
			for _, kv := range e {
				k, v, _ := strings.Cut(kv, "=")
				values[k] = v
			}
		case err := <-ended:
			t.Fatal(err)
		}
		cfg := aws.Config{Region: values["AWS_REGION"], BaseEndpoint: aws.String(values["AWS_ENDPOINT_URL"]),
			Credentials: credentials.NewStaticCredentialsProvider(values["AWS_ACCESS_KEY_ID"], values["AWS_SECRET_ACCESS_KEY"], "")}
		if out, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{}); err != nil || aws.ToString(out.Account) != "000000000000" {
			t.Errorf("owned %v: %v", owned, err)
		}
		bucket := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
		if _, err := bucket.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String("over-tcp")}); err != nil && awserror.KindOf(err) != awserror.Exists {
			t.Errorf("owned %v: %v", owned, err)
		}
		cfg.Credentials = credentials.NewStaticCredentialsProvider(values["AWS_ACCESS_KEY_ID"], "wrong", "")
		if _, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{}); awserror.KindOf(err) != awserror.Credentials {
			t.Errorf("owned %v, wrong secret: %v", owned, err)
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// isolate keeps the tests away from the user's AWS set-up.
func isolate(t *testing.T, configFile string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(path, []byte(configFile), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, kv := range os.Environ() {
		if name, _, _ := strings.Cut(kv, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "") // restores it afterwards
			os.Unsetenv(name)
		}
	}
	t.Setenv("AWS_CONFIG_FILE", path)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", path+".none")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
}

// TestServeBounds: who asks for another host by name gets nothing, nor does one
// without a signature; what is too long or never comes is ended.
func TestServeBounds(t *testing.T) {
	for host, want := range map[string]bool{
		"127.0.0.1:4566": true, "localhost": true, "LOCALHOST:80": true, "[::1]:99": true, "::1": true, "127.9.9.9": true, "bucket.localhost:4566": true, "localhost.": true,
		"evil.example": false, "evil.example:4566": false, "localhost.evil.example": false, "127.0.0.1.evil.example": false, "10.0.0.1": false, "0.0.0.0": false, "": false, "evil-localhost": false,
	} {
		if got := loopbackHost(host); got != want {
			t.Errorf("%q: %v", host, got)
		}
	}
	var o opened
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	addr := make(chan string, 1)
	done := make(chan error, 1)
	go func() {
		done <- Serve(ctx, Options{Paths: home(t), open: o.open}, "127.0.0.1:0", func(env []string) error {
			addr <- strings.TrimPrefix(env[0], "AWS_ENDPOINT_URL=http://")
			return nil
		})
	}()
	at := <-addr
	ask := func(host string) int {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+at+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	if got := ask("rebound.example:80"); got != http.StatusForbidden {
		t.Errorf("another host's name: %d", got)
	}
	if got := ask(at); got == http.StatusOK {
		t.Errorf("without a signature: %d", got)
	}
	c, err := net.Dial("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: "+at+"\r\nX-Long: "+strings.Repeat("x", 128<<10)+"\r\n\r\n"); err != nil {
		t.Log(err) // the answer may come before all has been sent
	}
	head := make([]byte, 64)
	n, _ := c.Read(head)
	if !strings.Contains(string(head[:n]), "431") {
		t.Errorf("a header of 128 KiB: %q", head[:n])
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestAWS(t *testing.T) {
	isolate(t, "[profile dev]\nregion = eu-central-1\naws_access_key_id = AKIAX\naws_secret_access_key = y\n")
	requests := make(chan *http.Request, 8)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests <- r
		if strings.HasPrefix(r.URL.Path, "/bkt") {
			return
		}
		w.WriteHeader(403)
		io.WriteString(w, `<ErrorResponse><Error><Type>Sender</Type><Code>ExpiredToken</Code><Message>old</Message></Error></ErrorResponse>`)
	}))
	defer srv.Close()
	t.Setenv("AWS_ENDPOINT_URL", srv.URL)
	a := openTest(t, Options{Name: AWS, Profile: "dev"})
	if a.Name() != "aws" || a.Region() != "eu-central-1" || !a.Bills() || a.Endpoint() != srv.URL || a.Profile() != "dev" {
		t.Errorf("%+v", a)
	}
	if _, err := a.Identity(context.Background()); awserror.KindOf(err) != awserror.Expired || !strings.Contains(err.Error(), "have expired") {
		t.Errorf("expired: %v", err)
	}
	if r := <-requests; !strings.Contains(r.UserAgent(), "app/tunebench") {
		t.Errorf("User-Agent %q", r.UserAgent())
	}
	if _, err := a.S3().HeadBucket(context.Background(), &s3.HeadBucketInput{Bucket: aws.String("bkt")}); err != nil {
		t.Errorf("path style: %v", err)
	}
	b := openTest(t, Options{Name: AWS, Profile: "dev", Region: "us-west-2"})
	if b.Region() != "us-west-2" {
		t.Errorf("Region %s", b.Region())
	}
}

func TestAWSErrors(t *testing.T) {
	isolate(t, `[profile sso]
region = us-east-1
sso_session = s
sso_account_id = 111122223333
sso_role_name = dev
[sso-session s]
sso_start_url = https://example.invalid/start
sso_region = us-east-1
[profile nowhere]
aws_access_key_id = AKIAX
aws_secret_access_key = y
[profile empty]
region = us-east-1
`)
	t.Setenv("HOME", t.TempDir())
	_, err := Open(context.Background(), Options{Name: AWS, Profile: "dve"})
	var missing awsconfig.SharedConfigProfileNotExistError
	if err == nil || !errors.As(err, &missing) || !strings.Contains(err.Error(), `no AWS profile "dve"`) {
		t.Errorf("profile: %v", err)
	}
	if _, err := Open(context.Background(), Options{Name: AWS, Profile: "nowhere"}); awserror.KindOf(err) != awserror.Region {
		t.Errorf("Region: %v", err)
	}
	a := openTest(t, Options{Name: AWS, Profile: "sso"})
	if _, err := a.Identity(context.Background()); awserror.KindOf(err) != awserror.Expired || !strings.Contains(err.Error(), "aws sso login --profile sso") {
		t.Errorf("SSO: %v", err)
	}
	a = openTest(t, Options{Name: AWS, Profile: "empty"})
	if _, err := a.Identity(context.Background()); awserror.KindOf(err) != awserror.Credentials {
		t.Errorf("no credentials: %v", err)
	}
	// A port that nobody listens on any more.
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	t.Setenv("AWS_ENDPOINT_URL", "http://"+ln.Addr().String())
	t.Setenv("AWS_MAX_ATTEMPTS", "1")
	a = openTest(t, Options{Name: AWS, Profile: "nowhere", Region: "us-east-1"})
	if _, err := a.Identity(context.Background()); awserror.KindOf(err) != awserror.Unreachable || !strings.Contains(err.Error(), ln.Addr().String()) {
		t.Errorf("unreachable: %v", err)
	}
	if _, err := Open(context.Background(), Options{Name: "azure"}); err == nil || !strings.Contains(err.Error(), "local or aws") {
		t.Errorf("name: %v", err)
	}
}

// Nothing of the user's AWS environment reaches the local account.
func TestLocalIgnoresAWSEnvironment(t *testing.T) {
	isolate(t, "")
	for name, value := range map[string]string{"AWS_PROFILE": "none", "AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_ENDPOINT_URL_STS": "http://127.0.0.1:1",
		"AWS_REGION": "mars-1", "AWS_CA_BUNDLE": "/none", "AWS_ACCESS_KEY_ID": "x", "HTTPS_PROXY": "http://127.0.0.1:1"} {
		t.Setenv(name, value)
	}
	var locals opened
	a := openTest(t, Options{Paths: home(t), open: locals.open, NoBackground: true})
	use(t, a, "a")
	if a.Region() != "us-east-1" || a.Bills() {
		t.Errorf("Region %s, bills %v", a.Region(), a.Bills())
	}
}
