// Package objectstore reads datasets from S3 and puts prepared ones there.
//
// It belongs here if it is about datasets and S3. What the rows are does not,
// nor what a training job uploads for itself.
package objectstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"tunebench/backend/account/awserror"
	"tunebench/backend/dataset"
	"tunebench/backend/safetext"
)

// Store is the S3 of an account. It implements dataset.Objects.
type Store struct{ client *s3.Client }

// New makes a store over an account's client.
func New(client *s3.Client) *Store { return &Store{client} }

// maxListed bounds how many objects one dataset may list.
const maxListed = 100_000

// attempts is how often a read whose connection drops is taken up again.
const attempts = 4

var location = regexp.MustCompile(`\As3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(.*))?\z`)

// Split parts s3://bucket/key.
func Split(uri string) (bucket, key string, err error) {
	m := location.FindStringSubmatch(uri)
	if m == nil {
		return "", "", fmt.Errorf("%s is no S3 location; write s3://bucket/key", safetext.Line(uri))
	}
	return m[1], m[2], nil
}

// Open looks at an object. What is read later is of the version that was there
// then; when it changes, reading fails.
func (s *Store) Open(ctx context.Context, uri string) (dataset.Object, error) {
	bucket, key, err := Split(uri)
	if err != nil {
		return nil, err
	}
	if key == "" {
		return nil, fmt.Errorf("s3://%s names a bucket and no object; a folder ends in a slash: s3://%s/", bucket, bucket)
	}
	out, err := s.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		if code(err) == "NotFound" || code(err) == "NoSuchKey" {
			return nil, fmt.Errorf("there is no object %s; check the bucket and the key, or end it in a slash to name a folder", safetext.Line(uri))
		}
		return nil, awserror.Explain(err)
	}
	switch out.StorageClass {
	case types.StorageClassGlacier, types.StorageClassDeepArchive:
		return nil, fmt.Errorf("%s is archived (%s); restore it first", safetext.Line(uri), out.StorageClass)
	}
	return &object{client: s.client, bucket: bucket, key: key, size: aws.ToInt64(out.ContentLength), etag: aws.ToString(out.ETag)}, nil
}

// List returns the objects under a prefix that ends in a slash, in the order of
// their names. Objects in folders further down are not among them.
func (s *Store) List(ctx context.Context, prefix string) ([]string, error) {
	bucket, key, err := Split(prefix)
	if err != nil {
		return nil, err
	}
	var uris []string
	pages := s3.NewListObjectsV2Paginator(s.client, &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: &key, Delimiter: aws.String("/")})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, awserror.Explain(err)
		}
		for _, o := range page.Contents {
			if aws.ToInt64(o.Size) > 0 {
				uris = append(uris, "s3://"+bucket+"/"+aws.ToString(o.Key))
			}
		}
		if len(uris) > maxListed {
			return nil, fmt.Errorf("%s holds more than %d objects; name a folder with fewer", safetext.Line(prefix), maxListed)
		}
	}
	slices.Sort(uris)
	return uris, nil
}

// object is one version of an object.
type object struct {
	client      *s3.Client
	bucket, key string
	size        int64
	etag        string
}

// Size implements dataset.Object.
func (o *object) Size() int64 { return o.size }

// ReadAt implements dataset.Object. A connection that drops is taken up again
// where it broke.
func (o *object) ReadAt(ctx context.Context, p []byte, off int64) (int, error) {
	want := p[:max(0, min(int64(len(p)), o.size-off))]
	if len(want) == 0 {
		return 0, io.EOF
	}
	n := 0
	for try := 1; ; try++ {
		k, err := o.get(ctx, want[n:], off+int64(n))
		n += k
		if n == len(want) {
			if n < len(p) {
				return n, io.EOF
			}
			return n, nil
		}
		if ctx.Err() != nil {
			return n, ctx.Err()
		}
		if k > 0 {
			try = 1 // it goes on
		}
		if try == attempts || code(err) != "" {
			return n, o.explain(err)
		}
	}
}

func (o *object) get(ctx context.Context, p []byte, off int64) (int, error) {
	in := &s3.GetObjectInput{Bucket: &o.bucket, Key: &o.key, Range: aws.String(fmt.Sprintf("bytes=%d-%d", off, off+int64(len(p))-1))}
	if o.etag != "" {
		in.IfMatch = &o.etag
	}
	out, err := o.client.GetObject(ctx, in)
	if err != nil {
		return 0, err
	}
	defer out.Body.Close()
	return io.ReadFull(out.Body, p)
}

func (o *object) explain(err error) error {
	where := safetext.Line("s3://" + o.bucket + "/" + o.key)
	switch code(err) {
	case "PreconditionFailed":
		return fmt.Errorf("%s was replaced while it was being read; open it again", where)
	case "NoSuchKey", "NotFound":
		return fmt.Errorf("%s was removed while it was being read", where)
	}
	return fmt.Errorf("read %s: %w", where, awserror.Explain(err))
}

// code is the service's name of an error, "" when it is not the service's.
func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}
