package training

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"tunebench/backend/account"
	"tunebench/backend/artifact"
	"tunebench/backend/config"
	"tunebench/backend/dataset"
)

// billing is a service that bills, before an S3 that answers HEAD by bucket.
func billing(t *testing.T, buckets http.HandlerFunc) *Service {
	t.Helper()
	srv := httptest.NewServer(buckets)
	t.Cleanup(srv.Close)
	d := config.Default()
	client := s3.New(s3.Options{Region: "us-east-1", BaseEndpoint: &srv.URL, UsePathStyle: true, Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider("a", "b", "")})
	return New(Config{BaseModel: big, Bills: true, S3: client, Defaults: d.Training, Prices: d.Prices, Region: "us-east-1", Bucket: "here",
		RoleARN: "arn:aws:iam::111122223333:role/train", AccountID: func(context.Context) (string, error) { return "111122223333", nil }, Now: clock})
}

func found(t *testing.T, what string, all []string, want string) {
	t.Helper()
	if !slices.ContainsFunc(all, func(s string) bool { return strings.Contains(s, want) }) {
		t.Errorf("%s: no %q in %q", what, want, all)
	}
}

func TestPlanAsksForBuckets(t *testing.T) {
	asked := map[string]int{}
	s := billing(t, func(w http.ResponseWriter, r *http.Request) {
		name := strings.Trim(r.URL.Path, "/")
		asked[name]++
		switch name {
		case "here":
			w.Header().Set("x-amz-bucket-region", "us-east-1")
		case "elsewhere":
			w.Header().Set("x-amz-bucket-region", "eu-west-1")
			w.WriteHeader(http.StatusMovedPermanently)
		case "secret":
			w.WriteHeader(http.StatusForbidden)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	})
	spec := Spec{Dataset: rowsFile(t, 50), Options: Options{BaseWeights: "s3://elsewhere/w/", Wheels: "s3://none/p/", Checkpoints: "s3://secret/c/"}}
	for range 3 { // as while somebody types
		p, err := s.Plan(t.Context(), spec)
		if err != nil {
			t.Fatal(err)
		}
		found(t, "elsewhere", p.Warnings, "the bucket elsewhere for the base weights is in eu-west-1, the job would run in us-east-1")
		found(t, "none", p.Warnings, "there is no bucket none for the packages; make it with: aws s3 mb s3://none --region us-east-1")
		var open []string
		for _, u := range p.Unchecked {
			open = append(open, u.What+" | "+u.How)
		}
		found(t, "secret", open, "whether the bucket secret is in us-east-1")
		found(t, "quota", open, `"ml.g6e.2xlarge for training job usage" is at least 1`)
		found(t, "quota", open, "aws service-quotas list-service-quotas --service-code sagemaker --region us-east-1")
		found(t, "role", open, "whether SageMaker may assume the role arn:aws:iam::111122223333:role/train")
		for _, w := range p.Warnings {
			if strings.Contains(w, "bucket here") {
				t.Error(w)
			}
		}
	}
	if fmt.Sprint(asked) != "map[elsewhere:1 here:1 none:1 secret:1]" {
		t.Errorf("asked %v", asked)
	}
}

func TestPlanChecksRole(t *testing.T) {
	s := billing(t, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("x-amz-bucket-region", "us-east-1") })
	for role, want := range map[string]string{
		"":                                 "no training role is configured",
		"role":                             "role is no role's ARN",
		"arn:aws:iam::999999999999:role/x": "belongs to the account 999999999999, and the job would run in 111122223333",
	} {
		s.c.RoleARN = role
		p, err := s.Plan(t.Context(), Spec{Dataset: rowsFile(t, 50), Options: Options{Spot: true, InstanceCount: 2}})
		if err != nil {
			t.Fatal(err)
		}
		found(t, role, p.Warnings, want)
		if len(p.Unchecked) != 1 || !strings.Contains(p.Unchecked[0].What, `"ml.g6e.2xlarge for spot training job usage" is at least 2`) {
			t.Errorf("%q: %+v", role, p.Unchecked)
		}
	}
}

// TestPlanWithoutS3: an account that does not answer keeps no plan from being
// made.
func TestPlanWithoutS3(t *testing.T) {
	s := billing(t, func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	p := Plan{Output: "s3://here/x", Instance: "ml.g5.xlarge"}
	s.checkAccount(ctx, &p)
	if len(p.Unchecked) == 0 || !strings.Contains(p.Unchecked[0].What, "whether the bucket here is in us-east-1: S3 did not answer in time") {
		t.Errorf("%+v", p)
	}
}

func TestEstimateIsARange(t *testing.T) {
	s := billing(t, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("x-amz-bucket-region", "us-east-1") })
	p, err := s.Plan(t.Context(), Spec{Dataset: rowsFile(t, 5000), Preset: "notebook", Set: map[string]string{"max_steps": "400"}, Options: Options{Instance: "ml.g5.12xlarge"}})
	if err != nil {
		t.Fatal(err)
	}
	c, d := p.Cost, p.Time
	if c == nil || d == nil || !(c.LowUSD > 0 && c.LowUSD < c.USD && c.USD < c.HighUSD && c.HighUSD < 4*c.LowUSD) ||
		!(d.LowSeconds > 720 && d.LowSeconds < d.Seconds && d.Seconds < d.HighSeconds) || c.SpotHighUSD >= c.USD {
		t.Fatalf("%+v %+v", c, d)
	}
	// 400 steps of 16 rows of 3072 tokens at 700 a second on each of four GPUs.
	tokens := 400.0 * 16 * 3072
	if want := 1200 + tokens/(700*4*0.9); float64(d.Seconds) < want-2 || float64(d.Seconds) > want+2 {
		t.Errorf("%d s, want %.0f", d.Seconds, want)
	}
	if want := float64(d.Seconds) / 3600 * 7.09; c.USD < want-0.01 || c.USD > want+0.01 {
		t.Errorf("$%.2f, want %.2f", c.USD, want)
	}
	for _, want := range []string{"$7.090 an hour", "price of 2026-07-02 in us-east-1", "public tables"} {
		if !strings.Contains(c.Basis, want) {
			t.Errorf("no %q in %s", want, c.Basis)
		}
	}
	if !strings.Contains(d.Basis, "planning values, not measured") || d.Text() != "1.6 to 4.9 h" && !strings.Contains(d.Text(), " h to ") {
		t.Errorf("%s; %s", d.Basis, d.Text())
	}
	p, err = s.Plan(t.Context(), Spec{Dataset: rowsFile(t, 5000), Set: map[string]string{"max_steps": "40000"}})
	if err != nil {
		t.Fatal(err)
	}
	found(t, "time", p.Warnings, "would be ended after max_runtime_hours 24")
	p, err = s.Plan(t.Context(), Spec{Dataset: rowsFile(t, 50), Options: Options{Instance: "ml.c5.xlarge"}})
	if err != nil || p.Cost != nil {
		t.Fatalf("%+v %v", p, err)
	}
	found(t, "instance", p.Warnings, "the speed of ml.c5.xlarge is not known here")
}

// TestPlanCountsTokens: with a tokenizer rows are counted as they are rendered,
// and those that lose their end or are left out are told apart.
func TestPlanCountsTokens(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rows.jsonl")
	var b strings.Builder
	put := func(question, answer string) {
		line, err := json.Marshal(map[string]string{"question": question, "answer": answer})
		if err != nil {
			t.Fatal(err)
		}
		b.Write(append(line, '\n'))
	}
	for range 18 {
		put("What is it?", "A tent.")
	}
	put("What is it?", strings.Repeat("A tent. ", 200))
	put(strings.Repeat("What is it? ", 200), "A tent.")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	loads := 0
	s := New(Config{BaseModel: SmallBase, Bucket: "b", RoleARN: "r", Now: clock, TokenizerName: "the small model",
		Tokenizer: func() (*artifact.Tokenizer, error) { loads++; return account.LocalTokenizer() }})
	var p Plan
	for range 2 {
		var err error
		if p, err = s.Plan(t.Context(), Spec{Dataset: path}); err != nil {
			t.Fatal(err)
		}
	}
	f, err := artifact.FormatByName("mistral-v3")
	if err != nil {
		t.Fatal(err)
	}
	tok, err := account.LocalTokenizer()
	if err != nil {
		t.Fatal(err)
	}
	want := 0
	for _, e := range []struct {
		q, a string
		n    int
	}{{"What is it?", "A tent.", 18}, {"What is it?", strings.Repeat("A tent. ", 200), 1}, {strings.Repeat("What is it? ", 200), "A tent.", 1}} {
		ids, _, err := f.EncodeExample(tok, []artifact.Message{{Role: "user", Content: e.q}, {Role: "assistant", Content: e.a}})
		if err != nil {
			t.Fatal(err)
		}
		want += e.n * len(ids)
	}
	if p.Tokens != int64(want) || p.TruncatedRows != 1 || p.DroppedRows != 1 || p.TokensBy != "the small model's tokenizer" || loads != 1 {
		t.Errorf("%d tokens by %s, want %d; %d cut, %d left out; loaded %d times", p.Tokens, p.TokensBy, want, p.TruncatedRows, p.DroppedRows, loads)
	}
	found(t, "cut", p.Warnings, "max_sequence_length 64 cuts off the end of 5.0 % of the rows (1 of 20)")
	found(t, "left", p.Warnings, "5.0 % of the rows (1 of 20) is left out: the question alone fills max_sequence_length 64")

	// Many rows are counted by evenly spread ones: here all alike, so exactly.
	many := rowsFile(t, 3*encodedRows)
	c, err := s.count(t.Context(), many, "mistral-v3", 64)
	if err != nil || c.all || c.usable != 3*encodedRows {
		t.Fatalf("%+v %v", c, err)
	}
	whole, err := countAll(t, many, tok)
	if err != nil || c.tokens < 0.97*whole || c.tokens > 1.03*whole {
		t.Errorf("%.0f tokens, want about %.0f (%v)", c.tokens, whole, err)
	}

	s = New(Config{BaseModel: SmallBase, Now: clock, Tokenizer: func() (*artifact.Tokenizer, error) { return nil, errors.New("it is broken") }})
	if p, err = s.Plan(t.Context(), Spec{Dataset: path}); err != nil {
		t.Fatal(err)
	}
	found(t, "broken", p.Warnings, "tokens are estimated: it is broken")
}

func countAll(t *testing.T, path string, tok *artifact.Tokenizer) (n float64, err error) {
	t.Helper()
	d, err := dataset.Open(t.Context(), path, dataset.OpenOptions{})
	if err != nil {
		return 0, err
	}
	defer d.Close()
	f, err := artifact.FormatByName("mistral-v3")
	if err != nil {
		return 0, err
	}
	err = d.Examples(t.Context(), 0, func(e dataset.Example) error {
		k, _, err := encodedLength(f, tok, e)
		n += float64(k)
		return err
	})
	return n, err
}

func TestPlanHoldsFormats(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	if _, err := dataset.Prepare(t.Context(), rowsFile(t, 100), dataset.PrepareOptions{Out: out, Split: [3]float64{0.8, 0.2, 0}, PromptFormat: "human-assistant"}, nil); err != nil {
		t.Fatal(err)
	}
	instruct := New(Config{BaseModel: "mistralai/Mistral-7B-Instruct-v0.3", Region: "us-east-1", Now: clock})
	p, err := instruct.Plan(t.Context(), Spec{Dataset: out, Set: map[string]string{"prompt_format": "plain"}})
	if err != nil {
		t.Fatal(err)
	}
	found(t, "prepared", p.Warnings, "prepared for the prompt format human-assistant, and this job teaches plain")
	found(t, "own", p.Warnings, "answers in the prompt format mistral-v3, and this job teaches plain")
	p, err = New(Config{BaseModel: big, Region: "us-east-1", Now: clock}).Plan(t.Context(), Spec{Dataset: out})
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range p.Warnings {
		if strings.Contains(w, "prompt format") {
			t.Error(w)
		}
	}
}

func TestRolePolicies(t *testing.T) {
	p := RolePolicies("111122223333", "us-gov-west-1", "mine", "", Options{BaseWeights: "s3://other/w/", Wheels: "s3://mine/p/", KMSKey: "alias/k",
		HubTokenSecret: "arn:aws-us-gov:secretsmanager:us-gov-west-1:111122223333:secret:t", Subnets: []string{"subnet-a"}, SecurityGroups: []string{"sg-a"}})
	b, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"Service":"sagemaker.amazonaws.com"`, "arn:aws-us-gov:s3:::mine/*", "arn:aws-us-gov:s3:::other/*", "secret:t", "ec2:CreateNetworkInterface",
		"kms:CreateGrant", "role/NAME-OF-THE-ROLE", "arn:aws-us-gov:logs:us-gov-west-1:111122223333:log-group:/aws/sagemaker/TrainingJobs*"} {
		if !strings.Contains(string(b), want) {
			t.Errorf("no %s in %s", want, b)
		}
	}
	b, err = json.Marshal(RolePolicies("111122223333", "us-east-1", "mine", "arn:aws:iam::111122223333:role/r", Options{}))
	if err != nil {
		t.Fatal(err)
	}
	for _, not := range []string{"kms:", "ec2:", "secretsmanager:", "NAME-OF"} {
		if strings.Contains(string(b), not) {
			t.Errorf("%s in %s", not, b)
		}
	}
}
