package training

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestLogsAreTidied: the first log that is opened lets old ones go, but not
// itself, however old it is.
func TestLogsAreTidied(t *testing.T) {
	s, sc := scripted(t)
	s.c.LogDir, s.c.KeepLogs = t.TempDir(), KeepLogs{Age: 24 * time.Hour, Bytes: 1 << 30}
	sc.on("DescribeTrainingJob", func(map[string]any) (int, any) {
		return 200, map[string]any{"TrainingJobName": "mine", "TrainingJobStatus": "Completed", "CreationTime": 1767323045}
	})
	sc.on("FilterLogEvents", func(map[string]any) (int, any) { return 200, map[string]any{"events": []any{}} })
	for name, age := range map[string]time.Duration{"mine": 48 * time.Hour, "old": 48 * time.Hour, "new": time.Hour} {
		path := s.logFile(name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, clock().Add(-age), clock().Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	w := s.Watch(t.Context(), "mine")
	for w.store() == nil {
		<-w.Changed()
	}
	<-w.Done()
	w.Close()
	kept, err := s.KeptLogs()
	if err != nil || len(kept) != 2 || kept[0].Job != "new" || kept[1].Job != "mine" || !kept[1].Used.Equal(clock()) {
		t.Errorf("%+v %v", kept, err)
	}
	for want, k := range map[string]KeepLogs{
		"Logs are kept for good.": {},
		"A log that was not read for 1 days goes; beyond 1024 MB in all, those go that were read longest ago. One that is open stays, and one that went is read from the account again, as long as it is there.": s.c.KeepLogs,
	} {
		if got := k.Text(); got != want {
			t.Error(got)
		}
	}
}
