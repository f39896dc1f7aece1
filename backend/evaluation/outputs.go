package evaluation

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"tunebench/backend/chat"
	"tunebench/backend/dataset"
	"tunebench/backend/safetext"
	"tunebench/metrics"
	"tunebench/metrics/fmevalio"
	"tunebench/metrics/nprand"
)

// OutputsKind is the kind of a model of which only outputs are known.
const OutputsKind chat.Kind = "outputs"

// outputModels names the models of a run over outputs that files hold.
func outputModels(spec *Spec) ([]chat.Model, error) {
	var models []chat.Model
	spec.Models = nil
	for i := range spec.Outputs {
		o := &spec.Outputs[i]
		abs := o.File
		if !named(abs) {
			var err error
			if abs, err = filepath.Abs(o.File); err != nil {
				return nil, err
			}
		}
		o.File = abs
		if o.Model == "" {
			o.Model = strings.TrimSuffix(filepath.Base(abs), filepath.Ext(abs))
		}
		if slices.Contains(spec.Models, o.Model) {
			return nil, fmt.Errorf("there are two files of outputs of %s; name them as NAME=FILE", safetext.Line(o.Model))
		}
		spec.Models = append(spec.Models, o.Model)
		models = append(models, chat.Model{Ref: o.Model, ID: "outputs:" + o.Model, Name: o.Model, Kind: OutputsKind})
	}
	if spec.Dataset == "" {
		spec.Dataset = spec.Outputs[0].File
	}
	return models, nil
}

// loadPlan reads a dataset, or files of outputs, as FMEval does. A record's row
// is its place in the sample; its id is the row in the file.
func (s *Service) loadPlan(ctx context.Context, spec Spec, st *suite) (*plan, error) {
	c := fmevalio.DataConfig{ModelInput: fmevalio.ModelInput, ModelOutput: fmevalio.ModelOutput, TargetOutput: fmevalio.TargetOutput, Category: fmevalio.Category}
	if spec.FMEval != nil {
		c = *spec.FMEval
	}
	files := []string{spec.Dataset}
	if len(spec.Outputs) > 0 {
		files = files[:0]
		for _, o := range spec.Outputs {
			files = append(files, o.File)
		}
	} else {
		c.ModelOutput = "" // the models are asked
	}
	p, hash := &plan{}, sha256.New()
	for i, file := range files {
		if err := ctx.Err(); err != nil {
			return nil, context.Cause(ctx)
		}
		text, err := s.readAll(ctx, file)
		if err != nil {
			return nil, err
		}
		hash.Write(text)
		one := c
		if one.MIMEType == "" {
			one.MIMEType = fmevalio.JSONLines
			if strings.EqualFold(filepath.Ext(file), ".json") {
				one.MIMEType = fmevalio.JSON
			}
		}
		if one.Name == "" {
			one.Name = safetext.Line(filepath.Base(file))
		}
		d, err := fmevalio.Load(one, bytes.NewReader(text))
		if err != nil {
			return nil, err
		}
		if err := p.take(spec, st, one, d, i); err != nil {
			return nil, err
		}
	}
	if spec.Limit > 0 { // a row is a place in the sample then
		fmt.Fprintf(hash, "sample %d", spec.Limit)
	}
	p.hash = hex.EncodeToString(hash.Sum(nil))
	return p, nil
}

// take adds the rows of the first file and the outputs of every one.
func (p *plan) take(spec Spec, st *suite, c fmevalio.DataConfig, d *fmevalio.Dataset, file int) error {
	need := []string{fmevalio.ModelInput}
	if len(spec.Outputs) > 0 {
		need[0] = fmevalio.ModelOutput
	}
	if slices.ContainsFunc(st.metrics, func(m metrics.Metric) bool { return hasColumn(m, fmevalio.TargetOutput) }) {
		need = append(need, fmevalio.TargetOutput)
	}
	for _, column := range need {
		if !d.Columns[column] {
			return fmt.Errorf("%s has no %s; say where it is with %s_location", c.Name, column, column)
		}
	}
	order := make([]int, len(d.Records))
	for i := range order {
		order[i] = i
	}
	if spec.Limit > 0 {
		order = nprand.Sample(len(d.Records), min(spec.Limit, len(d.Records)), fmevalio.SampleSeed)
	}
	if file > 0 && len(order) != len(p.examples) {
		return fmt.Errorf("the files of outputs differ: %s has %d rows and the first one %d", c.Name, len(order), len(p.examples))
	}
	outputs := make([]*string, len(order))
	for pos, i := range order {
		r := d.Records[i]
		e := dataset.Example{Index: int64(pos), ID: fmt.Sprintf("row %d", i+1)}
		e.Question, _ = r.Text(fmevalio.ModelInput)
		e.Answer, _ = r.Text(fmevalio.TargetOutput)
		e.Category, _ = r.Text(fmevalio.Category)
		if text, ok := r.Text(fmevalio.ModelOutput); ok {
			outputs[pos] = &text
		}
		if file == 0 {
			p.examples, p.rows = append(p.examples, e), append(p.rows, int64(pos))
		} else if first := p.examples[pos]; first.Question != e.Question || first.Answer != e.Answer {
			return fmt.Errorf("the files of outputs differ: row %d of %s has another question or target than that of the first one", i+1, c.Name)
		}
	}
	if len(spec.Outputs) > 0 {
		p.outputs = append(p.outputs, outputs)
	}
	return nil
}
