package training

import (
	"bytes"
	"cmp"
	"context"
	"crypto/md5"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"strings"
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
	// leastPart is the size of a part, in bytes; larger ones where S3's 10,000
	// would not do.
	leastPart = 8 << 20
	mostParts = 10_000
	// partsAtOnce bounds memory, too: each holds a part.
	partsAtOnce = 4
)

// partSize is how an input of that size is parted. It depends on nothing else,
// so that another try parts it in the same way.
func partSize(size int64) int64 { return max(leastPart, (size+mostParts-1)/mostParts) }

// parts uploads a large input in parts. Parts that an earlier try has left in the
// bucket are not sent again: the key is made of the content, so that an upload
// of that key is one of the same content. When it fails its parts stay for the
// next try.
func (u *uploader) parts(ctx context.Context, in input, name string, body io.Reader) (err error) {
	id, there := u.begun(ctx, in.key)
	if id == "" {
		out, err := u.s.c.S3.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &u.s.c.Bucket, Key: &in.key, ChecksumAlgorithm: types.ChecksumAlgorithmCrc32})
		if err != nil {
			return fmt.Errorf("upload %s: %w", safetext.Line(name), awserror.Explain(err))
		}
		id = aws.ToString(out.UploadId)
	}
	var (
		mu   sync.Mutex
		all  []types.CompletedPart
		done int64
	)
	took := func(p types.CompletedPart, size int, what string) {
		mu.Lock()
		defer mu.Unlock()
		all = append(all, p)
		done += int64(size)
		u.progress(dataset.Progress{What: what + " " + name, Done: done, Total: in.size})
	}
	// Parts that are on their way when one fails arrive all the same.
	var g errgroup.Group
	var failed atomic.Bool
	g.SetLimit(partsAtOnce)
	size := partSize(in.size)
	for n := int32(1); ctx.Err() == nil && !failed.Load(); n++ {
		b := make([]byte, min(size, in.size-int64(n-1)*size))
		k, rerr := io.ReadFull(body, b)
		if rerr != nil { // the content could not be made, or is shorter than it was
			err = fmt.Errorf("upload %s: part %d has %d bytes in place of %d: %w", safetext.Line(name), n, k, len(b), rerr)
			break
		}
		sum := checksum(b)
		if p, ok := there[n]; ok && holds(p, b, sum) {
			took(types.CompletedPart{PartNumber: &n, ETag: p.ETag, ChecksumCRC32: &sum}, len(b), "already in the bucket:")
		} else {
			g.Go(func() error {
				out, err := u.s.c.S3.UploadPart(ctx, &s3.UploadPartInput{Bucket: &u.s.c.Bucket, Key: &in.key, UploadId: &id, PartNumber: &n,
					Body: bytes.NewReader(b), ContentLength: aws.Int64(int64(len(b))), ChecksumAlgorithm: types.ChecksumAlgorithmCrc32, ChecksumCRC32: &sum})
				if err != nil {
					failed.Store(true)
					return err
				}
				took(types.CompletedPart{PartNumber: &n, ETag: out.ETag, ChecksumCRC32: &sum}, len(b), "uploading")
				return nil
			})
		}
		if int64(n)*size >= in.size {
			break
		}
	}
	if werr := g.Wait(); werr != nil {
		err = fmt.Errorf("upload %s: %w; what has arrived stays in the bucket, and starting the job again goes on from there", safetext.Line(name), awserror.Explain(werr))
	}
	if err == nil {
		err = ctx.Err()
	}
	if err == nil { // whoever makes the content has yet to say that it is what it was
		if k, rerr := body.Read(make([]byte, 1)); k > 0 || rerr != io.EOF {
			err = fmt.Errorf("upload %s: it is not what it was when it was planned: %w", safetext.Line(name), cmp.Or(rerr, io.ErrShortWrite))
		}
	}
	if err != nil {
		return err
	}
	slices.SortFunc(all, func(a, b types.CompletedPart) int { return cmp.Compare(*a.PartNumber, *b.PartNumber) })
	_, err = u.s.c.S3.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{Bucket: &u.s.c.Bucket, Key: &in.key, UploadId: &id,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: all}})
	if err != nil {
		return fmt.Errorf("upload %s: %w", safetext.Line(name), awserror.Explain(err))
	}
	return nil
}

// begun is an upload of that key which was not completed, with the parts that
// have arrived; "" when there is none, or that may not be asked.
func (u *uploader) begun(ctx context.Context, key string) (id string, there map[int32]types.Part) {
	out, err := u.s.c.S3.ListMultipartUploads(ctx, &s3.ListMultipartUploadsInput{Bucket: &u.s.c.Bucket, Prefix: &key})
	if err != nil {
		return "", nil
	}
	var newest types.MultipartUpload
	for _, m := range out.Uploads {
		if aws.ToString(m.Key) == key && !aws.ToTime(m.Initiated).Before(aws.ToTime(newest.Initiated)) {
			newest = m
		}
	}
	if id = aws.ToString(newest.UploadId); id == "" {
		return "", nil
	}
	there = map[int32]types.Part{}
	pages := s3.NewListPartsPaginator(u.s.c.S3, &s3.ListPartsInput{Bucket: &u.s.c.Bucket, Key: &key, UploadId: &id})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return "", nil
		}
		for _, p := range page.Parts {
			there[aws.ToInt32(p.PartNumber)] = p
		}
	}
	return id, there
}

// holds reports whether a part that has arrived is b, by its checksum or, from
// servers that tell none, by its ETag, which is MD5 there.
func holds(p types.Part, b []byte, sum string) bool {
	if aws.ToInt64(p.Size) != int64(len(b)) {
		return false
	}
	if p.ChecksumCRC32 != nil {
		return *p.ChecksumCRC32 == sum
	}
	return strings.Trim(aws.ToString(p.ETag), `"`) == fmt.Sprintf("%x", md5.Sum(b))
}

// checksum is CRC-32 in the form that S3 takes.
func checksum(b []byte) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(b)))
}
