package tui

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"tunebench/backend/evaluation"
	"tunebench/metrics"
	"tunebench/metrics/fmevalio"
)

// evalField is a setting of a run in the form: how it is shown, and how what was
// typed is taken.
type evalField struct {
	name, label, help, hint string
	choices                 [][2]string // value and text
	show                    func(evaluation.Spec) string
	take                    func(s *evaluation.Spec, v string) error
}

// evalGroup is a group of settings that is opened on demand.
type evalGroup struct {
	label, help string
	fields      []evalField
	note        func(v func(name string) string) string
}

// evalFields are the settings that stand open.
var evalFields = []evalField{
	{name: "dataset", label: "dataset", help: "rows that no model was trained on: a file, s3://BUCKET/KEY, or one of FMEval's, such as fmeval:trivia_qa",
		show: func(s evaluation.Spec) string { return s.Dataset },
		take: func(s *evaluation.Spec, v string) error { s.Dataset = v; return nil }},
	{name: "models", label: "models", help: "the first is what the others are compared with", hint: "base, MODEL",
		show: func(s evaluation.Spec) string { return strings.Join(s.Models, ", ") },
		take: func(s *evaluation.Spec, v string) error {
			s.Models = nil
			for _, m := range words(v) {
				if !slices.Contains(s.Models, m) {
					s.Models = append(s.Models, m)
				}
			}
			return nil
		}},
	{name: "limit", label: "rows", help: "how many to use, drawn by chance; empty uses all", hint: "all",
		show: func(s evaluation.Spec) string { return positive(float64(s.Limit)) },
		take: func(s *evaluation.Spec, v string) error {
			s.Limit = 0
			if v == "" || v == "all" {
				return nil
			}
			n, err := strconv.Atoi(v)
			if err != nil || n < 1 {
				return errors.New("a whole number is needed, or nothing")
			}
			s.Limit = n
			return nil
		}},
	{name: "metrics", label: "metrics", help: "FMEval's names, more than one with commas; empty takes what suits the dataset", hint: "qa_accuracy",
		show: func(s evaluation.Spec) string { return strings.Join(s.Metrics, ", ") },
		take: func(s *evaluation.Spec, v string) error {
			s.Metrics = nil
			for _, m := range words(v) {
				if _, err := metrics.Lookup(m); err != nil {
					return err
				}
				s.Metrics = append(s.Metrics, m)
			}
			return nil
		}},
	{name: "template", label: "prompt", help: "text around the question, which is $model_input; empty asks it alone, or as FMEval does where the dataset is one of its own", hint: "$model_input",
		show: func(s evaluation.Spec) string { return strings.ReplaceAll(s.Template, "\n", `\n`) },
		take: func(s *evaluation.Spec, v string) error {
			s.Template = strings.ReplaceAll(v, `\n`, "\n")
			_, err := fmevalio.Compose(s.Template, "x")
			return err
		}},
}

// number is a field for a number of which 0 means none.
func number(name, label, help, hint string, at func(*evaluation.Spec) *float64) evalField {
	return evalField{name: name, label: label, help: help, hint: hint,
		show: func(s evaluation.Spec) string { return positive(*at(&s)) },
		take: func(s *evaluation.Spec, v string) error {
			*at(s) = 0
			if v == "" {
				return nil
			}
			n, err := strconv.ParseFloat(strings.TrimPrefix(v, "$"), 64)
			if err != nil || n <= 0 || n > 1e6 {
				return errors.New("a number above 0 is needed, or nothing")
			}
			*at(s) = n
			return nil
		}}
}

// place is a field for one of FMEval's locations.
func place(name, label, help, hint string, at func(*fmevalio.DataConfig) *string) evalField {
	return evalField{name: name, label: label, help: help, hint: hint,
		show: func(s evaluation.Spec) string {
			if s.FMEval == nil {
				return ""
			}
			return *at(s.FMEval)
		},
		take: func(s *evaluation.Spec, v string) error {
			if s.FMEval == nil {
				s.FMEval = &fmevalio.DataConfig{}
			}
			*at(s.FMEval) = v
			return fmevalio.CheckLocation(v)
		}}
}

// evalGroups are the settings that a group hides until it is opened. Together
// with evalFields they are all that a run file can say, but for the columns of
// metrics that need log-probabilities.
var evalGroups = []evalGroup{
	{"time and money", "stop the run when it has taken this long or cost this much; it can be resumed", []evalField{
		number("minutes", "minutes", "the run stops after so many, and can be resumed; empty lets it end", "no bound", func(s *evaluation.Spec) *float64 { return &s.Budget.Minutes }),
		number("dollars", "dollars", "the run stops when its answers have cost so much; what the models cost must be known", "no bound", func(s *evaluation.Spec) *float64 { return &s.Budget.Dollars }),
		{name: "prices", label: "prices", help: "dollars per million tokens of input and of output, as MODEL=0.15/0.2, more than one with commas", hint: "as configured",
			show: showPrices, take: takePrices},
	}, func(v func(string) string) string {
		var parts []string
		if m := v("minutes"); m != "" {
			parts = append(parts, "at most "+m+" minutes")
		}
		if d := v("dollars"); d != "" {
			parts = append(parts, "at most $"+strings.TrimPrefix(d, "$"))
		}
		return or(strings.Join(parts, ", "), "no bound: the run goes to its end")
	}},
	{"answers from files", "score what was answered already, and ask nobody", []evalField{
		{name: "outputs", label: "files", help: "MODEL=FILE with what a model has answered, more than one with commas; then the fields dataset and models are not used", hint: "base=base.jsonl, tuned=tuned.jsonl",
			show: func(s evaluation.Spec) string {
				var list []string
				for _, o := range s.Outputs {
					list = append(list, o.Model+"="+o.File)
				}
				return strings.Join(list, ", ")
			},
			take: func(s *evaluation.Spec, v string) error {
				s.Outputs = nil
				for part := range strings.SplitSeq(v, ",") {
					if part = strings.TrimSpace(part); part == "" {
						continue
					}
					model, file, ok := strings.Cut(part, "=")
					if !ok {
						model, file = "", part
					}
					s.Outputs = append(s.Outputs, evaluation.Outputs{Model: strings.TrimSpace(model), File: strings.TrimSpace(file)})
				}
				return nil
			}},
	}, func(v func(string) string) string { return or(v("outputs"), "none: the models are asked") }},
	{"columns", "where the dataset has its columns, as FMEval's DataConfig says it (JMESPath); empty finds them by their names", []evalField{
		place("model_input", "question", `FMEval's model_input_location, a JMESPath such as question or "Review Text"`, "found by its name", func(c *fmevalio.DataConfig) *string { return &c.ModelInput }),
		place("target_output", "reference", "FMEval's target_output_location", "found by its name", func(c *fmevalio.DataConfig) *string { return &c.TargetOutput }),
		place("category_at", "category", "FMEval's category_location", "found by its name", func(c *fmevalio.DataConfig) *string { return &c.Category }),
		place("model_output", "answer", "FMEval's model_output_location, in files with answers", "model_output", func(c *fmevalio.DataConfig) *string { return &c.ModelOutput }),
		{name: "dataset_name", label: "name", help: "FMEval's dataset_name: it names the exported files, and FMEval has prompts for some names", hint: "the file's",
			show: func(s evaluation.Spec) string {
				if s.FMEval == nil {
					return ""
				}
				return s.FMEval.Name
			},
			take: func(s *evaluation.Spec, v string) error {
				if s.FMEval == nil {
					s.FMEval = &fmevalio.DataConfig{}
				}
				s.FMEval.Name = v
				return nil
			}},
		{name: "mime", label: "form", help: "FMEval's dataset_mime_type", choices: [][2]string{{"", "by the file's name"}, {fmevalio.JSONLines, "JSON Lines"}, {fmevalio.JSON, "JSON"}},
			show: func(s evaluation.Spec) string {
				if s.FMEval == nil {
					return ""
				}
				return s.FMEval.MIMEType
			},
			take: func(s *evaluation.Spec, v string) error {
				if s.FMEval == nil {
					s.FMEval = &fmevalio.DataConfig{}
				}
				s.FMEval.MIMEType = v
				return nil
			}},
	}, func(v func(string) string) string {
		var parts []string
		for _, f := range [][2]string{{"model_input", "question"}, {"target_output", "reference"}, {"category_at", "category"}, {"model_output", "answer"}} {
			if s := v(f[0]); s != "" {
				parts = append(parts, f[1]+" in "+s)
			}
		}
		return or(strings.Join(parts, ", "), "found by their names")
	}},
	{"answering", "how the models are asked, and how answers are read", []evalField{
		{name: "max_tokens", label: "tokens", help: "the longest answer", hint: "128",
			show: func(s evaluation.Spec) string { return positive(float64(s.MaxTokens)) },
			take: func(s *evaluation.Spec, v string) error {
				s.MaxTokens = 0
				if v == "" {
					return nil
				}
				n, err := strconv.Atoi(v)
				if err != nil || n < 1 {
					return errors.New("a whole number is needed, or nothing")
				}
				s.MaxTokens = n
				return nil
			}},
		{name: "temperature", label: "temperature", help: "0 always takes the likeliest token, so that a run can be repeated", hint: "0",
			show: func(s evaluation.Spec) string { return positive(s.Temperature) },
			take: func(s *evaluation.Spec, v string) error {
				n, err := strconv.ParseFloat(or(v, "0"), 64)
				if err != nil || n < 0 || n > 2 {
					return errors.New("a number from 0 to 2 is needed")
				}
				s.Temperature = n
				return nil
			}},
		{name: "delimiter", label: "separator", help: "what separates several right answers in a reference", hint: metrics.DefaultDelimiter,
			show: func(s evaluation.Spec) string { return s.Delimiter },
			take: func(s *evaluation.Spec, v string) error { s.Delimiter = v; return nil }},
		{name: "seed", label: "seed", help: "of the rows that are drawn and of the intervals; the same seed draws the same rows", hint: "1",
			show: func(s evaluation.Spec) string {
				if s.Seed == 0 {
					return ""
				}
				return strconv.FormatUint(s.Seed, 10)
			},
			take: func(s *evaluation.Spec, v string) error {
				n, err := strconv.ParseUint(or(v, "1"), 10, 64)
				if err != nil {
					return errors.New("a whole number is needed")
				}
				s.Seed = n
				return nil
			}},
		{name: "params", label: "options", help: "of the metrics, under FMEval's names, as num_perturbations=5, more than one with commas", hint: "none",
			show: func(s evaluation.Spec) string {
				var list []string
				for _, k := range slices.Sorted(maps.Keys(s.Params)) {
					list = append(list, k+"="+s.Params[k])
				}
				return strings.Join(list, ", ")
			}, take: takeParams},
	}, func(v func(string) string) string {
		return fmt.Sprintf("up to %s tokens, temperature %s, seed %s", or(v("max_tokens"), "128"), or(v("temperature"), "0"), or(v("seed"), "1"))
	}},
	{"judge", "a model that says at the end which of the first model's and the last one's answers are better, asked in both orders", []evalField{
		{name: "judge", label: "judge", help: "one of the models that can be named; not one of those compared", hint: "none",
			show: func(s evaluation.Spec) string { return s.Judge },
			take: func(s *evaluation.Spec, v string) error { s.Judge = v; return nil }},
	}, func(v func(string) string) string { return or(v("judge"), "none") }},
	{"rules", "what the last model must not be, against the first; eval run --config ends with status 3 when one holds", []evalField{
		{name: "fail_if", label: "fails if", help: "such as f1_score < baseline - 0.02, errors > 0.01; more than one with commas", hint: "none",
			show: func(s evaluation.Spec) string { return strings.Join(s.FailIf, ", ") },
			take: func(s *evaluation.Spec, v string) error {
				s.FailIf = nil
				for part := range strings.SplitSeq(v, ",") {
					if part = strings.TrimSpace(part); part == "" {
						continue
					}
					if _, err := evaluation.ParseRule(part); err != nil {
						return err
					}
					s.FailIf = append(s.FailIf, part)
				}
				return nil
			}},
		{name: "run_name", label: "name", help: "of the run", hint: "none",
			show: func(s evaluation.Spec) string { return s.Name },
			take: func(s *evaluation.Spec, v string) error { s.Name = v; return nil }},
	}, func(v func(string) string) string { return or(v("fail_if"), "none") }},
}

// positive is a number as it is typed; "" for 0.
func positive(n float64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatFloat(n, 'f', -1, 64)
}

// words are what commas and spaces separate.
func words(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' })
}

func showPrices(s evaluation.Spec) string {
	var list []string
	for _, m := range slices.Sorted(maps.Keys(s.Prices)) {
		if p := s.Prices[m]; p.Input != 0 || p.Output != 0 {
			list = append(list, fmt.Sprintf("%s=%g/%g", m, p.Input, p.Output))
		}
	}
	return strings.Join(list, ", ")
}

func takePrices(s *evaluation.Spec, v string) error {
	s.Prices = nil
	for _, part := range words(v) {
		model, price, _ := strings.Cut(part, "=")
		in, out, ok := strings.Cut(price, "/")
		a, err := strconv.ParseFloat(in, 64)
		b, err2 := strconv.ParseFloat(out, 64)
		if !ok || err != nil || err2 != nil || a < 0 || b < 0 || model == "" {
			return fmt.Errorf("%q is no price; write MODEL=0.15/0.2", part)
		}
		if s.Prices == nil {
			s.Prices = map[string]evaluation.Price{}
		}
		s.Prices[model] = evaluation.Price{Input: a, Output: b}
	}
	return nil
}

// takeParams reads options. A comma within brackets or quotes belongs to the
// value: valid_labels=["yes", "no"].
func takeParams(s *evaluation.Spec, v string) error {
	s.Params = nil
	for v = strings.TrimSpace(v); v != ""; {
		name, rest, ok := strings.Cut(v, "=")
		if name = strings.TrimSpace(name); !ok || name == "" || strings.ContainsAny(name, ", ") {
			return errors.New("write name=value, more than one with commas")
		}
		var value string
		rest = strings.TrimSpace(rest)
		if strings.HasPrefix(rest, "[") {
			d := json.NewDecoder(strings.NewReader(rest))
			var list json.RawMessage
			if err := d.Decode(&list); err != nil {
				return fmt.Errorf("%s: %q is no list; write [\"yes\", \"no\"]", name, rest)
			}
			value, rest = string(list), strings.TrimSpace(rest[d.InputOffset():])
			rest = strings.TrimPrefix(rest, ",")
		} else {
			value, rest, _ = strings.Cut(rest, ",")
		}
		if s.Params == nil {
			s.Params = map[string]string{}
		}
		s.Params[name] = strings.TrimSpace(value)
		v = strings.TrimSpace(rest)
	}
	return nil
}
