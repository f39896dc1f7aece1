package evaluation

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"tunebench/backend/safetext"
	"tunebench/metrics/fmevalio"
)

// RunFile is a run that a TOML file describes, to be kept beside the code that
// it judges.
type RunFile struct{ Spec Spec }

type runFile struct {
	Name        string            `toml:"name,omitempty"`
	Dataset     string            `toml:"dataset,omitempty"`
	Models      []string          `toml:"models,omitempty"`
	Limit       int               `toml:"limit,omitempty"`
	MaxTokens   int               `toml:"max_tokens,omitempty"`
	Temperature float64           `toml:"temperature,omitempty"`
	Delimiter   string            `toml:"target_output_delimiter,omitempty"`
	Seed        uint64            `toml:"seed,omitempty"`
	Metrics     []string          `toml:"metrics,omitempty"`
	Template    string            `toml:"prompt_template,omitempty"`
	Judge       string            `toml:"judge,omitempty"`
	FailIf      []string          `toml:"fail_if,omitempty"`
	Params      map[string]any    `toml:"params,omitempty"`
	DataConfig  map[string]string `toml:"data_config,omitempty"`
	Outputs     []outputsFile     `toml:"outputs,omitempty"`
	Budget      budgetFile        `toml:"budget,omitempty"`
	// Prices are by the models' names.
	Prices map[string]priceFile `toml:"prices,omitempty"`
}

type outputsFile struct {
	Model string `toml:"model,omitempty"`
	File  string `toml:"file"`
}

type budgetFile struct {
	Dollars float64 `toml:"dollars,omitempty"`
	Minutes float64 `toml:"minutes,omitempty"`
}

type priceFile struct {
	Input  float64 `toml:"input,omitempty"`
	Output float64 `toml:"output,omitempty"`
}

// ReadRunFile reads a run file. File names in it are relative to its folder. The
// error has a line for each problem, each with the file's name and line.
func ReadRunFile(path string) (RunFile, error) {
	src, err := os.ReadFile(path)
	if err != nil {
		return RunFile{}, fmt.Errorf("read the run file: %w", err)
	}
	at := func(line int, text string) error {
		return errors.New(safetext.Line(fmt.Sprintf("%s:%d: %s", path, line, text)))
	}
	var f runFile
	meta, err := toml.Decode(string(src), &f)
	if err != nil {
		if pe, ok := errors.AsType[toml.ParseError](err); ok {
			text := pe.Message
			if text == "" {
				text = strings.TrimPrefix(pe.Error(), "toml: ")
			}
			return RunFile{}, at(pe.Position.Line, text)
		}
		var line int
		text := strings.TrimPrefix(err.Error(), "toml: ")
		if _, scanErr := fmt.Sscanf(text, "line %d", &line); scanErr == nil {
			return RunFile{}, at(line, text)
		}
		return RunFile{}, fmt.Errorf("%s: %s", safetext.Line(path), safetext.Line(text))
	}
	var problems []error
	for _, key := range meta.Undecoded() {
		name := key.String()
		if slices.ContainsFunc(meta.Undecoded(), func(k toml.Key) bool { return len(k) < len(key) && slices.Equal(k, key[:len(k)]) }) {
			continue // the table it is in is named already
		}
		problems = append(problems, at(lineOf(string(src), key), name+" is no setting of a run; there are "+settingNames(key)))
	}
	out := RunFile{Spec: Spec{FailIf: f.FailIf, Judge: f.Judge,
		Name: f.Name, Models: f.Models, Limit: f.Limit, MaxTokens: f.MaxTokens, Temperature: f.Temperature, Delimiter: f.Delimiter,
		Seed: f.Seed, Metrics: f.Metrics, Template: f.Template, Budget: Budget(f.Budget),
	}}
	dir := filepath.Dir(path)
	inDir := func(p string) string {
		if p == "" || filepath.IsAbs(p) || named(p) {
			return p
		}
		return filepath.Join(dir, p)
	}
	for name, v := range f.Params {
		if out.Spec.Params == nil {
			out.Spec.Params = map[string]string{}
		}
		switch v.(type) {
		case string, int64, float64, bool:
			out.Spec.Params[name] = fmt.Sprint(v)
		default:
			problems = append(problems, at(lineOf(string(src), toml.Key{"params", name}), "params."+name+" must be a text or a number"))
		}
	}
	if f.DataConfig != nil {
		text, err := json.Marshal(f.DataConfig)
		if err != nil {
			return RunFile{}, err
		}
		d := json.NewDecoder(bytes.NewReader(text))
		d.DisallowUnknownFields()
		out.Spec.FMEval = &fmevalio.DataConfig{}
		if err := d.Decode(out.Spec.FMEval); err != nil {
			for name := range f.DataConfig {
				if strings.Contains(err.Error(), `"`+name+`"`) {
					problems = append(problems, at(lineOf(string(src), toml.Key{"data_config", name}), "data_config."+name+" is no setting of FMEval's DataConfig"))
				}
			}
		}
		if f.Dataset == "" {
			f.Dataset = out.Spec.FMEval.URI
		}
	}
	out.Spec.Dataset = inDir(f.Dataset)
	for _, o := range f.Outputs {
		out.Spec.Outputs = append(out.Spec.Outputs, Outputs{o.Model, inDir(o.File)})
	}
	for model, p := range f.Prices {
		if out.Spec.Prices == nil {
			out.Spec.Prices = map[string]Price{}
		}
		out.Spec.Prices[model] = Price{Input: p.Input, Output: p.Output}
	}
	for i, rule := range f.FailIf {
		if _, err := ParseRule(rule); err != nil {
			problems = append(problems, at(lineOf(string(src), toml.Key{"fail_if"}), fmt.Sprintf("rule %d: %v", i+1, err)))
		}
	}
	if len(f.Models) > 0 && len(f.Outputs) > 0 {
		problems = append(problems, at(lineOf(string(src), toml.Key{"outputs"}), "a run either asks models or takes outputs from files, not both"))
	}
	return out, errors.Join(problems...)
}

// Write writes the run as a file of the folder dir, in the form that ReadRunFile reads.
// Files in that folder are named relative to it.
func (r RunFile) Write(w io.Writer, dir string) error {
	s := r.Spec
	rel := func(path string) string {
		if in, err := filepath.Rel(dir, path); err == nil && !named(path) && filepath.IsLocal(in) {
			return in
		}
		return path
	}
	f := runFile{
		Name: s.Name, Dataset: rel(s.Dataset), Models: s.Models, Limit: s.Limit, MaxTokens: s.MaxTokens, Temperature: s.Temperature, Delimiter: s.Delimiter,
		Seed: s.Seed, Metrics: s.Metrics, Template: s.Template, FailIf: s.FailIf, Judge: s.Judge, Budget: budgetFile(s.Budget),
	}
	for name, v := range s.Params {
		if f.Params == nil {
			f.Params = map[string]any{}
		}
		f.Params[name] = v
	}
	if s.FMEval != nil {
		text, err := json.Marshal(s.FMEval)
		if err == nil {
			err = json.Unmarshal(text, &f.DataConfig)
		}
		if err != nil {
			return err
		}
		maps.DeleteFunc(f.DataConfig, func(_, v string) bool { return v == "" })
		if uri := f.DataConfig["dataset_uri"]; uri != "" && !named(uri) {
			f.DataConfig["dataset_uri"] = rel(uri)
		}
	}
	for _, o := range s.Outputs {
		f.Models = nil // they are named with the files
		f.Outputs = append(f.Outputs, outputsFile{o.Model, rel(o.File)})
	}
	if len(s.Outputs) > 0 && s.Dataset == s.Outputs[0].File {
		f.Dataset = ""
	}
	for model, p := range s.Prices {
		if p.Input == 0 && p.Output == 0 { // known without the file
			continue
		}
		if f.Prices == nil {
			f.Prices = map[string]priceFile{}
		}
		f.Prices[model] = priceFile{p.Input, p.Output}
	}
	e := toml.NewEncoder(w)
	e.Indent = ""
	return e.Encode(f)
}

// settingNames lists the settings beside a key that is none.
func settingNames(key toml.Key) string {
	switch {
	case len(key) > 1 && key[0] == "budget":
		return "dollars, minutes"
	case len(key) > 1 && key[0] == "outputs":
		return "model, file"
	case len(key) > 2 && key[0] == "prices":
		return "input, output"
	}
	return "name, dataset, models, limit, max_tokens, temperature, target_output_delimiter, seed, metrics, params, prompt_template, data_config, outputs, budget, prices, judge, fail_if"
}

// lineOf finds the line of a key, from 1: the line that sets it, or that begins
// its table.
func lineOf(src string, key toml.Key) int {
	table, line, best := "", 0, 1
	for text := range strings.Lines(src) {
		line++
		text = strings.TrimSpace(text)
		if head, ok := strings.CutPrefix(text, "["); ok {
			head, _, _ = strings.Cut(strings.TrimPrefix(head, "["), "]")
			if table = strings.TrimSpace(head); table == key.String() {
				return line
			}
			if table == strings.Join(key[:1], ".") {
				best = line
			}
			continue
		}
		name, _, ok := strings.Cut(text, "=")
		if !ok {
			continue
		}
		full := strings.Trim(strings.TrimSpace(name), `"'`)
		if table != "" {
			full = table + "." + full
		}
		if full == key.String() || full == strings.Join(key, ".") {
			return line
		}
		if full == key[0] {
			best = line
		}
	}
	return best
}
