package sagemaker

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"tunebench/backend/artifact"
	"tunebench/backend/localaws/objects"
	"tunebench/backend/localaws/state"
)

// manifest lies beside the artifact, under output/data, and says what the
// artifact must consist of.
type manifest struct {
	TrainingJob  string         `json:"training_job"`
	BaseModel    string         `json:"base_model"`
	PromptFormat string         `json:"prompt_format"`
	Steps        int            `json:"steps"`
	EvalLoss     *float64       `json:"eval_loss,omitempty"`
	Files        []manifestFile `json:"files"`
}

type manifestFile struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"` // bytes
	SHA256 string `json:"sha256"`
}

// export merges the adapters and writes the artifact and its manifest into the
// output folder.
func (t *training) export(ctx context.Context) error {
	if err := os.RemoveAll(t.dir("output")); err != nil {
		return err
	}
	t.log.event(ctx, event{Event: "merge", Message: mergeMessage(t.cfg.LoRA.Rank)})
	merged := t.trainer.Merged()
	cfg := merged.Config()
	cfg.TorchDtype = "bfloat16"
	config, err := cfg.Marshal()
	if err != nil {
		return err
	}
	files := map[string]func(w io.Writer) error{
		artifact.ConfigFile: writeBytes(config),
		artifact.WeightsFile: func(w io.Writer) error {
			return artifact.WriteSafetensors(w, artifact.BF16, merged.Tensors())
		},
	}
	if err := t.tokenizerFiles(cfg, files); err != nil {
		return err
	}
	m := manifest{TrainingJob: t.j.rec.Name, BaseModel: t.config.BaseModel, PromptFormat: t.config.Settings.PromptFormat,
		Steps: t.trainer.StepsDone(), EvalLoss: t.p.LastEval}
	if m.BaseModel == "" {
		m.BaseModel = t.s.o.BaseModel
	}
	var total int64
	for _, name := range artifactFiles {
		fill := files[name]
		if fill == nil {
			continue
		}
		f := manifestFile{Name: name}
		if err := state.WriteFile(t.dir("output", "model", name), func(w *os.File) error {
			h := sha256.New()
			counted := &countWriter{w: io.MultiWriter(w, h)}
			err := fill(counted)
			f.Size, f.SHA256 = counted.n, hex.EncodeToString(h.Sum(nil))
			return err
		}); err != nil {
			return err
		}
		total += f.Size
		m.Files = append(m.Files, f)
	}
	if err := state.Write(t.dir("output", "data", "manifest.json"), m); err != nil {
		return err
	}
	t.log.event(ctx, event{Event: "export", Message: fmt.Sprintf("%d files, %.2f MB, bfloat16, for %s", len(m.Files), float64(total)/1e6, t.artifactURI())})
	step := t.trainer.StepsDone()
	done := event{Event: "done", Step: &step, Steps: &t.cfg.Steps, Epoch: ptr(t.epoch()), Tokens: ptr(t.p.Tokens),
		Loss: t.p.LastLoss, EvalLoss: t.p.LastEval, Message: "the artifact is complete"}
	if step < t.cfg.Steps {
		done.Message = fmt.Sprintf("the artifact holds what was learnt in %d of %d steps", step, t.cfg.Steps)
	}
	t.log.event(ctx, done)
	return nil
}

func mergeMessage(rank int) string {
	if rank == 0 {
		return "the weights were trained themselves; there is nothing to merge"
	}
	return fmt.Sprintf("merging the adapters of rank %d into the weights", rank)
}

// artifactFiles are the files of an artifact in the order of the manifest.
var artifactFiles = []string{
	artifact.ConfigFile, artifact.GenerationConfigFile, artifact.WeightsFile, artifact.SpecialTokensFile,
	artifact.TokenizerFile, "tokenizer.model", artifact.TokenizerConfigFile,
}

// tokenizerFiles adds the base model's files as they are, with the one chat
// template of the prompt format the model was trained with.
func (t *training) tokenizerFiles(cfg artifact.Config, files map[string]func(io.Writer) error) error {
	for _, name := range []string{artifact.TokenizerFile, "tokenizer.model", artifact.SpecialTokensFile, artifact.GenerationConfigFile} {
		data, err := fs.ReadFile(t.base, name)
		if err == nil {
			files[name] = writeBytes(data)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	tokenizerConfig := map[string]any{"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>", "eos_token": "</s>",
		"model_max_length": cfg.MaxPositionEmbeddings}
	data, err := fs.ReadFile(t.base, artifact.TokenizerConfigFile)
	if err == nil {
		tokenizerConfig = nil
		err = json.Unmarshal(data, &tokenizerConfig)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("base model: %s: %w", artifact.TokenizerConfigFile, err)
	}
	format, err := artifact.FormatByName(t.config.Settings.PromptFormat)
	if err != nil {
		return err
	}
	tokenizerConfig["chat_template"] = format.ChatTemplate()
	defaults := map[string]any{
		artifact.TokenizerConfigFile:  tokenizerConfig,
		artifact.GenerationConfigFile: map[string]any{"_from_model_config": true, "bos_token_id": cfg.BOSTokenID, "eos_token_id": cfg.EOSTokenID},
		artifact.SpecialTokensFile:    map[string]any{"bos_token": tokenizerConfig["bos_token"], "eos_token": tokenizerConfig["eos_token"]},
	}
	for name, doc := range defaults {
		if files[name] != nil {
			continue
		}
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		if err := enc.Encode(doc); err != nil {
			return err
		}
		files[name] = writeBytes(b.Bytes())
	}
	return nil
}

func writeBytes(data []byte) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	}
}

type countWriter struct {
	w io.Writer
	n int64
}

func (c *countWriter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err
}

func joinKey(prefix string, parts ...string) string {
	return strings.TrimPrefix(path.Join(append([]string{prefix}, parts...)...), "/")
}

// compressed says whether the artifact is stored as model.tar.gz, which is
// what SageMaker does unless told otherwise.
func (r *runner) compressed() bool { return r.in.OutputDataConfig.CompressionType != "NONE" }

// artifactURI is where the artifact is stored.
func (r *runner) artifactURI() string {
	uri := strings.TrimRight(r.in.OutputDataConfig.S3OutputPath, "/") + "/" + r.j.rec.Name + "/output/model"
	if r.compressed() {
		return uri + ".tar.gz"
	}
	return uri + "/"
}

// upload stores the output folder under the job's output path.
func (r *runner) upload(ctx context.Context) error {
	bucket, prefix, err := objects.ParseURI(r.in.OutputDataConfig.S3OutputPath)
	if err != nil {
		return err
	}
	prefix = joinKey(prefix, r.j.rec.Name, "output")
	if r.compressed() {
		for from, to := range map[string]string{"model": "model.tar.gz", "data": "output.tar.gz"} {
			if err := r.uploadTar(ctx, bucket, joinKey(prefix, to), from); err != nil {
				return err
			}
		}
		return nil
	}
	root := r.dir("output")
	return filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = r.s.o.Objects.Put(ctx, bucket, joinKey(prefix, filepath.ToSlash(rel)), f, objects.PutOptions{})
		return err
	})
}

// uploadTar stores one folder of the output as a compressed archive.
func (r *runner) uploadTar(ctx context.Context, bucket, key, folder string) error {
	archive := r.dir("output", folder+".tar.gz")
	if err := state.WriteFile(archive, func(f *os.File) error {
		z := gzip.NewWriter(f)
		w := tar.NewWriter(z)
		return errors.Join(w.AddFS(os.DirFS(r.dir("output", folder))), w.Close(), z.Close())
	}); err != nil {
		return err
	}
	f, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = r.s.o.Objects.Put(ctx, bucket, key, f, objects.PutOptions{ContentType: "application/gzip"})
	return err
}
