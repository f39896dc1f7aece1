package bedrock

import (
	"fmt"
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/service/bedrock"

	"tunebench/backend/artifact/corpus"
)

// TestCorpus: what the preflight blocks is refused for the same reason, and what
// it only warns of is imported.
func TestCorpus(t *testing.T) {
	dir := t.TempDir()
	w := newWorld(t, dir)
	n := 0
	run := func(t *testing.T, f corpus.Files) (status, why string) {
		n++
		name := fmt.Sprintf("case-%d", n)
		w.upload(name, f.FS())
		if _, err := w.create(name, name, "s3://"+bucket+"/"+name+"/"); err != nil {
			t.Fatal(err)
		}
		out := w.wait(name)
		if out.FailureMessage != nil {
			why = *out.FailureMessage
		}
		if out.ImportedModelArn != nil {
			_, err := w.client.DeleteImportedModel(t.Context(), &sdk.DeleteImportedModelInput{ModelIdentifier: out.ImportedModelArn})
			w.check(err)
		}
		return string(out.Status), why
	}
	for _, l := range []corpus.Layout{{Tied: true}, {}, {Shards: 2}, {Llama: true, Tied: true}, {Llama: true, Shards: 3}} {
		if status, why := run(t, corpus.Make(l)); status != "Completed" {
			t.Errorf("%+v: %s, %s", l, status, why)
		}
	}
	for _, c := range corpus.Broken() {
		t.Run(c.Name, func(t *testing.T) {
			status, why := run(t, c.Make())
			switch {
			case c.Blocks && (status != "Failed" || !strings.Contains(why, c.Says)):
				t.Errorf("%s with %q, want Failed with %q", status, why, c.Says)
			case !c.Blocks && status != "Completed":
				t.Errorf("%s with %q, although the preflight only warns", status, why)
			}
		})
	}
}
