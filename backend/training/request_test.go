package training

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tunebench/backend/config"
	"tunebench/backend/training/container"
)

var update = flag.Bool("update", false, "write testdata/requests anew")

// requestCases are the jobs whose requests are kept in testdata/requests, where
// .ci/requests.py holds them against AWS's own service model.
var requestCases = map[string]Spec{
	"one-gpu":   {Options: Options{Instance: "ml.g6e.2xlarge", HubTokenSecret: "arn:aws:secretsmanager:us-east-1:111122223333:secret:hub-AbCdEf"}},
	"four-gpus": {Set: map[string]string{"strategy": "fsdp", "packing": "false", "micro_batch_rows": "2"}, Options: Options{Instance: "ml.g5.12xlarge"}},
	"spot":      {Options: Options{Spot: true, MaxRuntimeHours: 6, MaxWaitHours: 12}},
	"vpc":       {Options: Options{Subnets: []string{"subnet-0a", "subnet-0b"}, SecurityGroups: []string{"sg-0a"}}},
	"isolated":  {Options: Options{NetworkIsolation: true, BaseWeights: "s3://bkt/base/mistral/", Wheels: "s3://bkt/wheels/"}},
	"two-nodes": {Options: Options{Instance: "ml.g5.12xlarge", InstanceCount: 2}},
	"notebook":  {Preset: "notebook", Options: Options{Instance: "ml.g5.12xlarge", InstanceCount: 1, MaxRuntimeHours: 48}},
	"kms-tags":  {Options: Options{Instance: "ml.p3.2xlarge", KMSKey: "arn:aws:kms:us-east-1:111122223333:key/k", Tags: map[string]string{"team": "search", "cost": "42"}}},
}

func bigService(t *testing.T) (*Service, *script) {
	s, sc := scripted(t)
	s.c.BaseModel, s.c.Container, s.c.Defaults = "mistralai/Mistral-7B-v0.3", container.Files(), config.Training{Instance: "ml.g5.2xlarge"}
	return s, sc
}

func TestRequests(t *testing.T) {
	for name, spec := range requestCases {
		t.Run(name, func(t *testing.T) {
			s, sc := bigService(t)
			spec.Dataset, spec.Name = rowsFile(t, 20), "job-"+name
			p, err := s.Plan(t.Context(), spec)
			if err != nil {
				t.Fatal(err)
			}
			got, err := s.Request(t.Context(), p)
			if err != nil {
				t.Fatal(err)
			}
			if sc.puts != 0 || len(sc.bodies) != 0 {
				t.Errorf("a request that is only shown was sent: %d uploads, %d calls", sc.puts, len(sc.bodies))
			}
			// What is shown is what Start sends, and the SDK takes it.
			sc.on("DescribeTrainingJob", func(map[string]any) (int, any) {
				return fail(400, "ValidationException", "Requested resource not found.")
			})
			sc.on("CreateTrainingJob", func(map[string]any) (int, any) { return 200, map[string]any{"TrainingJobArn": "arn:x"} })
			if _, err := s.Start(t.Context(), p); err != nil {
				t.Fatal(err)
			}
			sent, err := json.Marshal(sc.bodies["CreateTrainingJob"])
			if err != nil {
				t.Fatal(err)
			}
			var shown any
			if err := json.Unmarshal(got, &shown); err != nil {
				t.Fatal(err)
			}
			if again, err := json.Marshal(shown); err != nil || !bytes.Equal(again, sent) {
				t.Errorf("shown and sent differ (%v)\nshown %s\nsent  %s", err, again, sent)
			}
			prefix := codePrefix(t, shown)
			for _, file := range []string{"job.json", "launch.py", "tb/train.py"} {
				if sc.objects["/bkt/"+prefix+file] == "" {
					t.Errorf("%s was not uploaded under %s", file, prefix)
				}
			}
			keep(t, filepath.Join("testdata", "requests", name+".json"), shown, prefix)
		})
	}
}

func codePrefix(t *testing.T, request any) string {
	t.Helper()
	for _, c := range request.(map[string]any)["InputDataConfig"].([]any) {
		c := c.(map[string]any)
		if c["ChannelName"] == "code" {
			uri := c["DataSource"].(map[string]any)["S3DataSource"].(map[string]any)["S3Uri"].(string)
			return strings.TrimPrefix(uri, "s3://bkt/")
		}
	}
	t.Fatal("there is no code channel")
	return ""
}

// keep compares with a golden file, in which the hash of the code is left out:
// it changes with each line of the container's code.
func keep(t *testing.T, path string, v any, code string) {
	t.Helper()
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	b = append(bytes.ReplaceAll(b, []byte(code), []byte(inputPrefix+"/code-HASH/")), '\n')
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(want, b) {
		t.Errorf("%s differs (%v); go test ./backend/training -run TestRequests -update writes it anew\n%s", path, err, b)
	}
}

func TestOptionsThatCannotBe(t *testing.T) {
	for want, o := range map[string]Options{
		"an instance type such as":     {Instance: "g5.xlarge"},
		"1 to 100":                     {InstanceCount: 101},
		"of at most 255":               {Image: "an image"},
		"at most 672":                  {MaxRuntimeHours: 673},
		"is for spot capacity":         {MaxWaitHours: 3},
		"at least max_runtime_hours":   {Spot: true, MaxRuntimeHours: 5, MaxWaitHours: 4},
		"needs both":                   {Subnets: []string{"subnet-1"}},
		"never the token itself":       {HubTokenSecret: "hf_abc"},
		"such as s3://bucket/folder/":  {BaseWeights: "/home/me/weights"},
		"created-by is taken":          {Tags: map[string]string{"created-by": "me"}},
		"does not begin with aws:":     {Tags: map[string]string{"aws:x": "me"}},
		"ids such as subnet-0abc":      {Subnets: []string{"subnet 1"}, SecurityGroups: []string{"sg-1"}},
		"the id, alias or ARN of a ke": {KMSKey: "a key"},
	} {
		if err := o.check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", o, err, want)
		}
	}
	if err := (Options{}).check(); err != nil {
		t.Error(err)
	}
}

func TestImageAndOptionWarnings(t *testing.T) {
	s, _ := bigService(t)
	s.c.Region = "eu-central-1"
	p, err := s.Plan(t.Context(), Spec{Dataset: rowsFile(t, 20), Set: map[string]string{"checkpoint_every": "0"},
		Options: Options{Image: "pytorch-2.6", Spot: true, NetworkIsolation: true}})
	if err != nil {
		t.Fatal(err)
	}
	if want := "763104351884.dkr.ecr.eu-central-1.amazonaws.com/pytorch-training:2.6.0-gpu-py312-cu126-ubuntu22.04-sagemaker"; p.Image != want {
		t.Errorf("image %s", p.Image)
	}
	said := strings.Join(p.Warnings, "\n")
	for _, want := range []string{"spot capacity without checkpoints", "with network isolation"} {
		if !strings.Contains(said, want) {
			t.Errorf("no warning %q in:\n%s", want, said)
		}
	}
	_, warning, err := s.image("")
	if err != nil || !strings.Contains(warning, "no security fixes") {
		t.Errorf("%q, %v", warning, err)
	}
	s.c.Region = "ap-south-1"
	if _, _, err := s.image(""); err == nil || !strings.Contains(err.Error(), "name the image yourself") {
		t.Errorf("%v", err)
	}
	if uri, _, err := s.image("my.registry/x:1"); err != nil || uri != "my.registry/x:1" {
		t.Errorf("%s, %v", uri, err)
	}
}
