package training

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"tunebench/backend/account/awserror"
	"tunebench/backend/safetext"
)

// LogGroup is where SageMaker writes the logs of training jobs.
const LogGroup = "/aws/sagemaker/TrainingJobs"

// Logs reads a job's whole log once, from its beginning, and hands every line
// to f until f returns an error, which it returns.
func (s *Service) Logs(ctx context.Context, name string, f func(LogLine) error) error {
	job, err := s.Job(ctx, name)
	if err != nil {
		return err
	}
	return s.events(ctx, name, job.Created.Add(-longOverlap).UnixMilli(), 0, func(page []types.FilteredLogEvent) error {
		for _, e := range page {
			if err := f(logLine(name, e)); err != nil {
				return err
			}
		}
		return nil
	})
}

// events reads the log from a time on, in pages; pages 0 reads all of them.
func (s *Service) events(ctx context.Context, name string, from int64, pages int, f func([]types.FilteredLogEvent) error) error {
	in := &cloudwatchlogs.FilterLogEventsInput{
		LogGroupName:        aws.String(LogGroup),
		LogStreamNamePrefix: aws.String(name + "/"),
		StartTime:           aws.Int64(max(from, 0)),
	}
	for n := 1; ; n++ {
		if err := s.logs.wait(ctx); err != nil {
			return err
		}
		out, err := s.c.Logs.FilterLogEvents(ctx, in)
		if err != nil {
			// The group is made with the account's first line.
			if awserror.KindOf(err) == awserror.NotFound {
				return nil
			}
			return awserror.Explain(err)
		}
		if err := f(out.Events); err != nil {
			return err
		}
		if in.NextToken = out.NextToken; in.NextToken == nil || n == pages {
			return nil
		}
	}
}

// logLine cleans an event and reads what it says.
func logLine(job string, e types.FilteredLogEvent) LogLine {
	message := aws.ToString(e.Message)
	return LogLine{
		Time:   time.UnixMilli(aws.ToInt64(e.Timestamp)),
		Stream: safetext.Line(streamName(job, aws.ToString(e.LogStreamName))),
		Text:   safetext.Log(message),
		Event:  ParseEvent(message),
	}
}

// streamName is "algo-1" of "<job>/algo-1-<epoch>".
func streamName(job, stream string) string {
	name := strings.TrimPrefix(stream, job+"/")
	if i := strings.LastIndexByte(name, '-'); i > 0 && strings.Trim(name[i+1:], "0123456789") == "" && len(name)-i > 6 {
		name = name[:i]
	}
	return name
}

// limiter keeps calls apart; the zero value does not.
type limiter struct {
	every time.Duration
	mu    sync.Mutex
	next  time.Time
}

// wait returns when the next call may be made.
func (l *limiter) wait(ctx context.Context) error {
	if l.every == 0 {
		return ctx.Err()
	}
	l.mu.Lock()
	now := time.Now()
	at := l.next
	if at.Before(now) {
		at = now
	}
	l.next = at.Add(l.every)
	l.mu.Unlock()
	select {
	case <-time.After(at.Sub(now)):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
