package sagemaker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"tunebench/backend/localaws/objects"
	"tunebench/backend/localaws/state"
)

// Phases of a job, as its record keeps them for a process that goes on with it.
const (
	phaseNew        = ""           // nothing is there yet
	phaseDownloaded = "downloaded" // the channels lie in the input folder
	phaseTraining   = "training"   // the loop has begun
	phaseExported   = "exported"   // the artifact lies in the output folder
)

// runner does the work of one job.
type runner struct {
	s     *Service
	j     *job
	in    createInput
	log   *jobLog
	p     progress
	began time.Time
}

// clientError is a failure of what surrounds the container: channels that can
// not be read, an artifact that can not be stored.
type clientError struct {
	what string
	err  error
}

func (e clientError) Error() string { return e.what + ": " + e.err.Error() }
func (e clientError) Unwrap() error { return e.err }

// errNothingTrained says that a job was stopped before there was something to
// upload.
var errNothingTrained = errors.New("stopped before the first step")

// run runs a job from where it stands to its end, or to a pause. ctx ends when
// the job shall stop, with the reason as its cause.
func (s *Service) run(ctx context.Context, j *job) {
	began := s.o.Now()
	s.change(j, func(r *record) {
		r.Paused = false
		if r.Stream == "" {
			r.Stream = fmt.Sprintf("%s/algo-1-%d", r.Name, began.Unix())
		}
	})
	rec := s.view(j)
	r := &runner{s: s, j: j, log: s.newLog(j), p: rec.Progress, began: began}
	err := decode(rec.Request, &r.in)
	if err == nil {
		err = r.all(ctx)
	}
	s.mu.Lock()
	j.cancel(nil)
	j.cancel = nil
	s.mu.Unlock()

	cause := context.Cause(ctx)
	switch {
	case err == nil:
		r.complete()
	case errors.Is(err, errPaused), errors.Is(cause, errPaused) && isCancel(err):
		r.p.Ran += s.o.Now().Sub(began)
		s.change(j, func(rec *record) { rec.Paused, rec.Progress = true, r.p })
		return // its files stay
	case errors.Is(err, errNothingTrained), errors.Is(cause, errStopped) && isCancel(err):
		s.change(j, func(rec *record) { rec.end(s.now(), "Stopped", "Stopped", "Training job stopped") })
	default:
		s.fail(ctx, j, reason(err))
	}
	s.clean(j.rec.Name)
}

func isCancel(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, errPaused) || errors.Is(err, errStopped)
}

// reason words an error as SageMaker's FailureReason.
func reason(err error) string {
	text := err.Error()
	if errors.Is(err, syscall.ENOSPC) {
		text += ". The disk is full: free some space and start the job again under another name"
	}
	var c clientError
	if errors.As(err, &c) {
		return "ClientError: " + text
	}
	return "AlgorithmError: " + text
}

// all goes through the phases that are left.
func (r *runner) all(ctx context.Context) error {
	if r.p.Phase == phaseNew {
		r.enter("Starting", "Preparing the instances for training")
		if err := r.prepare(); err != nil {
			return err
		}
		r.enter("Downloading", "Downloading input data")
		if err := r.download(ctx); err != nil {
			return err
		}
		r.advance(phaseDownloaded)
	}
	if r.p.Phase == phaseDownloaded {
		r.s.change(r.j, func(rec *record) { rec.Started = r.s.now() })
	}
	if r.p.Phase != phaseExported {
		r.enter("Training", "Training image download completed. Training in progress.")
		if err := r.train(ctx); err != nil {
			return err
		}
		r.advance(phaseExported)
	}
	r.enter("Uploading", "Uploading generated training model")
	// A request to stop does not end an upload; only a pause does.
	if err := r.upload(r.s.ctx); err != nil {
		if r.s.ctx.Err() != nil && isCancel(err) {
			return errPaused
		}
		return clientError{"Artifact upload failed", err}
	}
	return nil
}

// enter shows a secondary status, unless the job is being stopped: then
// Stopping stays until the upload.
func (r *runner) enter(secondary, message string) {
	r.s.change(r.j, func(rec *record) {
		if rec.Stopping && secondary != "Uploading" {
			return
		}
		rec.enter(r.s.now(), secondary, message)
	})
}

func (r *runner) advance(phase string) {
	r.p.Phase = phase
	r.s.change(r.j, func(rec *record) { rec.Progress = r.p })
}

// complete gives the job the final status that its way here deserves.
func (r *runner) complete() {
	r.s.change(r.j, func(rec *record) {
		rec.Artifact = r.artifactURI()
		rec.Progress = r.p
		switch now := r.s.now(); {
		case rec.Stopping:
			rec.end(now, "Stopped", "Stopped", "Training job stopped")
		case r.p.MaxRuntime:
			rec.end(now, "Stopped", "MaxRuntimeExceeded", "Training job runtime exceeded MaxRuntimeInSeconds provided")
		default:
			rec.end(now, "Completed", "Completed", "Training job completed")
		}
	})
}

func (r *runner) dir(parts ...string) string {
	return filepath.Join(append([]string{r.s.dir(r.j.rec.Name)}, parts...)...)
}

// prepare makes an empty working folder: what a broken attempt left is gone.
func (r *runner) prepare() error {
	for _, d := range []string{"input", "output"} {
		if err := os.RemoveAll(r.dir(d)); err != nil {
			return err
		}
	}
	return os.MkdirAll(r.dir("input"), 0o700)
}

// clean removes the working files of a job that has ended.
func (s *Service) clean(name string) {
	for _, d := range []string{"input", "output", checkpointFile} {
		if err := os.RemoveAll(filepath.Join(s.dir(name), d)); err != nil {
			s.o.Logger.Error("training job working files", "job", name, "error", err)
		}
	}
}

// download copies the channels into the input folder, as File mode does.
func (r *runner) download(ctx context.Context) error {
	for _, c := range r.in.InputDataConfig {
		if err := r.downloadChannel(ctx, c); err != nil {
			if isCancel(err) {
				return err
			}
			return clientError{"Data download failed", fmt.Errorf("channel %q: %w", c.ChannelName, err)}
		}
	}
	return nil
}

func (r *runner) downloadChannel(ctx context.Context, c channel) error {
	bucket, prefix, err := objects.ParseURI(c.DataSource.S3DataSource.S3Uri)
	if err != nil {
		return err
	}
	list, err := r.s.o.Objects.List(ctx, bucket, prefix)
	if err != nil {
		return err
	}
	dir := r.dir("input", c.ChannelName)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	var total int64
	for _, o := range list {
		name := channelFile(prefix, o.Key)
		if strings.HasSuffix(name, "/") || name == "" {
			continue // the marker of a folder
		}
		if !filepath.IsLocal(filepath.FromSlash(name)) {
			return fmt.Errorf("the key %q can not be a file name; rename the object", o.Key)
		}
		if total += o.Size; total > maxChannelBytes && c.ChannelName != modelChannel {
			return fmt.Errorf("it holds more than %d MiB, which is more than the local account trains on; take a part of the rows", maxChannelBytes>>20)
		}
		if err := r.downloadObject(ctx, bucket, o.Key, filepath.Join(dir, filepath.FromSlash(name))); err != nil {
			return err
		}
	}
	if total == 0 && len(list) == 0 {
		return fmt.Errorf("there is nothing under %s any more", c.DataSource.S3DataSource.S3Uri)
	}
	return nil
}

// channelFile names the file of a key: below the prefix when that is a folder,
// else below the prefix's folder.
func channelFile(prefix, key string) string {
	folder := prefix
	if !strings.HasSuffix(folder, "/") {
		folder += "/"
	}
	if rest, ok := strings.CutPrefix(key, folder); ok {
		return rest
	}
	if base := path.Dir(prefix); base != "." {
		return strings.TrimPrefix(key, base+"/")
	}
	return key
}

func (r *runner) downloadObject(ctx context.Context, bucket, key, to string) error {
	from, err := r.s.o.Objects.Get(ctx, bucket, key)
	if err != nil {
		return err
	}
	defer from.Close()
	return state.WriteFile(to, func(f *os.File) error {
		_, err := io.Copy(f, contextReader{ctx, from})
		return err
	})
}

// contextReader stops reading when its context ends.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(b []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(b)
}

// modelChannel is the channel that holds an artifact to start from in place of
// the base model; it is as large as a model is.
const modelChannel = "model"

// channelDir returns the folder of a channel, "" when the job has none.
func (r *runner) channelDir(name string) string {
	for _, c := range r.in.InputDataConfig {
		if c.ChannelName == name {
			return r.dir("input", name)
		}
	}
	return ""
}

// base returns the artifact folder that training starts from and its name.
func (r *runner) base(c jobConfig) (fs.FS, string, error) {
	if dir := r.channelDir(modelChannel); dir != "" {
		return os.DirFS(dir), "the artifact of the channel \"model\"", nil
	}
	if c.BaseModel != r.s.o.BaseModel && c.BaseModel != "" {
		return nil, "", fmt.Errorf("%s: base_model %q is not in the local account; it trains %q, or an artifact in a channel named %q",
			jobConfigFile, c.BaseModel, r.s.o.BaseModel, modelChannel)
	}
	return r.s.o.Base, r.s.o.BaseModel, nil
}
