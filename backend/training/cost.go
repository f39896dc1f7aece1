package training

import (
	"cmp"
	"fmt"
	"strings"
	"time"
)

// speed is a planning value in trained tokens per second of an instance with
// QLoRA on a 7B model.
var speed = []struct {
	prefix string
	perGPU float64
}{{"ml.g5.", 700}, {"ml.g6e.", 3300}, {"ml.g6.", 850}, {"ml.p4d", 3200}, {"ml.p4de", 4000}, {"ml.p5.", 7500}}

var gpus = map[string]float64{
	"ml.g5.12xlarge": 4, "ml.g5.24xlarge": 4, "ml.g5.48xlarge": 8, "ml.g6.12xlarge": 4, "ml.g6.24xlarge": 4, "ml.g6.48xlarge": 8,
	"ml.g6e.12xlarge": 4, "ml.g6e.24xlarge": 4, "ml.g6e.48xlarge": 8, "ml.p4d.24xlarge": 8, "ml.p4de.24xlarge": 8, "ml.p5.48xlarge": 8,
}

const (
	// fixedTime is image pull, packages, weights, merge and upload.
	fixedTime, fixedLow, fixedHigh = 20 * time.Minute, 12 * time.Minute, 35 * time.Minute
	// scaling is what several GPUs keep of their sum.
	scaling = 0.9
	// The planned speeds count on 0.45 of what a GPU's data sheet promises.
	// Published runs reach 0.34 to 0.69 of it.
	slowest, fastest = 0.34 / 0.45, 0.69 / 0.45
	// spotLow and spotHigh are planning values of a spot price's part of the
	// listed one; AWS claims down to 0.1.
	spotLow, spotHigh = 0.3, 0.5
)

// addCost estimates how long the training of so many tokens takes and what it
// costs. Waiting for capacity is not billed and not in it.
func (s *Service) addCost(p *Plan, tokens float64) {
	price, ok := s.c.Prices.Instances[p.Instance]
	rate := 0.0
	for _, v := range speed {
		if strings.HasPrefix(p.Instance, v.prefix) {
			rate = v.perGPU
		}
	}
	if rate == 0 {
		p.Warnings = append(p.Warnings, fmt.Sprintf("time and cost cannot be estimated: the speed of %s is not known here", p.Instance))
		return
	}
	if n := gpus[p.Instance]; n > 1 {
		rate *= n * scaling
	}
	if p.InstanceCount > 1 {
		rate *= float64(p.InstanceCount) * scaling
	}
	took := func(fixed time.Duration, rate float64) time.Duration {
		return fixed + time.Duration(tokens/rate*float64(time.Second))
	}
	d := took(fixedTime, rate)
	p.Time = &Time{Seconds: int64(d.Seconds()), LowSeconds: int64(took(fixedLow, fastest*rate).Seconds()), HighSeconds: int64(took(fixedHigh, slowest*rate).Seconds()),
		Basis: fmt.Sprintf("%s to %s to fetch, merge and upload, then %.1f million tokens at about %.0f a second (%.0f to %.0f); planning values, not measured; waiting for capacity comes on top",
			words(fixedLow), words(fixedHigh), tokens/1e6, rate, slowest*rate, fastest*rate)}
	if limit := p.Options.runtimeHours() * 3600; float64(p.Time.Seconds) > limit {
		p.Warnings = append(p.Warnings, fmt.Sprintf("the job may take %s and would be ended after max_runtime_hours %g; it can be gone on with from its last checkpoint", words(d), p.Options.runtimeHours()))
	}
	if !ok {
		p.Warnings = append(p.Warnings, fmt.Sprintf("the cost cannot be estimated: no price is known for %s; set prices.instances in the configuration file", p.Instance))
		return
	}
	usd := func(seconds int64) float64 { return float64(seconds) / 3600 * price * float64(p.InstanceCount) }
	p.Cost = &Cost{
		USD: usd(p.Time.Seconds), LowUSD: usd(p.Time.LowSeconds), HighUSD: usd(p.Time.HighSeconds),
		SpotLowUSD: spotLow * usd(p.Time.Seconds), SpotHighUSD: spotHigh * usd(p.Time.Seconds),
		Basis: fmt.Sprintf("about %s on %d x %s at $%.3f an hour (price of %s in %s, from %s)",
			words(d), p.InstanceCount, p.Instance, price, s.c.Prices.Date, s.c.Prices.Region, cmp.Or(s.c.Prices.Source, "the configuration file")),
	}
	if s.c.Region != s.c.Prices.Region {
		p.Warnings = append(p.Warnings, fmt.Sprintf("the price is of %s, the job would run in %s", s.c.Prices.Region, s.c.Region))
	}
}

// words is a length of time for people: "27 min", "3.4 h".
func words(d time.Duration) string {
	if d < 90*time.Minute {
		return fmt.Sprintf("%.0f min", max(d.Minutes(), 1))
	}
	return fmt.Sprintf("%.1f h", d.Hours())
}

// Text is the span in words: "0.7 to 1.4 h".
func (t Time) Text() string {
	low, high := time.Duration(t.LowSeconds)*time.Second, time.Duration(t.HighSeconds)*time.Second
	return words(low) + " to " + words(high)
}

// Text is the range in words: "$1.20 to $3.40".
func (c Cost) Text() string {
	if c.HighUSD == 0 {
		return fmt.Sprintf("about $%.2f", c.USD)
	}
	return fmt.Sprintf("$%.2f to $%.2f", c.LowUSD, c.HighUSD)
}

// Spot is what spot capacity may take in words; "" when that is not known.
func (c Cost) Spot() string {
	if c.SpotHighUSD == 0 {
		return ""
	}
	return fmt.Sprintf("perhaps $%.2f to $%.2f", c.SpotLowUSD, c.SpotHighUSD)
}
