package account

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrock"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"tunebench/backend/account/awserror"
	"tunebench/backend/account/iam"
)

var update = flag.Bool("update", false, "write the policies of README.md again")

// sdkNames are the services as their packages call them.
var sdkNames = map[string]string{"sagemaker": "SageMaker", "bedrock": "Bedrock", "bedrockruntime": "Bedrock Runtime", "s3": "S3", "sts": "STS", "cloudwatchlogs": "CloudWatch Logs"}

// TestOperations: the table holds what the code sends, and nothing else.
func TestOperations(t *testing.T) {
	sent := map[string]bool{}
	call := regexp.MustCompile(`\b(sagemaker|bedrock|bedrockruntime|s3|sts|cloudwatchlogs)\.(?:New)?([A-Z]\w+?)(?:Input|Paginator)\b`)
	// The transfer manager sends these by itself.
	for _, name := range []string{"HeadObject", "GetObject", "PutObject", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload", "AbortMultipartUpload"} {
		sent["S3 "+name] = true
	}
	files := 0
	for _, root := range []string{"..", filepath.Join("..", "..", "tui")} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && d.Name() == "localaws": // the other side
				return fs.SkipDir
			case filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go"):
				return nil
			}
			b, err := os.ReadFile(path)
			if !bytes.Contains(b, []byte("aws-sdk-go-v2/service/")) {
				return err
			}
			files++
			for _, m := range call.FindAllSubmatch(b, -1) {
				sent[sdkNames[string(m[1])]+" "+string(m[2])] = true
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if files < 10 || len(sent) < 20 {
		t.Fatalf("only %d operations in %d files were found", len(sent), files)
	}
	for name := range sent {
		service, op := name[:strings.LastIndexByte(name, ' ')], name[strings.LastIndexByte(name, ' ')+1:]
		if _, ok := operation(service, op); !ok {
			t.Errorf("the code sends %s of %s: put it into Operations, with the actions that IAM asks for and whether it changes anything", op, service)
		}
	}
	for _, o := range Operations {
		if !sent[o.Service+" "+o.Name] {
			t.Errorf("nothing sends %s of %s any more: take it out of Operations", o.Name, o.Service)
		}
		if o.Changes && regexp.MustCompile(`^(List|Get|Describe|Head|Filter)`).MatchString(o.Name) || !o.Changes && regexp.MustCompile(`^(Create|Delete|Put|Stop|Upload|Complete|Abort|Update)`).MatchString(o.Name) {
			t.Errorf("%s of %s: does it change something?", o.Name, o.Service)
		}
	}
}

// TestReadOnly: on the local account nothing that changes anything is sent, and
// everything else is.
func TestReadOnly(t *testing.T) {
	o := Options{Name: Local, Paths: home(t)}
	o.Config.Account.ReadOnly = true
	a := openTest(t, o)
	if _, err := a.sts.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{}); err != nil {
		t.Error(err)
	}
	if _, err := a.sagemaker.ListTrainingJobs(t.Context(), &sagemaker.ListTrainingJobsInput{}); err != nil {
		t.Error(err)
	}
	bucket := aws.String(a.Bucket())
	for name, send := range map[string]func() error{
		"PutObject": func() error {
			_, err := a.s3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: bucket, Key: aws.String("k"), Body: strings.NewReader("x")})
			return err
		},
		"StopTrainingJob": func() error {
			_, err := a.sagemaker.StopTrainingJob(t.Context(), &sagemaker.StopTrainingJobInput{TrainingJobName: aws.String("j")})
			return err
		},
		"DeleteImportedModel": func() error {
			_, err := a.bedrock.DeleteImportedModel(t.Context(), &bedrock.DeleteImportedModelInput{ModelIdentifier: aws.String("m")})
			return err
		},
		"DeleteObject": func() error { // not in the table: refused as well
			_, err := a.s3.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: bucket, Key: aws.String("k")})
			return err
		},
	} {
		err := send()
		if e, ok := errors.AsType[*awserror.ReadOnlyError](err); !ok || e.Operation != name {
			t.Errorf("%s: %v", name, err)
		}
		if e := awserror.Explain(err); e == nil || awserror.KindOf(e) != awserror.ReadOnly || !strings.HasPrefix(e.Error(), name+" of ") {
			t.Errorf("%s: %v", name, e)
		}
	}
	if out, err := a.s3.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: bucket}); err != nil || len(out.Contents) > 0 {
		t.Errorf("the bucket holds %v, %v", out, err)
	}
}

// TestPermissions: the policy allows the table's actions and no more, and the
// README shows it.
func TestPermissions(t *testing.T) {
	actions := func(p iam.Policy) (all []string) {
		ids := map[string]bool{}
		for _, s := range p.Statement {
			if s.Effect != "Allow" || len(s.Resource) == 0 || ids[s.Sid] || !regexp.MustCompile(`^[A-Za-z0-9]+$`).MatchString(s.Sid) {
				t.Errorf("statement %+v", s)
			}
			ids[s.Sid] = true
			all = append(all, s.Action...)
		}
		slices.Sort(all)
		return slices.Compact(all)
	}
	full, see := Permissions(Scope{}), Permissions(Scope{ReadOnly: true})
	for _, o := range Operations {
		for _, act := range o.Actions {
			if !o.local && !slices.Contains(actions(full), act) {
				t.Errorf("%s is needed for %s and not allowed", act, o.Name)
			}
			if !o.Changes && !slices.Contains(actions(see), act) {
				t.Errorf("%s is needed for %s and not allowed in a read-only session", act, o.Name)
			}
		}
	}
	for _, act := range actions(see) {
		if regexp.MustCompile(`:(Create|Delete|Put|Stop|Add|Tag|Abort|PassRole|Update)`).MatchString(act) {
			t.Errorf("a read-only session is allowed %s", act)
		}
	}
	if p := Permissions(Scope{Region: "us-gov-west-1", Account: "111122223333", Bucket: "b", TrainingRole: "arn:x"}); !strings.Contains(text(t, p), `"arn:aws-us-gov:s3:::b/*"`) || !strings.Contains(text(t, p), `"arn:x"`) || strings.Contains(text(t, p), "BUCKET") {
		t.Error(text(t, p))
	}

	const file = "README.md"
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want := string(b)
	for name, p := range map[string]iam.Policy{"all": full, "read-only": see} {
		begin, end := "<!-- "+name+" -->\n", "<!-- end -->"
		head, rest, ok := strings.Cut(want, begin)
		_, tail, ok2 := strings.Cut(rest, end)
		if !ok || !ok2 {
			t.Fatalf("%s has no place for the policy %q", file, name)
		}
		want = head + begin + "```json\n" + text(t, p) + "\n```\n" + end + tail
	}
	if want != string(b) {
		if !*update {
			t.Fatal("README.md does not show the policies as they are; write them again with go test ./backend/account -run TestPermissions -update")
		}
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func text(t *testing.T, p iam.Policy) string {
	b, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
