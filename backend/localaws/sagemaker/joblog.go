package sagemaker

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"

	"tunebench/backend/localaws/logs"
	"tunebench/backend/safetext"
)

// event is one structured log line, the same as the training container writes:
// "tb1 " and this as JSON.
type event struct {
	Event      string   `json:"event"`
	Step       *int     `json:"step,omitempty"`
	Steps      *int     `json:"steps,omitempty"`
	Epoch      *float64 `json:"epoch,omitempty"`
	Loss       *float64 `json:"loss,omitempty"`
	EvalLoss   *float64 `json:"eval_loss,omitempty"`
	LR         *float64 `json:"lr,omitempty"`
	GradNorm   *float64 `json:"grad_norm,omitempty"`
	Tokens     *int64   `json:"tokens,omitempty"`
	TokensPerS *float64 `json:"tokens_per_s,omitempty"`
	Message    string   `json:"message,omitempty"`
}

// jobLog writes the lines of one job and draws the metrics from them that the
// job defines. After the first error, which err keeps, it writes nothing.
type jobLog struct {
	s       *Service
	j       *job
	stream  string
	metrics []*regexp.Regexp
	names   []string
	err     error
}

func (s *Service) newLog(j *job) *jobLog {
	r := s.view(j)
	l := &jobLog{s: s, j: j, stream: r.Stream}
	var in createInput
	if decode(r.Request, &in) == nil && in.AlgorithmSpecification != nil {
		for _, d := range in.AlgorithmSpecification.MetricDefinitions {
			if re, err := regexp.Compile(d.Regex); err == nil && re.NumSubexp() > 0 {
				l.metrics, l.names = append(l.metrics, re), append(l.names, d.Name)
			}
		}
	}
	return l
}

// decode fills v from a JSON value.
func decode(from, v any) error {
	data, err := json.Marshal(from)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, v)
}

// line writes one line. It is written even when ctx has ended: what happened
// must be in the log.
func (l *jobLog) line(ctx context.Context, format string, args ...any) {
	l.write(ctx, safetext.Log(fmt.Sprintf(format, args...)))
}

func (l *jobLog) event(ctx context.Context, e event) {
	e.Message = safetext.Log(e.Message)
	data, err := json.Marshal(e)
	if err != nil { // a number that JSON has no form for
		l.line(ctx, "an event of kind %s could not be written: %v", e.Event, err)
		return
	}
	l.write(ctx, "tb1 "+string(data))
}

func (l *jobLog) write(ctx context.Context, text string) {
	if l.err != nil {
		return
	}
	now := l.s.now()
	err := l.s.o.Logs.Append(context.WithoutCancel(ctx), LogGroup, l.stream, []logs.Event{{Time: now, Message: text}})
	if err != nil {
		l.err = fmt.Errorf("the job's log could not be written: %w", err)
		return
	}
	for i, re := range l.metrics {
		m := re.FindStringSubmatch(text)
		if m == nil {
			continue
		}
		v, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			continue
		}
		l.s.mu.Lock()
		if l.j.rec.Metrics == nil {
			l.j.rec.Metrics = map[string]metric{}
		}
		l.j.rec.Metrics[l.names[i]] = metric{Value: v, Time: now}
		l.s.mu.Unlock()
	}
}

func ptr[T any](v T) *T { return &v }
