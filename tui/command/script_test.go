package command

import (
	"context"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"tunebench/backend/dataset"
)

// TestMain lets the test binary be the program: the scripts run it as
// tunebench, and it runs itself as the owner that goes on with jobs.
func TestMain(m *testing.M) {
	dataset.SetSample(samples())
	program := func() { os.Exit(Main()) }
	if len(os.Args) > 2 && os.Args[1] == "local" && os.Args[2] == "owner" {
		program()
	}
	testscript.Main(m, map[string]func(){"tunebench": program})
}

func samples() fs.FS { return os.DirFS("../../testdata") }

// TestScripts runs the files in testdata/script: each is a story of commands
// with what they must print and how they must end.
func TestScripts(t *testing.T) {
	expired := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Amzn-Errortype", "ExpiredTokenException")
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte(`{"__type":"ExpiredTokenException","message":"The security token included in the request is expired"}`))
	}))
	t.Cleanup(expired.Close) // the scripts go on after this function
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Setenv("EXPIRED_URL", expired.URL)
			tokenizer, err := filepath.Abs("../../backend/artifact/testdata/spaces-first")
			if err != nil {
				return err
			}
			e.Setenv("TOKENIZER", tokenizer)
			for _, k := range []string{"AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_CA_BUNDLE", "AWS_REGION", "AWS_DEFAULT_REGION"} {
				e.Setenv(k, "")
			}
			e.Setenv("AWS_CONFIG_FILE", "/dev/null")
			e.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
			e.Setenv("AWS_EC2_METADATA_DISABLED", "true")
			e.Setenv("HOME", e.WorkDir)
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits": exits,
			"until": until,
			"taken": taken,
		},
	})
}

// exits STATUS COMMAND...: the command must end with this exit status.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	if err != nil || neg || len(args) < 2 {
		ts.Fatalf("usage: exits STATUS COMMAND...")
	}
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := err.(*exec.ExitError)
		if !ok {
			ts.Fatalf("%v: %v", args[1:], err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("%v ended with status %d, not %d", args[1:], got, want)
	}
}

// taken NAME REGEXP: the variable becomes what the group matches in the last output.
func taken(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: taken NAME REGEXP")
	}
	m := regexp.MustCompile(args[1]).FindStringSubmatch(ts.ReadFile("stdout"))
	if len(m) < 2 {
		ts.Fatalf("%s is nowhere in the last output", args[1])
	}
	ts.Setenv(args[0], m[1])
}

// until TEXT COMMAND...: repeats the command until its output holds the text.
func until(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: until TEXT COMMAND...")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ts.Exec(args[1], args[2:]...)
		if out := ts.ReadFile("stdout"); err == nil && containsText(out, args[0]) {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			ts.Fatalf("%v never printed %q", args[1:], args[0])
		}
	}
}
