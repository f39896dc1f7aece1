package training

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"tunebench/backend/account/awserror"
)

// TestRestart: what was read of a log is there at once in the next process, with
// its curves, and the account is asked only for what is newer, less the overlap.
func TestRestart(t *testing.T) {
	s, sc := scripted(t)
	s.c.LogDir = t.TempDir()
	created := 1767323045
	sc.on("DescribeTrainingJob", func(map[string]any) (int, any) {
		return 200, map[string]any{"TrainingJobName": "j", "TrainingJobStatus": "InProgress", "SecondaryStatus": "Training", "CreationTime": created}
	})
	base := int64(created) * 1000
	event := func(id string, at int64, stream, text string) map[string]any {
		return map[string]any{"eventId": id, "timestamp": base + at, "message": text, "logStreamName": "j/" + stream}
	}
	lines := []any{
		event("1", 1000, "algo-1-1767323050", " 10%|#         | 1/10 [00:01<00:09]\r 20%|##        | 2/10 [00:02<00:08]\r{'loss': '2.5', 'grad_norm': 'nan', 'epoch': '0.2'}"),
		event("2", 2000, "algo-2-1767323051", "HF_TOKEN=hf_abcdefghijklmnopqrstuvwxyz0123 \x1b[31mred\x1b[m"),
		event("3", 400_000, "algo-1-1767323050", "Traceback (most recent call last):"),
		event("4", 400_001, "algo-1-1767324000", `tb1 {"event":"step","step":2,"steps":10,"loss":2.25,"tokens_per_s":100}`),
	}
	sc.on("FilterLogEvents", func(map[string]any) (int, any) { return 200, map[string]any{"events": lines} })
	w := s.Watch(context.Background(), "j")
	wait(t, w, "the lines", func() bool { return w.Len() == 4 })
	w.Close()

	// The next process cannot reach the account.
	sc.on("DescribeTrainingJob", func(map[string]any) (int, any) { return fail(400, "ThrottlingException", "Rate exceeded") })
	w = s.Watch(context.Background(), "j")
	wait(t, w, "the throttling", func() bool { return awserror.KindOf(w.Err()) == awserror.Throttled })
	if text := w.Err().Error(); !strings.Contains(text, "limits how often it is asked; asked again in ") {
		t.Error(text)
	}
	got := w.Lines(0, 10)
	if len(got) != 4 || got[0].Text != "{'loss': '2.5', 'grad_norm': 'nan', 'epoch': '0.2'}" || strings.Contains(got[1].Text, "abcdefgh") || strings.Contains(got[1].Text, "\x1b") ||
		got[1].Stream != "algo-2" || got[3].Stream != "algo-1 #2" || got[3].Event == nil || w.Streams() != 3 || w.Traceback() != 2 {
		t.Errorf("%+v", got)
	}
	if p := w.Points(); len(p) != 2 || p[0].Loss != 2.5 || p[1].Loss != 2.25 || *w.Latest().Steps != 10 {
		t.Errorf("%+v", p)
	}
	var out bytes.Buffer
	if err := w.WriteLog(context.Background(), &out, nil); err != nil || strings.Count(out.String(), "\n") != 4 || !strings.Contains(out.String(), " algo-1 #2 tb1 {") {
		t.Errorf("%v: %s", err, out.String())
	}
	w.Close()

	// And the next one asks from where the log was read.
	asked := make(chan float64, 1)
	sc.on("DescribeTrainingJob", func(map[string]any) (int, any) {
		return 200, map[string]any{"TrainingJobName": "j", "TrainingJobStatus": "Completed", "CreationTime": created}
	})
	sc.on("FilterLogEvents", func(b map[string]any) (int, any) {
		select {
		case asked <- b["startTime"].(float64):
		default:
		}
		return 200, map[string]any{"events": append([]any{event("late", 399_000, "algo-2-1767323051", "it came late")}, lines[2:]...)}
	})
	w = s.Watch(context.Background(), "j")
	defer w.Close()
	<-w.Done()
	if from := int64(<-asked); from != base-longOverlap.Milliseconds() {
		t.Errorf("a job that has ended is read from %d on, an hour back and no further than its beginning: %d", from, base-longOverlap.Milliseconds())
	}
	if got := w.Lines(0, 10); len(got) != 5 || got[2].Text != "it came late" || got[2].Arrival != 4 {
		t.Errorf("%+v", got)
	}
	dir, err := os.ReadDir(s.c.LogDir)
	if err != nil || len(dir) != 1 || fmt.Sprint(dir[0].Name()) != "aws_us-east-1" {
		t.Errorf("%v, %v", dir, err)
	}
	w.Close()

	// A job of the same name that was created later has none of these lines.
	created += 10_000
	sc.on("FilterLogEvents", func(b map[string]any) (int, any) {
		return 200, map[string]any{"events": []any{event("n", 10_001_000, "algo-1-1767333050", "another job")}}
	})
	sc.on("DescribeTrainingJob", func(map[string]any) (int, any) {
		return 200, map[string]any{"TrainingJobName": "j", "TrainingJobStatus": "Completed", "CreationTime": created}
	})
	w = s.Watch(context.Background(), "j")
	defer w.Close()
	<-w.Done()
	if got := w.Lines(0, 10); len(got) != 1 || got[0].Text != "another job" || len(w.Points()) != 0 || w.Traceback() != -1 {
		t.Errorf("%+v, %v", got, w.Err())
	}
}
