package account

import (
	"strings"
	"testing"

	"tunebench/backend/config"
)

// TestProbeRole: a role that is missing, is none, or belongs to somebody else is
// said with what to do; that it can be assumed is not claimed.
func TestProbeRole(t *testing.T) {
	a := &Account{name: AWS, region: "us-east-1", config: config.Default()}
	for role, want := range map[string]string{
		"":                                 "not ok|none is configured|tunebench train role",
		"role":                             "not ok|is no role's ARN|account.training_role as arn:aws:iam",
		"arn:aws:iam::444455556666:role/x": "not ok|belongs to the account 444455556666|Take a role of 111122223333",
		"arn:aws:iam::111122223333:role/x": "unknown|only a job shows that|tunebench train role",
	} {
		var got string
		a.probeRole(func(check, result, detail, remedy string) { got = check + "|" + result + "|" + detail + "|" + remedy }, "training role", "account.training_role", role, "111122223333", "tunebench train role")
		for _, part := range strings.Split(want, "|") {
			if !strings.Contains(got, part) {
				t.Errorf("%q: %q lacks %q", role, got, part)
			}
		}
	}
}

// TestProbe: what the account does not answer is said with the action that it
// needs; nothing of it stops the rest. The account here knows objects only.
func TestProbe(t *testing.T) {
	var o opened
	a := openTest(t, Options{Name: Local, Paths: home(t), open: o.open})
	got := map[string]Probed{}
	for _, p := range a.Probe(t.Context()) {
		got[p.Check] = p
	}
	if p := got["bucket"]; p.Result != ProbeOK || p.Detail != localBucket {
		t.Errorf("%+v", p)
	}
	if p := got["list the bucket"]; p.Result != ProbeOK {
		t.Errorf("%+v", p)
	}
	if p := got["list training jobs"]; p.Result != ProbeFailed || p.Detail == "" {
		t.Errorf("%+v", p)
	}
	if _, ok := got["training role"]; ok || len(got) != 8 {
		t.Errorf("%d checks: %v", len(got), got)
	}
}
