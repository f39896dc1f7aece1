// Command makebase makes the base model of the local account from nothing: it
// generates the corpus, trains the tokenizer, pre-trains the model and writes
// the artifact folder that package base embeds. With -sample it writes the
// sample dataset instead. Seed and step count are fixed, so the same kernel
// gives the same weights again.
//
// What belongs here: the order of these steps and the files they leave. The
// text comes from package corpus, the arithmetic from package tinymistral.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"tunebench/backend/artifact"
	"tunebench/backend/localaws/tinymistral"
	"tunebench/backend/localaws/tinymistral/corpus"
)

func main() {
	log.SetFlags(log.Ltime)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		log.Fatal(err)
	}
}

type options struct {
	out        string
	checkpoint string
	seed       uint64
	steps      int
	rows       int
	seqLen     int
	rate       float64
	save       time.Duration
}

func run(ctx context.Context) error {
	var o options
	flag.StringVar(&o.out, "out", "backend/localaws/tinymistral/base", "folder the artifact is written to")
	flag.StringVar(&o.checkpoint, "checkpoint", "", "file the state of training is kept in; an existing one is continued")
	flag.Uint64Var(&o.seed, "seed", 1, "seed of the corpus and of the first weights")
	flag.IntVar(&o.steps, "steps", 12000, "optimiser steps")
	flag.IntVar(&o.rows, "rows", 16, "rows per step")
	flag.IntVar(&o.seqLen, "seqlen", 128, "tokens per row")
	flag.Float64Var(&o.rate, "lr", 3e-3, "highest learning rate")
	flag.DurationVar(&o.save, "save", time.Minute, "time between two checkpoints")
	sample := flag.String("sample", "", "write the sample dataset into this folder and stop")
	flag.Parse()
	if *sample != "" {
		return writeSample(*sample)
	}
	return pretrain(ctx, o)
}

// The tokenizer's special tokens, in the order of Mistral's tokenizer v3.
var specialTokens = []string{"<unk>", "<s>", "</s>", "[INST]", "[/INST]"}

const (
	vocabSize      = 2048
	tokenizerTexts = 60_000 // documents the tokenizer is trained on
)

func modelConfig() artifact.Config {
	return artifact.Config{
		Architectures: []string{"MistralForCausalLM"}, ModelType: "mistral",
		HiddenSize: 128, IntermediateSize: 384, NumHiddenLayers: 4, NumAttentionHeads: 4, NumKeyValueHeads: 2, HeadDim: 32,
		VocabSize: vocabSize, MaxPositionEmbeddings: 512, RMSNormEps: 1e-5, RopeTheta: 10000,
		TieWordEmbeddings: true, TorchDtype: "bfloat16", BOSTokenID: 1, EOSTokenID: 2,
	}
}

// source hands the corpus to the trainer.
type source struct {
	stream *corpus.Stream
	tok    *artifact.Tokenizer
	seqLen int
	err    error
}

// Next skips the few documents that do not fit a row whole.
func (s *source) Next() tinymistral.Example {
	for {
		ids, start, err := s.stream.Encode(s.tok, s.stream.Next())
		if err != nil {
			s.err = err
			return tinymistral.Example{}
		}
		if len(ids) <= s.seqLen+1 {
			return tinymistral.Example{IDs: ids, AnswerStart: start}
		}
	}
}

func pretrain(ctx context.Context, o options) error {
	tok, err := artifact.TrainBPE(slices.Values(corpus.Texts(o.seed+1, tokenizerTexts)), vocabSize, specialTokens)
	if err != nil {
		return err
	}
	model, err := tinymistral.New(modelConfig(), o.seed)
	if err != nil {
		return err
	}
	src := &source{stream: corpus.NewStream(o.seed), tok: tok, seqLen: o.seqLen}
	trainer, err := tinymistral.NewTrainerFrom(model, src, tinymistral.TrainConfig{
		LearningRate: o.rate, MinLRRatio: 0.02, WarmupRatio: 0.02, WeightDecay: 0.01, MaxGradNorm: 1, Beta1: 0.9, Beta2: 0.98,
		Steps: o.steps, Rows: o.rows, SeqLen: o.seqLen, Seed: o.seed, Shards: 4,
	})
	if err != nil {
		return err
	}
	if err := restore(trainer, o.checkpoint); err != nil {
		return err
	}
	log.Printf("kernel %s, %d tokens in the vocabulary, step %d of %d", tinymistral.KernelName(), tok.VocabSize(), trainer.StepsDone(), o.steps)
	if err := train(ctx, trainer, src, o); err != nil {
		return err
	}
	if err := writeArtifact(o.out, trainer.Merged(), tok); err != nil {
		return err
	}
	log.Printf("wrote %s", o.out)
	return nil
}

func train(ctx context.Context, trainer *tinymistral.Trainer, src *source, o options) error {
	start, saved, first := time.Now(), time.Now(), trainer.StepsDone()
	tokens, mean := 0, 0.0
	for {
		st, err := trainer.Step(ctx)
		if errors.Is(err, io.EOF) {
			return src.err
		}
		if err != nil {
			return errors.Join(err, save(trainer, o.checkpoint))
		}
		tokens += st.Tokens
		if mean == 0 {
			mean = st.Loss
		}
		mean += 0.02 * (st.Loss - mean)
		if st.Step%100 == 0 || st.Step == o.steps {
			log.Printf("step %d loss %.4f lr %.2e norm %.2f, %.0f tokens/s, %d steps in %.0f s", st.Step, mean, st.LR, st.GradNorm,
				float64(tokens)/time.Since(start).Seconds(), st.Step-first, time.Since(start).Seconds())
		}
		if time.Since(saved) >= o.save {
			saved = time.Now()
			if err := save(trainer, o.checkpoint); err != nil {
				return err
			}
		}
	}
}

func restore(t *tinymistral.Trainer, file string) error {
	if file == "" {
		return nil
	}
	f, err := os.Open(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := errors.Join(t.Restore(f), f.Close()); err != nil {
		return fmt.Errorf("continue from %s: %w", file, err)
	}
	return nil
}

// save replaces the checkpoint in one move, so that none is ever half written.
func save(t *tinymistral.Trainer, file string) error {
	if file == "" {
		return nil
	}
	f, err := os.CreateTemp(filepath.Dir(file), "checkpoint-*")
	if err != nil {
		return fmt.Errorf("write checkpoint: %w", err)
	}
	if err := errors.Join(t.Save(f), f.Close()); err != nil {
		return errors.Join(fmt.Errorf("write checkpoint: %w", err), os.Remove(f.Name()))
	}
	return os.Rename(f.Name(), file)
}
