package objectstore

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/errgroup"

	"tunebench/backend/account/awserror"
	"tunebench/backend/dataset"
	"tunebench/backend/safetext"
)

const (
	// manifestName is uploaded last: a folder with a manifest is whole.
	manifestName = "manifest.json"
	partSize     = 8 << 20
	mostParts    = 9_000
	parallel     = 4
)

// Uploaded is one file of a dataset in S3.
type Uploaded struct {
	File   string `json:"file"`
	URI    string `json:"uri"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
	// Checksum is S3's own of the object, which was held against the file's.
	Checksum string `json:"checksum"`
	// Kept is how many bytes were there already, from an earlier upload.
	Kept int64 `json:"kept"`
}

// UploadOptions say how Upload works.
type UploadOptions struct {
	// State is a folder that remembers unfinished uploads, so that they go on when
	// they are started again; "" remembers nothing.
	State string
	// PartSize is the size of a part in bytes; 0 for 8 MiB.
	PartSize int64
}

// local is a file to upload and what it must be in S3.
type local struct {
	name, path string
	size, part int64
	sum        [sha256.Size]byte
	parts      [][sha256.Size]byte
}

// Upload puts a folder that dataset.Prepare wrote under an s3:// prefix: its
// splits, then its manifest. Files are held against the manifest before and
// against S3's checksums after. Files and parts that are there already are not
// sent again. progress is called by one goroutine at a time, with bytes.
func (s *Store) Upload(ctx context.Context, dir, prefix string, o UploadOptions, progress func(dataset.Progress)) ([]Uploaded, error) {
	bucket, key, err := Split(prefix)
	if err != nil {
		return nil, err
	}
	if key != "" && key[len(key)-1] != '/' {
		key += "/"
	}
	m, err := dataset.ReadManifest(dir)
	if err != nil {
		return nil, err
	}
	var files []*local
	var total int64
	for _, split := range m.Splits {
		f, err := measure(ctx, dir, split.File, o.PartSize)
		if err != nil {
			return nil, err
		}
		if got := hex.EncodeToString(f.sum[:]); got != split.SHA256 {
			return nil, fmt.Errorf("%s is not what its manifest says (sha256 %.12s…, not %.12s…): it was changed after it was prepared; prepare the dataset again", safetext.Line(f.path), got, split.SHA256)
		}
		files = append(files, f)
		total += f.size
	}
	last, err := measure(ctx, dir, manifestName, o.PartSize)
	if err != nil {
		return nil, err
	}
	files = append(files, last)
	total += last.size
	var mu sync.Mutex
	var sent atomic.Int64
	u := &upload{s: s, bucket: bucket, state: o.State, sent: func(name string, n int64) {
		done := sent.Add(n)
		if progress != nil {
			mu.Lock()
			defer mu.Unlock()
			progress(dataset.Progress{What: "uploading " + name, Done: done, Total: total})
		}
	}}
	var out []Uploaded
	for _, f := range files {
		up, err := u.file(ctx, f, key+f.name)
		if err != nil {
			return out, err
		}
		out = append(out, up)
	}
	return out, nil
}

// measure reads a file once for its size and checksums.
func measure(ctx context.Context, dir, name string, part int64) (*local, error) {
	f := &local{name: name, path: filepath.Join(dir, name), part: part}
	if filepath.Base(name) != name {
		return nil, fmt.Errorf("the manifest names the file %s, which does not lie beside it", safetext.Line(name))
	}
	file, err := os.Open(f.path)
	if err != nil {
		return nil, fmt.Errorf("upload %s: %w", safetext.Line(f.path), err)
	}
	defer file.Close()
	st, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("upload %s: %w", safetext.Line(f.path), err)
	}
	f.size = st.Size()
	if f.part == 0 {
		f.part = partSize
	}
	f.part = max(f.part, (f.size+mostParts-1)/mostParts)
	whole := sha256.New()
	for off := int64(0); off < f.size || off == 0; off += f.part {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		sum := sha256.New()
		if _, err := io.Copy(io.MultiWriter(whole, sum), io.NewSectionReader(file, off, f.part)); err != nil {
			return nil, fmt.Errorf("read %s: %w", safetext.Line(f.path), err)
		}
		f.parts = append(f.parts, [sha256.Size]byte(sum.Sum(nil)))
	}
	f.sum = [sha256.Size]byte(whole.Sum(nil))
	return f, nil
}

// checksum is what S3 must say of the object: of one part its own, of several
// the checksum of their checksums.
func (f *local) checksum() string {
	if len(f.parts) == 1 {
		return encode(f.sum)
	}
	all := sha256.New()
	for _, p := range f.parts {
		all.Write(p[:])
	}
	return encode([sha256.Size]byte(all.Sum(nil))) + "-" + strconv.Itoa(len(f.parts))
}

func encode(sum [sha256.Size]byte) string { return base64.StdEncoding.EncodeToString(sum[:]) }

// upload is one run of Upload.
type upload struct {
	s      *Store
	bucket string
	state  string
	sent   func(name string, n int64)
}

// file puts one file there and looks at what arrived.
func (u *upload) file(ctx context.Context, f *local, key string) (Uploaded, error) {
	out := Uploaded{File: f.name, URI: "s3://" + u.bucket + "/" + key, Bytes: f.size, SHA256: hex.EncodeToString(f.sum[:]), Checksum: f.checksum()}
	if same, err := u.there(ctx, f, key); err != nil {
		return out, fmt.Errorf("look at %s: %w", safetext.Line(out.URI), awserror.Explain(err))
	} else if same {
		out.Kept = f.size
		u.sent(f.name, f.size)
		return out, nil
	}
	file, err := os.Open(f.path)
	if err != nil {
		return out, fmt.Errorf("upload %s: %w", safetext.Line(f.path), err)
	}
	defer file.Close()
	if len(f.parts) == 1 {
		_, err = u.s.client.PutObject(ctx, &s3.PutObjectInput{Bucket: &u.bucket, Key: &key, Body: io.NewSectionReader(file, 0, f.size),
			ContentLength: &f.size, ChecksumAlgorithm: types.ChecksumAlgorithmSha256, ChecksumSHA256: aws.String(encode(f.sum))})
		u.sent(f.name, f.size)
	} else {
		out.Kept, err = u.inParts(ctx, f, file, key)
	}
	if err != nil {
		return out, fmt.Errorf("upload %s: %w; start the upload again to go on where it stopped", safetext.Line(f.name), awserror.Explain(err))
	}
	same, err := u.there(ctx, f, key)
	if err == nil && !same {
		err = errors.New("its size or its checksum in S3 is not that of the file; something else may have written there")
	}
	if err != nil {
		return out, fmt.Errorf("verify %s: %w", safetext.Line(out.URI), awserror.Explain(err))
	}
	return out, nil
}

// there says whether the object is in S3 as it must be.
func (u *upload) there(ctx context.Context, f *local, key string) (bool, error) {
	head, err := u.s.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &u.bucket, Key: &key, ChecksumMode: types.ChecksumModeEnabled})
	switch code(err) {
	case "NotFound", "NoSuchKey":
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return aws.ToInt64(head.ContentLength) == f.size && aws.ToString(head.ChecksumSHA256) == f.checksum(), nil
}

// inParts uploads a large file, going on with what an earlier run has sent. It
// returns how many bytes were there already.
func (u *upload) inParts(ctx context.Context, f *local, file io.ReaderAt, key string) (kept int64, err error) {
	p := u.pending(f, key)
	if p.ID != "" {
		if err := u.confirm(ctx, p, f, key); err != nil {
			return 0, err
		}
	}
	if p.ID == "" {
		out, err := u.s.client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &u.bucket, Key: &key, ChecksumAlgorithm: types.ChecksumAlgorithmSha256})
		if err != nil {
			return 0, err
		}
		p.ID, p.Parts = aws.ToString(out.UploadId), map[int32]string{}
		if err := p.save(); err != nil {
			return 0, err
		}
	}
	had := maps.Clone(p.Parts)
	var mu sync.Mutex
	var failed atomic.Bool // no part begins any more, but those under way are not cut off: they are kept
	var g errgroup.Group
	g.SetLimit(parallel)
	for i := range f.parts {
		n, off := int32(i+1), int64(i)*f.part
		size := min(f.part, f.size-off)
		if had[n] != "" {
			kept += size
			u.sent(f.name, size)
			continue
		}
		g.Go(func() error {
			if err := ctx.Err(); err != nil || failed.Load() {
				return err
			}
			out, err := u.s.client.UploadPart(ctx, &s3.UploadPartInput{Bucket: &u.bucket, Key: &key, UploadId: &p.ID, PartNumber: &n,
				Body: io.NewSectionReader(file, off, size), ContentLength: &size,
				ChecksumAlgorithm: types.ChecksumAlgorithmSha256, ChecksumSHA256: aws.String(encode(f.parts[i]))})
			if err != nil {
				failed.Store(true)
				return err
			}
			u.sent(f.name, size)
			mu.Lock()
			defer mu.Unlock()
			p.Parts[n] = aws.ToString(out.ETag)
			return p.save()
		})
	}
	if err := g.Wait(); err != nil {
		return kept, err
	}
	done := make([]types.CompletedPart, len(f.parts))
	for i := range f.parts {
		n := int32(i + 1)
		done[i] = types.CompletedPart{PartNumber: &n, ETag: aws.String(p.Parts[n]), ChecksumSHA256: aws.String(encode(f.parts[i]))}
	}
	_, err = u.s.client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{Bucket: &u.bucket, Key: &key, UploadId: &p.ID,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: done}})
	if err != nil {
		return kept, err
	}
	return kept, p.forget()
}

// confirm asks which parts of a remembered upload are really there, and forgets
// it when it is gone.
func (u *upload) confirm(ctx context.Context, p *pending, f *local, key string) error {
	there := map[int32]string{}
	pages := s3.NewListPartsPaginator(u.s.client, &s3.ListPartsInput{Bucket: &u.bucket, Key: &key, UploadId: &p.ID})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if code(err) == "NoSuchUpload" {
			p.ID, p.Parts = "", nil
			return nil
		}
		if err != nil {
			return err
		}
		for _, part := range page.Parts {
			n := aws.ToInt32(part.PartNumber)
			off := int64(n-1) * f.part
			if aws.ToInt64(part.Size) == min(f.part, f.size-off) && p.Parts[n] == aws.ToString(part.ETag) {
				there[n] = p.Parts[n]
			}
		}
	}
	p.Parts = there
	return nil
}
