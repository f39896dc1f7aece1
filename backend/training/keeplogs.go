package training

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"tunebench/backend/training/logstore"
)

// KeepLogs says how long logs that were read are kept, and how many; 0 is no
// bound.
type KeepLogs struct {
	Age   time.Duration // since a log was last read
	Bytes int64         // of all logs together
}

// Text says the rule in words.
func (k KeepLogs) Text() string {
	var rules []string
	if k.Age > 0 {
		rules = append(rules, fmt.Sprintf("a log that was not read for %.0f days goes", k.Age.Hours()/24))
	}
	if k.Bytes > 0 {
		rules = append(rules, fmt.Sprintf("beyond %d MB in all, those go that were read longest ago", k.Bytes>>20))
	}
	if len(rules) == 0 {
		return "Logs are kept for good."
	}
	return strings.ToUpper(rules[0][:1]) + strings.Join(rules, "; ")[1:] + ". One that is open stays, and one that went is read from the account again, as long as it is there."
}

// KeptLog is a job's log that is kept on this machine.
type KeptLog struct {
	Job string `json:"job"`
	// Place is the account and Region, as the folder of the log is called.
	Place string    `json:"place"`
	Bytes int64     `json:"bytes"`
	Used  time.Time `json:"used"` // when it was last read or written
}

func keptLog(l logstore.Log) KeptLog {
	return KeptLog{Job: strings.TrimSuffix(filepath.Base(l.Path), logstore.Suffix), Place: filepath.Base(filepath.Dir(l.Path)), Bytes: l.Size, Used: l.Used}
}

// KeptLogs lists the logs of all accounts that are kept on this machine, the one
// read longest ago first.
func (s *Service) KeptLogs() ([]KeptLog, error) {
	all, err := logstore.Kept(s.c.LogDir)
	kept := make([]KeptLog, len(all))
	for i, l := range all {
		kept[i] = keptLog(l)
	}
	return kept, err
}

// TidyLogs deletes the kept logs that are beyond the bounds and returns them. It
// is done once by itself when the first log is opened.
func (s *Service) TidyLogs() ([]KeptLog, error) {
	if s.c.LogDir == "" {
		return nil, nil
	}
	gone, err := logstore.Tidy(s.c.LogDir, s.c.KeepLogs.Age, s.c.KeepLogs.Bytes, s.c.Now())
	out := make([]KeptLog, len(gone))
	for i, l := range gone {
		out[i] = keptLog(l)
	}
	return out, err
}
