package training

import (
	"encoding/json"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// metricsHint matches every line that ParseMetrics reads, to pass over all
// others. Its alternatives begin with what is rare in other lines.
const metricsHint = `tb1 \{|'loss'|"loss"|'eval_loss'|"eval_loss"|/loss'|/loss"`

// barStep is the step that a progress bar shows: " 12/300 [00:10<".
var barStep = regexp.MustCompile(`\b(\d+)/(\d+) \[`)

// metricNames says which number a trainer's key is. Keys are compared in lower
// case, without a "train/" or "train_" before them. The lists are from the
// sources of Hugging Face's Trainer, TRL, axolotl and LLaMA-Factory.
var metricNames = map[string]string{
	"loss": "loss", "eval_loss": "eval_loss", "eval/loss": "eval_loss",
	"learning_rate": "lr", "lr": "lr",
	"grad_norm": "grad_norm",
	"epoch":     "epoch", "num_tokens": "tokens", "num_input_tokens_seen": "tokens", "total_tokens": "tokens",
	"tokens_per_second": "tokens_per_s", "tokens_per_sec": "tokens_per_s", "tokens_per_second_per_gpu": "tokens_per_s", "tokens_per_sec_per_gpu": "tokens_per_s",
	"throughput":                  "tokens_per_s",
	"memory/max_active (gib)":     "gpu_gb",
	"memory/max_mem_active(gib)":  "gpu_gb",
	"memory/max_mem_active (gib)": "gpu_gb",
	"step":                        "step", "global_step": "step", "current_steps": "step",
	"max_steps": "steps", "total_steps": "steps",
}

// ParseMetrics reads the numbers of a line: of our own format, or of the
// dictionaries that Hugging Face's Trainer (numbers, or since its fifth version
// texts of four digits), TRL and axolotl print, or of LLaMA-Factory's
// trainer_log.jsonl. A dictionary may stand behind the rest of a progress bar,
// whose step it then takes. It returns nil for any other line. Events of other
// trainers are "step", "eval" or, for the averages at the end, "summary".
func ParseMetrics(line string) *Event {
	if e := ParseEvent(line); e != nil {
		return e
	}
	if !strings.Contains(line, "loss'") && !strings.Contains(line, `loss"`) {
		return nil
	}
	if i := strings.LastIndexByte(strings.TrimRight(line, "\r\n"), '\r'); i >= 0 && strings.Contains(line[i:], "loss") {
		line = line[i+1:]
	}
	for from := 0; ; {
		at := strings.IndexByte(line[from:], '{')
		if at < 0 {
			return nil
		}
		at += from
		if e := dictionary(line[at:]); e != nil {
			if e.Step == nil {
				if m := barStep.FindStringSubmatch(line[:at]); m != nil {
					e.Step, e.Steps = stepNumber(m[1]), stepNumber(m[2])
				}
			}
			return e
		}
		from = at + 1
	}
}

func stepNumber(s string) *int {
	n, err := strconv.Atoi(s)
	if err != nil || n > maxStep {
		return nil
	}
	return &n
}

// dictionary reads a dictionary as Python prints it, or a JSON object, of
// numbers and texts. nil means that it is none, or says nothing of a loss.
func dictionary(s string) *Event {
	if len(s) > maxEventLine {
		s = s[:maxEventLine]
	}
	e := &Event{Event: "step"}
	summary := false
	for s = s[1:]; ; {
		s = strings.TrimLeft(s, " \t")
		key, rest, ok := quoted(s)
		if !ok {
			return nil
		}
		rest = strings.TrimLeft(rest, " \t")
		if !strings.HasPrefix(rest, ":") {
			return nil
		}
		value, after, ok := scalar(strings.TrimLeft(rest[1:], " \t"))
		if !ok {
			return nil
		}
		switch key {
		case "train_loss", "train_runtime":
			summary = true
		default:
			e.metric(key, value)
		}
		after = strings.TrimLeft(after, " \t")
		if strings.HasPrefix(after, ",") {
			s = after[1:]
			continue
		}
		if !strings.HasPrefix(after, "}") {
			return nil
		}
		break
	}
	odd := strings.Join(e.NotFinite, " ")
	hasLoss := e.Loss != nil || strings.HasPrefix(odd, "loss") || strings.Contains(odd, " loss")
	switch {
	case summary:
		return &Event{Event: "summary", Epoch: e.Epoch}
	case hasLoss:
		return e
	case e.EvalLoss != nil || strings.Contains(odd, "eval_loss"):
		e.Event = "eval"
		return e
	}
	return nil
}

// metric notes the number of a key, if it is one that we know.
func (e *Event) metric(key, value string) {
	k := strings.ToLower(key)
	for _, p := range [...]string{"train/", "train_"} {
		k = strings.TrimPrefix(k, p)
	}
	name := metricNames[k]
	if name == "" {
		return
	}
	f, err := strconv.ParseFloat(value, 64)
	if err != nil && !math.IsInf(f, 0) {
		return
	}
	if math.IsNaN(f) || math.IsInf(f, 0) {
		e.NotFinite = append(e.NotFinite, name)
		return
	}
	switch name {
	case "loss":
		e.Loss = &f
	case "eval_loss":
		e.EvalLoss = &f
	case "lr":
		e.LR = &f
	case "grad_norm":
		e.GradNorm = &f
	case "epoch":
		e.Epoch = &f
	case "tokens_per_s":
		e.TokensPerS = &f
	case "gpu_gb":
		e.GPUGB = &f
	case "tokens":
		if f >= 0 && f < 1<<62 {
			n := int64(f)
			e.Tokens = &n
		}
	case "step", "steps":
		if f >= 0 && f <= maxStep {
			n := int(f)
			if name == "step" {
				e.Step = &n
			} else {
				e.Steps = &n
			}
		}
	}
}

// quoted reads a text in single or double quotes.
func quoted(s string) (text, rest string, ok bool) {
	if s == "" || s[0] != '\'' && s[0] != '"' {
		return "", "", false
	}
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case s[0]:
			text = s[1:i]
			if s[0] == '"' && strings.IndexByte(text, '\\') >= 0 {
				if json.Unmarshal([]byte(s[:i+1]), &text) != nil {
					return "", "", false
				}
			}
			return text, s[i+1:], true
		}
	}
	return "", "", false
}

// scalar reads a number, a text, a truth value or nothing; a list or a
// dictionary inside is passed over.
func scalar(s string) (value, rest string, ok bool) {
	if s == "" {
		return "", "", false
	}
	switch s[0] {
	case '\'', '"':
		return quoted(s)
	case '[', '{', '(':
		depth := 0
		for i := 0; i < len(s); i++ {
			switch s[i] {
			case '[', '{', '(':
				depth++
			case ']', '}', ')':
				if depth--; depth == 0 {
					return "", s[i+1:], true
				}
			}
		}
		return "", "", false
	}
	i := strings.IndexAny(s, ",} ")
	if i <= 0 {
		return "", "", false
	}
	return s[:i], s[i:], true
}
