package training

import (
	"fmt"
	"strings"
	"time"
)

// Billable is the time that is paid for, of one instance: what SageMaker says
// when the job has ended, the time since the training began before.
func (j Job) Billable(now time.Time) time.Duration {
	switch {
	case j.BillableSeconds > 0:
		return time.Duration(j.BillableSeconds) * time.Second
	case j.Started.IsZero():
		return 0
	case !j.Ended.IsZero():
		return j.Ended.Sub(j.Started)
	}
	return max(now.Sub(j.Started), 0)
}

// spent reckons what the job has cost so far; nil where nothing is billed or no
// price is known.
func (s *Service) spent(j Job) *Cost {
	price, ok := s.c.Prices.Instances[j.Instance]
	if !s.c.Bills || !ok {
		return nil
	}
	n := max(j.InstanceCount, 1)
	d := j.Billable(s.c.Now())
	basis := fmt.Sprintf("%s on %d x %s at $%.3f an hour (price of %s in %s)", d.Round(time.Second), n, j.Instance, price, s.c.Prices.Date, s.c.Prices.Region)
	if j.Spot {
		basis += "; spot: SageMaker counts less time as billable when the job has ended"
	}
	return &Cost{USD: d.Hours() * price * float64(n), Basis: basis}
}

// Waiting says in words what the job is waiting for or doing outside of its
// training; "" while it trains and when it has ended.
func (j Job) Waiting() string {
	if j.Done() {
		return ""
	}
	message := ""
	if n := len(j.Phases); n > 0 {
		message = j.Phases[n-1].Message
	}
	if m := strings.ToLower(message); strings.Contains(m, "capacity") {
		what := j.Instance
		if what == "" {
			what = "instance"
		}
		return "waits for capacity: no " + what + " is free in this Region at the moment; SageMaker goes on trying"
	}
	switch j.SecondaryStatus {
	case "Pending":
		return "waits for its turn: capacity that was reserved or a queue before it"
	case "Starting", "LaunchingMLInstances", "PreparingTrainingStack", "PreparingTraining":
		return "waits for its instances to be started"
	case "Downloading", "DownloadingTrainingImage":
		if j.SecondaryStatus == "DownloadingTrainingImage" {
			return "waits for the training image to be pulled"
		}
		return "waits for its data to be copied to the instance"
	case "Uploading":
		return "writes the artifact to S3"
	case "Stopping":
		return "saves what it has and stops"
	case "Interrupted":
		return "was interrupted: spot capacity was taken back; it goes on from its last checkpoint when there is some"
	case "Restarting":
		return "is started again after an error of the platform"
	case "Updating":
		return "is being changed"
	case "Training", "":
		return ""
	}
	return message
}
