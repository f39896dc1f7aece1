// Package sdktest holds the tests that drive object store, log store and STS
// through the SDK's own clients, in process and over loopback. They are in one
// package because building the SDK's clients is slow.
package sdktest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logstypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/logging"

	"tunebench/backend/localaws/logs"
	"tunebench/backend/localaws/objects"
	localsts "tunebench/backend/localaws/sts"
	"tunebench/backend/localaws/wire"
)

const keyID, secret = "AKIALOCAL", "secret"

type account struct {
	cfg     aws.Config
	objects *objects.Store
	logs    *logs.Store
}

// eachWay runs a test in process (with the https shapes of the real service)
// and over loopback (with the http ones).
func eachWay(t *testing.T, f func(t *testing.T, a account)) {
	for _, way := range []string{"process", "loopback"} {
		t.Run(way, func(t *testing.T) { f(t, open(t, way == "loopback")) })
	}
}

func open(t *testing.T, loopback bool) account {
	t.Helper()
	dir := t.TempDir()
	var a account
	var err error
	if a.objects, err = objects.Open(dir+"/s3", objects.Options{}); err != nil {
		t.Fatal(err)
	}
	if a.logs, err = logs.Open(dir+"/logs", logs.Options{}); err != nil {
		t.Fatal(err)
	}
	m := wire.NewMux(wire.Options{AccessKeyID: keyID, SecretAccessKey: secret})
	a.objects.Register(m)
	a.logs.Register(m)
	localsts.Register(m)
	// Nothing of this machine's own AWS set-up takes part.
	for _, name := range []string{"AWS_CA_BUNDLE", "AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_CONFIG_FILE", dir+"/none")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", dir+"/none")
	a.cfg, err = config.LoadDefaultConfig(t.Context(), config.WithRegion("us-west-2"), config.WithLogger(logging.Nop{}), config.WithRetryMaxAttempts(1),
		config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider(keyID, secret, "")))
	if err != nil {
		t.Fatal(err)
	}
	if loopback {
		srv := httptest.NewServer(m)
		t.Cleanup(srv.Close)
		a.cfg.BaseEndpoint = aws.String(srv.URL)
		a.cfg.HTTPClient = srv.Client()
		return a
	}
	tr := &wire.HandlerTransport{Handler: m}
	t.Cleanup(tr.Wait)
	a.cfg.BaseEndpoint = aws.String("https://local.invalid")
	a.cfg.HTTPClient = &http.Client{Transport: tr}
	return a
}

func (a account) s3(pathStyle bool) *s3.Client {
	return s3.NewFromConfig(a.cfg, func(o *s3.Options) { o.UsePathStyle = pathStyle })
}

func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	var e smithy.APIError
	if !errors.As(err, &e) || e.ErrorCode() != code {
		t.Errorf("got %v, want %s", err, code)
	}
}

// ok returns the result of a call that must not fail.
func ok[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestIdentityAndSignatures(t *testing.T) {
	eachWay(t, func(t *testing.T, a account) {
		ctx := t.Context()
		id, err := sts.NewFromConfig(a.cfg).GetCallerIdentity(ctx, nil)
		if err != nil || *id.Account != wire.AccountID || *id.Arn != wire.UserARN || *id.UserId != wire.UserID {
			t.Fatalf("%+v %v", id, err)
		}
		_, err = sts.NewFromConfig(a.cfg).AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::000000000000:role/x"), RoleSessionName: aws.String("xy")})
		wantCode(t, err, "AccessDenied")
		for _, tc := range []struct{ id, secret, sts, logs, s3 string }{
			{keyID, "wrong", "SignatureDoesNotMatch", "InvalidSignatureException", "SignatureDoesNotMatch"},
			{"AKIAOTHER", secret, "InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId"},
		} {
			bad := account{cfg: a.cfg.Copy()}
			bad.cfg.Credentials = credentials.NewStaticCredentialsProvider(tc.id, tc.secret, "")
			_, err := sts.NewFromConfig(bad.cfg).GetCallerIdentity(ctx, nil)
			wantCode(t, err, tc.sts)
			_, err = cloudwatchlogs.NewFromConfig(bad.cfg).DescribeLogGroups(ctx, nil)
			wantCode(t, err, tc.logs)
			_, err = bad.s3(true).ListBuckets(ctx, nil)
			wantCode(t, err, tc.s3)
		}
		withToken := a.cfg.Copy()
		withToken.Credentials = credentials.NewStaticCredentialsProvider(keyID, secret, "token")
		ok(sts.NewFromConfig(withToken).GetCallerIdentity(ctx, nil))
	})
}

func TestObjects(t *testing.T) {
	eachWay(t, func(t *testing.T, a account) {
		ctx := t.Context()
		c := a.s3(true)
		bucket := aws.String("local-bucket")
		ok(c.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: bucket,
			CreateBucketConfiguration: &s3types.CreateBucketConfiguration{LocationConstraint: "us-west-2"}}))
		if loc := ok(c.GetBucketLocation(ctx, &s3.GetBucketLocationInput{Bucket: bucket})); loc.LocationConstraint != "us-west-2" {
			t.Error(loc.LocationConstraint)
		}
		if list := ok(c.ListBuckets(ctx, nil)); len(list.Buckets) != 1 || *list.Buckets[0].Name != *bucket || list.Buckets[0].CreationDate == nil {
			t.Errorf("%+v", list)
		}
		key := aws.String("dir/a b+é=&~'(1).txt")
		for _, alg := range append([]s3types.ChecksumAlgorithm{""}, s3types.ChecksumAlgorithmCrc32.Values()...) {
			if alg != "" && wire.NewChecksum(string(alg)) == nil {
				continue // newer algorithms need modules that are not here
			}
			put := ok(c.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: key, Body: strings.NewReader("hello world"), ChecksumAlgorithm: alg,
				ContentType: aws.String("text/plain"), CacheControl: aws.String("no-store"), Metadata: map[string]string{"Who": "me"}}))
			if *put.ETag != `"5eb63bbbe01eeed093cb22bb8f5acdc3"` {
				t.Error(*put.ETag)
			}
			got := ok(c.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: key, ChecksumMode: s3types.ChecksumModeEnabled}))
			b, err := io.ReadAll(got.Body)
			if err != nil || string(b) != "hello world" || *got.ContentType != "text/plain" || got.Metadata["who"] != "me" || *got.CacheControl != "no-store" || *got.ETag != *put.ETag {
				t.Errorf("%s: %q %v %+v", alg, b, err, got)
			}
			if alg == "SHA256" && aws.ToString(got.ChecksumSHA256) == "" || alg == "CRC64NVME" && aws.ToString(got.ChecksumCRC64NVME) == "" {
				t.Errorf("%s: the checksum did not come back", alg)
			}
		}
		part := ok(c.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: key, Range: aws.String("bytes=6-8")}))
		if b, _ := io.ReadAll(part.Body); string(b) != "wor" || *part.ContentRange != "bytes 6-8/11" {
			t.Errorf("%q %+v", b, part)
		}
		_, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: key, Range: aws.String("bytes=11-")})
		wantCode(t, err, "InvalidRange")
		_, err = c.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: key, IfMatch: aws.String(`"x"`)})
		wantCode(t, err, "PreconditionFailed")
		_, err = c.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: key, IfNoneMatch: part.ETag})
		wantCode(t, err, "NotModified")
		_, err = c.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: key, Body: strings.NewReader("x"), IfNoneMatch: aws.String("*")})
		wantCode(t, err, "PreconditionFailed")
		_, err = c.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: aws.String("none")})
		var noKey *s3types.NoSuchKey
		if !errors.As(err, &noKey) {
			t.Error(err)
		}
		_, err = c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: bucket, Key: aws.String("none")})
		var notFound *s3types.NotFound
		if !errors.As(err, &notFound) {
			t.Error(err)
		}
		_, err = c.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("other"), Key: key, Body: strings.NewReader("x")})
		wantCode(t, err, "NoSuchBucket")
		_, err = c.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: aws.String("wrong"), Body: strings.NewReader("hello"), ChecksumCRC32: aws.String("DUoRhQ==")})
		wantCode(t, err, "BadDigest")
		if _, err := a.objects.Head(ctx, *bucket, "wrong"); !errors.Is(err, objects.ErrNoSuchKey) {
			t.Errorf("a refused object was kept: %v", err)
		}

		ok(c.CopyObject(ctx, &s3.CopyObjectInput{Bucket: bucket, Key: aws.String("copy"), CopySource: aws.String("local-bucket/dir/a%20b%2B%C3%A9%3D%26~%27%281%29.txt")}))
		if h := ok(c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: bucket, Key: aws.String("copy")})); *h.ContentLength != 11 || h.Metadata["who"] != "me" {
			t.Errorf("%+v", h)
		}
		ps := ok(s3.NewPresignClient(c).PresignGetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: key}))
		req, _ := http.NewRequestWithContext(ctx, "GET", ps.URL, nil)
		res := ok(a.cfg.HTTPClient.Do(req))
		b, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if string(b) != "hello world" {
			t.Errorf("presigned: %d %s", res.StatusCode, b)
		}
		_, err = c.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: bucket})
		wantCode(t, err, "BucketNotEmpty")
		del := ok(c.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: bucket, Delete: &s3types.Delete{Objects: []s3types.ObjectIdentifier{{Key: key}, {Key: aws.String("none")}}}}))
		if len(del.Deleted) != 2 || len(del.Errors) != 0 {
			t.Errorf("%+v", del)
		}
		ok(c.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: bucket, Key: aws.String("copy")}))
		ok(c.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: bucket}))
		_, err = c.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: bucket})
		wantCode(t, err, "AccessDenied")
	})
}

func TestListing(t *testing.T) {
	eachWay(t, func(t *testing.T, a account) {
		ctx := t.Context()
		if err := a.objects.CreateBucket("list"); err != nil {
			t.Fatal(err)
		}
		for _, k := range []string{"a", "b/1", "b/2", "b/c/3", "b 4+5", "d/6", "é", "z"} {
			ok(a.objects.Put(ctx, "list", k, strings.NewReader(k), objects.PutOptions{}))
		}
		for _, vhost := range []bool{false, true} {
			if vhost && a.cfg.HTTPClient.(*http.Client).Transport != nil && !strings.HasSuffix(*a.cfg.BaseEndpoint, ".invalid") {
				continue // a bucket cannot stand before an IP address
			}
			c := a.s3(!vhost)
			for _, limit := range []int32{1, 2, 3, 1000} {
				for _, tc := range []struct{ prefix, delimiter, after, want string }{
					{"", "", "", "a|b 4+5|b/1|b/2|b/c/3|d/6|z|é"},
					{"", "/", "", "a|b 4+5|b/|d/|z|é"},
					{"b/", "/", "", "b/1|b/2|b/c/"},
					{"b", "", "b/1", "b/2|b/c/3"},
					{"none", "/", "", ""},
				} {
					var got []string
					p := s3.NewListObjectsV2Paginator(c, &s3.ListObjectsV2Input{Bucket: aws.String("list"), MaxKeys: &limit, Prefix: &tc.prefix, Delimiter: &tc.delimiter, StartAfter: &tc.after, EncodingType: s3types.EncodingTypeUrl})
					for p.HasMorePages() {
						page := ok(p.NextPage(ctx))
						if n := len(page.Contents) + len(page.CommonPrefixes); n > int(limit) || int32(n) != *page.KeyCount {
							t.Errorf("a page of %d", n)
						}
						var names []string
						for _, o := range page.Contents {
							names = append(names, unescape(*o.Key))
						}
						for _, f := range page.CommonPrefixes {
							names = append(names, unescape(*f.Prefix))
						}
						slices.Sort(names)
						got = append(got, names...)
					}
					if strings.Join(got, "|") != tc.want {
						t.Errorf("limit %d %+v: %v", limit, tc, got)
					}
					got = nil
					in := &s3.ListObjectsInput{Bucket: aws.String("list"), MaxKeys: &limit, Prefix: &tc.prefix, Delimiter: &tc.delimiter, Marker: &tc.after}
					for {
						page := ok(c.ListObjects(ctx, in))
						var names []string
						for _, o := range page.Contents {
							names = append(names, *o.Key)
						}
						for _, f := range page.CommonPrefixes {
							names = append(names, *f.Prefix)
						}
						slices.Sort(names)
						got = append(got, names...)
						if !*page.IsTruncated {
							break
						}
						in.Marker = aws.String(names[len(names)-1])
					}
					if strings.Join(got, "|") != tc.want {
						t.Errorf("v1, limit %d %+v: %v", limit, tc, got)
					}
				}
			}
		}
	})
}

func unescape(s string) string { return ok(url.PathUnescape(s)) }

func TestMultipart(t *testing.T) {
	eachWay(t, func(t *testing.T, a account) {
		ctx := t.Context()
		c := a.s3(true)
		bucket, key := aws.String("parts"), aws.String("big")
		ok(c.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: bucket}))
		big := bytes.Repeat([]byte("0123456789abcdef"), 18<<16)
		ok(transfermanager.New(c).UploadObject(ctx, &transfermanager.UploadObjectInput{Bucket: bucket, Key: key, Body: bytes.NewReader(big)}))
		head := ok(c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: bucket, Key: key, PartNumber: aws.Int32(1)}))
		if !strings.HasSuffix(*head.ETag, `-3"`) || *head.PartsCount != 3 || *head.ContentLength != 8<<20 {
			t.Errorf("%+v", head)
		}
		got := ok(c.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: key}))
		if b, err := io.ReadAll(got.Body); err != nil || !bytes.Equal(b, big) {
			t.Errorf("%d bytes, %v", len(b), err)
		}
		down := ok(transfermanager.New(c).GetObject(ctx, &transfermanager.GetObjectInput{Bucket: bucket, Key: key}))
		if b, err := io.ReadAll(down.Body); err != nil || !bytes.Equal(b, big) {
			t.Errorf("transfermanager: %d bytes, %v", len(b), err)
		}
		if !strings.HasPrefix(*a.cfg.BaseEndpoint, "http:") { // the SDK refuses it without TLS
			ok(c.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: aws.String("unknown"), Body: io.MultiReader(bytes.NewReader(big))}))
		}

		up := ok(c.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: bucket, Key: key, ChecksumAlgorithm: s3types.ChecksumAlgorithmCrc64nvme}))
		first := ok(c.UploadPart(ctx, &s3.UploadPartInput{Bucket: bucket, Key: key, UploadId: up.UploadId, PartNumber: aws.Int32(1), Body: bytes.NewReader(big[:5<<20]), ChecksumAlgorithm: s3types.ChecksumAlgorithmCrc64nvme}))
		copied := ok(c.UploadPartCopy(ctx, &s3.UploadPartCopyInput{Bucket: bucket, Key: key, UploadId: up.UploadId, PartNumber: aws.Int32(7), CopySource: aws.String("parts/big"), CopySourceRange: aws.String("bytes=10-12")}))
		list := ok(c.ListParts(ctx, &s3.ListPartsInput{Bucket: bucket, Key: key, UploadId: up.UploadId}))
		if len(list.Parts) != 2 || *list.Parts[1].PartNumber != 7 || *list.Parts[1].Size != 3 {
			t.Errorf("%+v", list.Parts)
		}
		complete := func(parts ...s3types.CompletedPart) (*s3.CompleteMultipartUploadOutput, error) {
			return c.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{Bucket: bucket, Key: key, UploadId: up.UploadId,
				MultipartUpload: &s3types.CompletedMultipartUpload{Parts: parts}})
		}
		p1 := s3types.CompletedPart{PartNumber: aws.Int32(1), ETag: first.ETag}
		p7 := s3types.CompletedPart{PartNumber: aws.Int32(7), ETag: copied.CopyPartResult.ETag}
		_, err := complete(p7, p1)
		wantCode(t, err, "InvalidPartOrder")
		_, err = complete(p1, s3types.CompletedPart{PartNumber: aws.Int32(7), ETag: first.ETag})
		wantCode(t, err, "InvalidPart")
		_, err = complete(p7, s3types.CompletedPart{PartNumber: aws.Int32(8), ETag: first.ETag})
		wantCode(t, err, "EntityTooSmall")
		done := ok(complete(p1, p7))
		if aws.ToString(done.ChecksumCRC64NVME) == "" || done.ChecksumType != s3types.ChecksumTypeFullObject {
			t.Errorf("%+v", done)
		}
		got = ok(c.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: key}))
		if b, err := io.ReadAll(got.Body); err != nil || len(b) != 5<<20+3 || string(b[5<<20:]) != string(big[10:13]) {
			t.Errorf("%d bytes, %v", len(b), err)
		}
		_, err = complete(p1)
		wantCode(t, err, "NoSuchUpload")
		up = ok(c.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: bucket, Key: key}))
		ok(c.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: bucket, Key: key, UploadId: up.UploadId}))
		_, err = c.UploadPart(ctx, &s3.UploadPartInput{Bucket: bucket, Key: key, UploadId: up.UploadId, PartNumber: aws.Int32(1), Body: strings.NewReader("x")})
		wantCode(t, err, "NoSuchUpload")
	})
}

func TestLogs(t *testing.T) {
	eachWay(t, func(t *testing.T, a account) {
		ctx := t.Context()
		c := cloudwatchlogs.NewFromConfig(a.cfg)
		group := aws.String("/aws/sagemaker/TrainingJobs")
		_, err := c.DescribeLogStreams(ctx, &cloudwatchlogs.DescribeLogStreamsInput{LogGroupName: group})
		wantCode(t, err, "ResourceNotFoundException")
		base := time.Now().Add(-time.Minute).Truncate(time.Millisecond)
		for i := range 25 {
			stream := fmt.Sprintf("job/algo-%d-1", i%2+1)
			if err := a.logs.Append(ctx, *group, stream, []logs.Event{{Time: base.Add(time.Duration(i) * time.Second), Message: fmt.Sprintf("line %d <&>\t\u001b", i)}}); err != nil {
				t.Fatal(err)
			}
		}
		if g := ok(c.DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: aws.String("/aws/sage")})); len(g.LogGroups) != 1 || *g.LogGroups[0].LogGroupArn != "arn:aws:logs:us-west-2:000000000000:log-group:/aws/sagemaker/TrainingJobs" {
			t.Errorf("%+v", g.LogGroups)
		}
		var names []string
		sp := cloudwatchlogs.NewDescribeLogStreamsPaginator(c, &cloudwatchlogs.DescribeLogStreamsInput{LogGroupName: group, Limit: aws.Int32(1), OrderBy: logstypes.OrderByLastEventTime, Descending: aws.Bool(true)})
		for sp.HasMorePages() {
			for _, st := range ok(sp.NextPage(ctx)).LogStreams {
				names = append(names, *st.LogStreamName)
				if *st.FirstEventTimestamp < base.UnixMilli() {
					t.Errorf("%+v", st)
				}
			}
		}
		if strings.Join(names, " ") != "job/algo-1-1 job/algo-2-1" {
			t.Error(names)
		}
		in := &cloudwatchlogs.GetLogEventsInput{LogGroupName: group, LogStreamName: aws.String("job/algo-1-1"), Limit: aws.Int32(5), StartFromHead: aws.Bool(true)}
		read := 0
		for {
			page := ok(c.GetLogEvents(ctx, in))
			for _, e := range page.Events {
				if want := fmt.Sprintf("line %d <&>\t\u001b", read*2); *e.Message != want || *e.Timestamp != base.Add(time.Duration(read*2)*time.Second).UnixMilli() {
					t.Errorf("%+v, want %q", e, want)
				}
				read++
			}
			if aws.ToString(in.NextToken) == *page.NextForwardToken {
				break
			}
			in.NextToken = page.NextForwardToken
		}
		if read != 13 {
			t.Errorf("%d events", read)
		}
		tail := ok(c.GetLogEvents(ctx, &cloudwatchlogs.GetLogEventsInput{LogGroupIdentifier: aws.String("arn:aws:logs:us-west-2:000000000000:log-group:/aws/sagemaker/TrainingJobs"), LogStreamName: in.LogStreamName, Limit: aws.Int32(2)}))
		if len(tail.Events) != 2 || !strings.HasPrefix(*tail.Events[1].Message, "line 24") {
			t.Errorf("%+v", tail.Events)
		}
		before := ok(c.GetLogEvents(ctx, &cloudwatchlogs.GetLogEventsInput{LogGroupName: group, LogStreamName: in.LogStreamName, Limit: aws.Int32(2), NextToken: tail.NextBackwardToken}))
		if len(before.Events) != 2 || !strings.HasPrefix(*before.Events[1].Message, "line 20") {
			t.Errorf("%+v", before.Events)
		}
		seen := map[string]bool{}
		last := int64(0)
		fp := cloudwatchlogs.NewFilterLogEventsPaginator(c, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: group, LogStreamNamePrefix: aws.String("job/"), Limit: aws.Int32(4)})
		for fp.HasMorePages() {
			for _, e := range ok(fp.NextPage(ctx)).Events {
				if seen[*e.EventId] || *e.Timestamp < last {
					t.Errorf("%+v twice or out of order", e)
				}
				seen[*e.EventId], last = true, *e.Timestamp
			}
		}
		if len(seen) != 25 {
			t.Errorf("%d events", len(seen))
		}
		count := func(pattern string) int {
			return len(ok(c.FilterLogEvents(ctx, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: group, FilterPattern: &pattern, StartTime: aws.Int64(base.UnixMilli())})).Events)
		}
		if count("line") != 25 || count(`"line 1"`) != 11 || count("?24 ?23") != 2 || count("line -24") != 24 || count("LINE") != 0 {
			t.Error("patterns")
		}
		_, err = c.FilterLogEvents(ctx, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: group, FilterPattern: aws.String("{ $.x = 1 }")})
		wantCode(t, err, "InvalidParameterException")
		_, err = c.GetLogEvents(ctx, &cloudwatchlogs.GetLogEventsInput{LogGroupName: group, LogStreamName: aws.String("none")})
		wantCode(t, err, "ResourceNotFoundException")

		own := aws.String("own")
		ok(c.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: own}))
		_, err = c.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: own})
		wantCode(t, err, "ResourceAlreadyExistsException")
		ok(c.CreateLogStream(ctx, &cloudwatchlogs.CreateLogStreamInput{LogGroupName: own, LogStreamName: own}))
		put := ok(c.PutLogEvents(ctx, &cloudwatchlogs.PutLogEventsInput{LogGroupName: own, LogStreamName: own, LogEvents: []logstypes.InputLogEvent{
			{Timestamp: aws.Int64(1000), Message: aws.String("old")}, {Timestamp: aws.Int64(base.UnixMilli()), Message: aws.String("now")},
			{Timestamp: aws.Int64(base.Add(3 * time.Hour).UnixMilli()), Message: aws.String("future")}}}))
		if put.RejectedLogEventsInfo == nil || *put.RejectedLogEventsInfo.TooOldLogEventEndIndex != 1 || *put.RejectedLogEventsInfo.TooNewLogEventStartIndex != 2 {
			t.Errorf("%+v", put)
		}
		if got := ok(c.GetLogEvents(ctx, &cloudwatchlogs.GetLogEventsInput{LogGroupName: own, LogStreamName: own})); len(got.Events) != 1 {
			t.Errorf("%+v", got.Events)
		}
	})
}
