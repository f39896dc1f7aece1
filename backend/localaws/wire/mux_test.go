package wire

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func docMux() *Mux {
	return NewMux(Options{AccessKeyID: docKey, SecretAccessKey: docSecret, Now: func() time.Time { return docTime }})
}

// call sends a signed request and returns the answer with its body.
func call(t *testing.T, m *Mux, method, target, scope, body string, change func(*http.Request)) (*http.Response, string) {
	t.Helper()
	w := httptest.NewRecorder()
	m.ServeHTTP(w, signed(t, method, target, scope, body, change))
	res := w.Result()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(b)
}

func header(kv ...string) func(*http.Request) {
	return func(r *http.Request) {
		for i := 0; i < len(kv); i += 2 {
			r.Header.Set(kv[i], kv[i+1])
		}
	}
}

func TestMuxDispatch(t *testing.T) {
	m := docMux()
	var got *Request
	record := func(_ context.Context, r *Request) (any, error) {
		got = r
		return struct {
			OK string `json:"ok"`
		}{"<&>"}, nil
	}
	for service, ops := range map[string][]string{
		SageMaker: {"DescribeTrainingJob"}, Logs: {"GetLogEvents"}, Bedrock: {"GetImportedModel", "ListModelImportJobs", "CreateModelImportJob"},
		BedrockRuntime: {"InvokeModel"}, STS: {"GetCallerIdentity"},
	} {
		for _, op := range ops {
			m.Handle(service, op, record)
		}
	}
	res, body := call(t, m, "POST", "http://local.invalid/", "sagemaker", `{"TrainingJobName":"j-1"}`,
		header("X-Amz-Target", "SageMaker.DescribeTrainingJob", "Content-Type", "application/x-amz-json-1.1"))
	if res.StatusCode != 200 || body != `{"ok":"<&>"}` || res.Header.Get("X-Amzn-Requestid") != got.ID || got.Region != "us-west-2" {
		t.Errorf("%d %s %+v", res.StatusCode, body, got)
	}
	var in struct{ TrainingJobName string }
	if err := got.Decode(&in); err != nil || in.TrainingJobName != "j-1" {
		t.Errorf("%+v %v", in, err)
	}
	if arn := got.ARN("training-job/j-1"); arn != "arn:aws:sagemaker:us-west-2:000000000000:training-job/j-1" {
		t.Error(arn)
	}

	const arn = "arn:aws:bedrock:us-west-2:000000000000:imported-model/abcdefghijkl"
	escaped := strings.NewReplacer(":", "%3A", "/", "%2F").Replace(arn)
	res, _ = call(t, m, "GET", "http://local.invalid/imported-models/"+escaped, "bedrock", "", nil)
	if res.StatusCode != 200 || got.Params["modelIdentifier"] != arn || got.Input["modelIdentifier"] != arn {
		t.Errorf("%d %+v", res.StatusCode, got)
	}
	res, body = call(t, m, "GET", "http://local.invalid/model-import-jobs?maxResults=7&statusEquals=Completed&creationTimeAfter=2026-01-02T03%3A04%3A05.678Z&sortOrder=Descending", "bedrock", "", nil)
	var list struct {
		MaxResults        int    `json:"maxResults"`
		StatusEquals      string `json:"statusEquals"`
		CreationTimeAfter ISO    `json:"creationTimeAfter"`
	}
	if err := got.Decode(&list); err != nil || res.StatusCode != 200 || list.MaxResults != 7 || list.CreationTimeAfter.UnixMilli() != 1767323045678 {
		t.Errorf("%d %s %+v %v", res.StatusCode, body, list, err)
	}
	if res, body = call(t, m, "GET", "http://local.invalid/model-import-jobs?maxResults=0", "bedrock", "", nil); res.StatusCode != 400 ||
		res.Header.Get("X-Amzn-Errortype") != "ValidationException" || !strings.Contains(body, "maxResults") {
		t.Errorf("%d %s", res.StatusCode, body)
	}
	res, _ = call(t, m, "POST", "http://local.invalid/model-import-jobs", "bedrock",
		`{"jobName":"j","importedModelName":"m","roleArn":"arn:aws:iam::000000000000:role/local","modelDataSource":{"s3DataSource":{"s3Uri":"s3://bucket/o"}}}`, nil)
	if res.StatusCode != 201 {
		t.Errorf("import job: %d", res.StatusCode)
	}
	res, _ = call(t, m, "POST", "http://local.invalid/model/"+escaped+"/invoke", "bedrock", `{"prompt":"x"}`, header("Content-Type", "application/json"))
	if res.StatusCode != 200 || got.Service != BedrockRuntime || string(got.Body) != `{"prompt":"x"}` || got.Input["modelId"] != arn || got.Input["contentType"] != "application/json" {
		t.Errorf("%d %+v", res.StatusCode, got)
	}
	res, body = call(t, m, "POST", "http://local.invalid/", "sts", "Action=GetCallerIdentity&Version=2011-06-15", nil)
	if res.StatusCode != 200 || got.Operation != "GetCallerIdentity" {
		t.Errorf("%d %s", res.StatusCode, body)
	}
}

// Every refusal comes in the protocol of the service that was asked.
func TestMuxDenials(t *testing.T) {
	m := docMux()
	m.Handle(SageMaker, "DescribeTrainingJob", func(context.Context, *Request) (any, error) {
		return nil, errors.New("write /x: no space left on device")
	})
	const denied = "User: arn:aws:iam::000000000000:user/local is not authorized to perform: "
	for _, tc := range []struct {
		name, method, path, scope, body string
		change                          func(*http.Request)
		status                          int
		want                            []string
	}{
		{"unknown json", "POST", "/", "sagemaker", "{}", header("X-Amz-Target", "SageMaker.MakeCoffee"), 400, []string{`"__type":"UnknownOperationException"`}},
		{"lacking json", "POST", "/", "sagemaker", "{}", header("X-Amz-Target", "SageMaker.ListEndpoints"), 400, []string{`"__type":"AccessDeniedException"`, denied + "sagemaker:ListEndpoints"}},
		{"lacking rest", "GET", "/guardrails", "bedrock", "", nil, 403, []string{denied + "bedrock:ListGuardrails"}},
		{"unknown rest", "GET", "/coffee", "bedrock", "", nil, 404, []string{"no operation"}},
		{"lacking query", "POST", "/", "sts", "Action=AssumeRole&Version=2011-06-15", nil, 403, []string{"<Code>AccessDenied</Code>", denied + "sts:AssumeRole"}},
		{"unknown query", "POST", "/", "sts", "Action=Nope", nil, 400, []string{"<Code>InvalidAction</Code>"}},
		{"lacking s3", "GET", "/bucket?policy", "s3", "", nil, 403, []string{"<Code>AccessDenied</Code>", denied + "s3:GetBucketPolicy"}},
		{"iam", "POST", "/", "iam", "Action=GetRole&RoleName=x", nil, 403, []string{"<Code>AccessDenied</Code>", denied + "iam:GetRole"}},
		{"quotas", "POST", "/", "servicequotas", "{}", header("X-Amz-Target", "ServiceQuotasV20190624.GetServiceQuota", "Content-Type", "application/x-amz-json-1.1"), 400,
			[]string{`"__type":"AccessDeniedException"`, denied + "servicequotas:GetServiceQuota"}},
		{"pricing", "POST", "/", "pricing", "{}", header("X-Amz-Target", "AWSPriceListService.GetProducts", "Content-Type", "application/x-amz-json-1.1"), 400, []string{denied + "pricing:GetProducts"}},
		{"metrics", "POST", "/service/GraniteServiceVersion20100801/operation/GetMetricData", "monitoring", "", header("Smithy-Protocol", "rpc-v2-cbor"), 400,
			[]string{"\xa2\x7a\x00\x00\x00\x06__type\x7a\x00\x00\x00\x15AccessDeniedException", denied + "cloudwatch:GetMetricData"}},
		{"ec2", "POST", "/", "ec2", "Action=DescribeVpcs", nil, 403, []string{"<Response><Errors><Error><Code>UnauthorizedOperation</Code>", denied + "ec2:DescribeVpcs"}},
		{"rest", "GET", "/2015-03-31/functions", "lambda", "", nil, 403, []string{`{"message":"` + denied + `lambda:GET /2015-03-31/functions`}},
		{"invalid", "POST", "/", "sagemaker", `[1]`, header("X-Amz-Target", "SageMaker.DescribeTrainingJob"), 400, []string{"SerializationException"}},
		{"failure", "POST", "/", "sagemaker", `{"TrainingJobName":"j"}`, header("X-Amz-Target", "SageMaker.DescribeTrainingJob"), 500, []string{"InternalFailure", "no space left on device"}},
	} {
		res, body := call(t, m, tc.method, "http://local.invalid"+tc.path, tc.scope, tc.body, tc.change)
		if res.StatusCode != tc.status {
			t.Errorf("%s: status %d: %s", tc.name, res.StatusCode, body)
		}
		for _, w := range tc.want {
			if !strings.Contains(body, w) {
				t.Errorf("%s: %q lacks %q", tc.name, body, w)
			}
		}
	}
}

func TestHandleRefusesInventedOperations(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	docMux().Handle(SageMaker, "MakeCoffee", nil)
}

func TestResolveS3(t *testing.T) {
	for _, tc := range []struct{ method, url, source, op, bucket, key string }{
		{"GET", "http://127.0.0.1:9/", "", "ListBuckets", "", ""},
		{"GET", "http://127.0.0.1:9/b?list-type=2&prefix=x", "", "ListObjectsV2", "b", ""},
		{"GET", "http://127.0.0.1:9/b/", "", "ListObjects", "b", ""},
		{"GET", "http://127.0.0.1:9/b?location", "", "GetBucketLocation", "b", ""},
		{"PUT", "http://127.0.0.1:9/b", "", "CreateBucket", "b", ""},
		{"POST", "http://127.0.0.1:9/b?delete", "", "DeleteObjects", "b", ""},
		{"GET", "http://127.0.0.1:9/b/dir/a%2Fb%20c?x-id=GetObject", "", "GetObject", "b", "dir/a/b c"},
		{"GET", "http://127.0.0.1:9/b//lead", "", "GetObject", "b", "/lead"},
		{"PUT", "http://127.0.0.1:9/b/k?partNumber=1&uploadId=u", "", "UploadPart", "b", "k"},
		{"PUT", "http://127.0.0.1:9/b/k?partNumber=1&uploadId=u", "b/o", "UploadPartCopy", "b", "k"},
		{"PUT", "http://127.0.0.1:9/b/k", "b/o", "CopyObject", "b", "k"},
		{"POST", "http://127.0.0.1:9/b/k?uploads", "", "CreateMultipartUpload", "b", "k"},
		{"POST", "http://127.0.0.1:9/b/k?uploadId=u", "", "CompleteMultipartUpload", "b", "k"},
		{"GET", "http://127.0.0.1:9/b/k?uploadId=u", "", "ListParts", "b", "k"},
		{"GET", "http://127.0.0.1:9/b/k?tagging", "", "GetObjectTagging", "b", "k"},
		{"HEAD", "http://b.s3.us-west-2.amazonaws.com/k", "", "HeadObject", "b", "k"},
		{"GET", "http://b.c.s3.amazonaws.com/k/l", "", "GetObject", "b.c", "k/l"},
		{"GET", "http://s3.us-west-2.amazonaws.com/b/k", "", "GetObject", "b", "k"},
		{"GET", "http://b.localhost:8080/k", "", "GetObject", "b", "k"},
		{"GET", "http://b.local.invalid/k", "", "GetObject", "b", "k"},
		{"GET", "http://local.invalid/b/k", "", "GetObject", "b", "k"},
		{"PATCH", "http://127.0.0.1:9/b/k", "", "", "b", "k"},
	} {
		r := httptest.NewRequest(tc.method, tc.url, nil)
		if tc.source != "" {
			r.Header.Set("X-Amz-Copy-Source", tc.source)
		}
		got := resolve(r, S3, nil)
		if got.operation != tc.op || got.labels["Bucket"] != tc.bucket || got.labels["Key"] != tc.key {
			t.Errorf("%s %s: %+v", tc.method, tc.url, got)
		}
	}
}

func TestTimes(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)
	b, err := json.Marshal(map[string]any{"a": Epoch{at}, "b": ISO{at}, "c": Epoch{}})
	if err != nil || string(b) != `{"a":1767323045.678,"b":"2026-01-02T03:04:05.678Z","c":null}` {
		t.Errorf("%s %v", b, err)
	}
	for _, text := range []string{`1767323045.678`, `"2026-01-02T03:04:05.678Z"`, `1.767323045678e9`} {
		var e Epoch
		var i ISO
		if json.Unmarshal([]byte(text), &e) != nil || json.Unmarshal([]byte(text), &i) != nil || !e.Equal(at) || !i.Equal(at) {
			t.Errorf("%s: %v %v", text, e, i)
		}
	}
	var e Epoch
	if json.Unmarshal([]byte(`"tomorrow"`), &e) == nil || json.Unmarshal([]byte(`1e300`), &e) == nil {
		t.Error("nonsense was accepted")
	}
}

func TestPage(t *testing.T) {
	items := []string{"d", "c", "b", "a"}
	name := func(s string) string { return s }
	page, next, err := Page(items, name, "", 3)
	if err != nil || strings.Join(page, "") != "dcb" || next == "" {
		t.Fatal(page, next, err)
	}
	page, next, err = Page(append([]string{"e"}, items...), name, next, 3) // a newcomer shifts nothing
	if err != nil || strings.Join(page, "") != "a" || next != "" {
		t.Fatal(page, next, err)
	}
	_, _, err = Page(items, name, "!", 3)
	wantCode(t, err, "ValidationException", "NextToken")
}
