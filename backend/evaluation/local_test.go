package evaluation

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tunebench/backend/account"
	"tunebench/backend/chat"
	"tunebench/backend/config"
	"tunebench/backend/localaws/tinymistral/base"
	"tunebench/backend/modelimport"
	"tunebench/backend/store"
)

// TestLocalAccount imports a copy of the base model into a real local account,
// talks to both and evaluates both. They are one model reached on two routes,
// Converse and a prompt rendered here, so a greedy answer must be the same.
func TestLocalAccount(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
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
	st, err := store.Open(ctx, filepath.Join(paths.State, "tunebench.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(st.Close(), acct.Close(context.Background())); err != nil {
			t.Error(err)
		}
	})
	imports := modelimport.New(modelimport.Config{Bedrock: acct.Bedrock(), S3: acct.S3(), Store: st, Bucket: acct.Bucket(),
		RoleARN: acct.ImportRole(), AccountName: acct.Name(), Region: acct.Region()})
	dir := filepath.Join(t.TempDir(), "model")
	if err := os.CopyFS(dir, base.FS()); err != nil {
		t.Fatal(err)
	}
	job, err := imports.Start(ctx, modelimport.Request{Source: dir, Name: "copy"})
	if err != nil {
		t.Fatal(err)
	}
	if job, err = imports.Wait(ctx, job.Name, nil); err != nil || job.Status != "Completed" {
		t.Fatalf("%+v, %v", job, err)
	}

	talk := chat.New(chat.Config{Runtime: acct.Runtime(), Bedrock: acct.Bedrock(), Store: st, BaseModelID: acct.BaseModelID(), AccountName: acct.Name()})
	models, err := talk.Models(ctx)
	if err != nil || len(models) < 2 || models[0].Ref != chat.BaseRef || models[1].Ref != "copy" || models[1].PromptFormat != "mistral-v3" {
		t.Fatalf("models %+v, %v", models, err)
	}
	var texts []string
	for _, m := range models[:2] {
		st := talk.Send(ctx, chat.Request{Model: m, Messages: []chat.Message{{Role: "user", Content: "What is the capital of France?"}}, Settings: chat.DefaultSettings()}).Wait(ctx)
		if st.Phase != chat.Finished || st.Text == "" || st.StopReason == "" || st.Stats.InputTokens == 0 || st.Stats.OutputTokens == 0 {
			t.Errorf("%s: %+v", m.Ref, st)
		}
		texts = append(texts, strings.TrimSpace(st.Text))
	}
	if texts[0] != texts[1] {
		t.Errorf("one model, two answers: %q", texts)
	}

	eval := New(Config{Chat: talk, Store: st})
	l, err := eval.Start(ctx, Spec{Dataset: filepath.Join("..", "..", "testdata", "heldout.jsonl"), Models: []string{"base", "copy"}, Limit: 40, MaxTokens: 48, Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	r, err := finish(t, l)
	if err != nil || r.Status != Finished || r.Done != 80 || r.Models[0].Errors != 0 || r.Models[1].Errors != 0 {
		t.Fatalf("%+v, %v", r, err)
	}
	for name, v := range r.Models[0].Scores {
		if r.Models[1].Scores[name] != v {
			t.Errorf("%s: %v and %v", name, v, r.Models[1].Scores[name])
		}
	}
	if r.Models[0].OutputTokens == 0 || r.Models[0].MeanLatency <= 0 {
		t.Errorf("figures %+v", r.Models[0])
	}
	for _, d := range r.Differences {
		if d.Mean != 0 || d.Real {
			t.Errorf("difference %+v", d)
		}
	}
}
