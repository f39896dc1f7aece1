package modelimport

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"

	"tunebench/backend/account/awserror"
	"tunebench/backend/artifact"
	"tunebench/backend/safetext"
)

// A SageMaker model is a name for where an artifact lies. Bedrock imports from S3
// alone, so the model's ARN is resolved here; an archive, which SageMaker takes
// and Bedrock does not, is unpacked beside the other artifacts first.

// ModelDescriber is the part of SageMaker's client that finds a model.
type ModelDescriber interface {
	DescribeModel(ctx context.Context, in *sagemaker.DescribeModelInput, opts ...func(*sagemaker.Options)) (*sagemaker.DescribeModelOutput, error)
}

var modelARN = regexp.MustCompile(`\Aarn:aws[a-z-]*:sagemaker:([a-z0-9-]+):(\d{12}):model/([a-zA-Z0-9][a-zA-Z0-9-]*)\z`)

// isModelARN reports whether a source is a SageMaker model.
func isModelARN(source string) bool {
	return strings.HasPrefix(source, "arn:") && strings.Contains(source, ":sagemaker:")
}

// modelData returns where a SageMaker model's artifact lies: a prefix, or the
// archive if packed.
func (s *Service) modelData(ctx context.Context, arn string) (uri string, packed bool, err error) {
	m := modelARN.FindStringSubmatch(arn)
	switch {
	case m == nil:
		return "", false, fmt.Errorf("%s is no ARN of a SageMaker model; write it as arn:aws:sagemaker:REGION:ACCOUNT:model/NAME", safetext.Line(arn))
	case m[1] != s.c.Region:
		return "", false, fmt.Errorf("the SageMaker model %s is in %s, the import in %s; import there with --region %s", m[3], m[1], s.c.Region, m[1])
	case s.c.SageMaker == nil:
		return "", false, errors.New("SageMaker models cannot be looked up here")
	}
	out, err := s.c.SageMaker.DescribeModel(ctx, &sagemaker.DescribeModelInput{ModelName: &m[3]})
	if err != nil {
		if awserror.KindOf(err) == awserror.NotFound {
			return "", false, fmt.Errorf("there is no SageMaker model %s in %s: %w", m[3], m[1], err)
		}
		return "", false, s.explain(err)
	}
	c := out.PrimaryContainer
	if c == nil && len(out.Containers) == 1 {
		c = &out.Containers[0]
	}
	switch {
	case c == nil:
		return "", false, fmt.Errorf("the SageMaker model %s is a pipeline of %d containers; give the S3 location of the one to import", m[3], len(out.Containers))
	case c.ModelDataSource != nil && c.ModelDataSource.S3DataSource != nil:
		uri = aws.ToString(c.ModelDataSource.S3DataSource.S3Uri)
		packed = c.ModelDataSource.S3DataSource.CompressionType == "Gzip"
	case aws.ToString(c.ModelDataUrl) != "":
		uri, packed = *c.ModelDataUrl, true
	}
	if !strings.HasPrefix(uri, "s3://") {
		return "", false, fmt.Errorf("the SageMaker model %s names no artifact in S3", m[3])
	}
	return uri, packed, nil
}

// unpackedPrefix is where an archive is unpacked to. It depends on the archive's
// location and version, so that one that is there already is not unpacked again.
func unpackedPrefix(uri, version string) string {
	h := sha256.Sum256([]byte(uri + "\n" + version))
	return "tunebench/unpacked/" + hex.EncodeToString(h[:8]) + "/"
}

// unpack writes the files of an archive in S3 into the bucket and returns the
// location of the folder that holds config.json.
func (s *Service) unpack(ctx context.Context, uri string) (string, error) {
	bucket, key, _ := strings.Cut(strings.TrimPrefix(uri, "s3://"), "/")
	obj, err := s.c.S3.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		return "", fmt.Errorf("read the archive %s: %w", safetext.Line(uri), s.explain(err))
	}
	defer obj.Body.Close()
	prefix := unpackedPrefix(uri, aws.ToString(obj.ETag))
	// The mark stands beside the folder, since all that is in it is imported.
	mark := strings.TrimSuffix(prefix, "/") + ".done"
	if done, err := s.c.S3.GetObject(ctx, &s3.GetObjectInput{Bucket: &s.c.Bucket, Key: &mark}); err == nil {
		dir, rerr := io.ReadAll(io.LimitReader(done.Body, 1024))
		if err := errors.Join(rerr, done.Body.Close()); err == nil {
			return "s3://" + s.c.Bucket + "/" + prefix + string(dir), nil
		}
	}
	zip, err := gzip.NewReader(obj.Body)
	if err != nil {
		return "", fmt.Errorf("%s is no gzip archive: %w", safetext.Line(uri), err)
	}
	dir, err := s.unpackTo(ctx, tar.NewReader(zip), prefix)
	if err != nil {
		return "", fmt.Errorf("unpack %s: %w", safetext.Line(uri), err)
	}
	if _, err := s.c.S3.PutObject(ctx, &s3.PutObjectInput{Bucket: &s.c.Bucket, Key: &mark, Body: strings.NewReader(dir)}); err != nil {
		return "", fmt.Errorf("unpack %s: %w", safetext.Line(uri), s.explain(err))
	}
	return "s3://" + s.c.Bucket + "/" + prefix + dir, nil
}

// unpackTo uploads each file of an archive under a prefix and returns the folder
// in it that holds config.json, "" or ending in a slash.
func (s *Service) unpackTo(ctx context.Context, t *tar.Reader, prefix string) (dir string, err error) {
	tm := transfermanager.New(s.c.S3)
	found := false
	var total int64
	for {
		h, err := t.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return "", err
		}
		if h.Typeflag == tar.TypeDir || strings.HasPrefix(path.Base(h.Name), "._") {
			continue
		}
		name := strings.TrimPrefix(path.Clean(h.Name), "./")
		if h.Typeflag != tar.TypeReg || !fs.ValidPath(name) || name == "." {
			return "", fmt.Errorf("it holds %q, which is no file inside of it; pack the folder again", safetext.Line(h.Name))
		}
		if total += h.Size; total >= maxBytes {
			return "", fmt.Errorf("it holds more than the limit of %d GB", int64(maxBytes/1e9))
		}
		key := prefix + name
		if _, err := tm.UploadObject(ctx, &transfermanager.UploadObjectInput{Bucket: &s.c.Bucket, Key: &key, Body: io.LimitReader(t, h.Size)}); err != nil {
			return "", fmt.Errorf("write %s: %w", safetext.Line(name), s.explain(err))
		}
		if path.Base(name) == artifact.ConfigFile && (!found || strings.Count(name, "/") < strings.Count(dir, "/")) {
			found, dir = true, strings.TrimSuffix(name, artifact.ConfigFile)
		}
	}
	return dir, nil
}
