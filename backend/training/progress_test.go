package training

import (
	"strings"
	"testing"
	"time"

	"tunebench/backend/config"
)

func TestSpent(t *testing.T) {
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	s := New(Config{Bills: true, Prices: config.Default().Prices, Now: func() time.Time { return now }})
	j := Job{Status: "InProgress", SecondaryStatus: "Training", Instance: "ml.g6e.2xlarge", InstanceCount: 2, Started: now.Add(-30 * time.Minute)}
	c := s.spent(j)
	if c == nil || c.USD < 2.79 || c.USD > 2.81 || !strings.Contains(c.Basis, "30m0s on 2 x ml.g6e.2xlarge at $2.800 an hour (price of 2026-07-02") {
		t.Errorf("%+v", c)
	}
	j.Status, j.Ended, j.BillableSeconds, j.Spot = "Completed", now, 600, true
	if c := s.spent(j); c == nil || c.USD < 0.93 || c.USD > 0.94 || !strings.Contains(c.Basis, "spot") {
		t.Errorf("%+v", c)
	}
	j.Instance = "ml.new.large"
	if s.spent(j) != nil {
		t.Error("a cost without a price")
	}
	if New(Config{Prices: config.Default().Prices}).spent(Job{Instance: "ml.g6e.2xlarge"}) != nil {
		t.Error("a cost where nothing is billed")
	}
}

func TestWaiting(t *testing.T) {
	for _, c := range []struct {
		status, message, want string
		done                  bool
	}{
		{"Starting", "Starting the training job", "instances", false},
		{"Starting", "Insufficient capacity error from EC2 while launching instances, retrying!", "no ml.p5.48xlarge is free", false},
		{"Pending", "", "its turn", false},
		{"Downloading", "Downloading input data", "data", false},
		{"DownloadingTrainingImage", "", "image", false},
		{"Training", "Training image download completed. Training in progress.", "", false},
		{"Uploading", "", "artifact", false},
		{"Interrupted", "", "spot", false},
		{"SomethingNew", "A new thing is happening", "A new thing is happening", false},
		{"Starting", "", "", true},
	} {
		j := Job{Status: "InProgress", SecondaryStatus: c.status, Instance: "ml.p5.48xlarge", Phases: []Phase{{Status: c.status, Message: c.message}}}
		if c.done {
			j.Status = "Completed"
		}
		if got := j.Waiting(); !strings.Contains(got, c.want) || c.want == "" && got != "" {
			t.Errorf("%s: %q", c.status, got)
		}
	}
}
