package training

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"tunebench/backend/account/awserror"
	"tunebench/backend/dataset"
	"tunebench/backend/safetext"
)

// uploader puts a job's inputs under the addresses that their content has. What
// lies there already is not sent again; nothing is taken back, because another
// job may read it by then.
type uploader struct {
	s        *Service
	progress func(dataset.Progress)
}

// input uploads one input as it is made, in parts when it is large.
func (u *uploader) input(ctx context.Context, in input) error {
	name := path.Base(in.key)
	head, err := u.s.c.S3.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &u.s.c.Bucket, Key: &in.key})
	if err == nil && aws.ToInt64(head.ContentLength) == in.size {
		u.progress(dataset.Progress{What: name + " is in the bucket already", Done: in.size, Total: in.size})
		return nil
	}
	// Whatever speaks against looking does not speak against writing.
	r, w := io.Pipe()
	made := make(chan error, 1)
	go func() { // ends with the content, or when the reading end is closed
		err := in.open(ctx, w)
		made <- err
		w.CloseWithError(err)
	}()
	if in.size > leastPart {
		err = u.parts(ctx, in, name, r)
	} else {
		err = u.put(ctx, in.key, name, r)
	}
	r.Close()
	// When the content could not be made, that is the cause and not the upload.
	if makeErr := <-made; makeErr != nil && !errors.Is(makeErr, io.ErrClosedPipe) {
		return makeErr
	}
	return err
}

func (u *uploader) put(ctx context.Context, key, name string, body io.Reader) error {
	counter := &countingReader{Reader: body}
	manager := transfermanager.New(u.s.c.S3, func(o *transfermanager.Options) {
		o.ObjectProgressListeners.Register(uploadListener{key: name, progress: u.progress})
	})
	u.progress(dataset.Progress{What: "uploading " + name})
	_, err := manager.UploadObject(ctx, &transfermanager.UploadObjectInput{Bucket: &u.s.c.Bucket, Key: &key, Body: counter})
	if err != nil {
		return fmt.Errorf("upload %s: %w", safetext.Line(name), awserror.Explain(err))
	}
	n := counter.n.Load()
	u.progress(dataset.Progress{What: "uploading " + name, Done: n, Total: n})
	return nil
}

type countingReader struct {
	io.Reader
	n atomic.Int64
}

func (r *countingReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.n.Add(int64(n))
	return n, err
}

type uploadListener struct {
	key      string
	progress func(dataset.Progress)
}

func (l uploadListener) OnObjectBytesTransferred(_ context.Context, e *transfermanager.ObjectBytesTransferredEvent) {
	l.progress(dataset.Progress{What: "uploading " + l.key, Done: e.BytesTransferred, Total: max(e.TotalBytes, 0)})
}
