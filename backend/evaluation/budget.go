package evaluation

import (
	"context"
	"fmt"
	"time"

	"tunebench/backend/chat"
)

// Budget ends a run that would take more than it. Zero is no bound. A run that
// is resumed has it anew.
type Budget struct {
	Dollars float64 `json:"dollars,omitempty"`
	Minutes float64 `json:"minutes,omitempty"`
}

// Price is what a model costs: dollars per million tokens of input and output,
// and dollars for each minute that it is kept awake.
type Price struct {
	Input  float64 `json:"input,omitempty"`
	Output float64 `json:"output,omitempty"`
	Minute float64 `json:"minute,omitempty"`
}

func (p Price) of(input, output int64) float64 {
	return (float64(input)*p.Input + float64(output)*p.Output) / 1e6
}

// price completes the prices of a run with what Config.Price knows, and refuses
// a budget in money where a price is missing.
func (s *Service) price(spec *Spec, models []chat.Model) error {
	prices := map[string]Price{}
	for _, m := range models {
		p, ok := spec.Prices[m.Ref]
		if !ok && s.cfg.Price != nil && m.Kind != OutputsKind {
			p, ok = s.cfg.Price(m)
		}
		if ok {
			prices[m.Ref] = p
		} else if spec.Budget.Dollars > 0 && m.Kind != OutputsKind {
			return fmt.Errorf("the run has a budget of $%.2f, but what %s costs is not known: give its price, in dollars per million tokens of input and of output: in the form under time and money, or in the run file under [prices.%q]",
				spec.Budget.Dollars, m.Ref, m.Ref)
		}
	}
	for ref := range spec.Prices {
		if _, ok := prices[ref]; !ok {
			return fmt.Errorf("there is a price for %s, which is no model of this run", ref)
		}
	}
	if spec.Prices = prices; len(prices) == 0 {
		spec.Prices = nil
	}
	return nil
}

// overBudget ends a run whose budget is used up.
type overBudget struct{ text string }

func (e *overBudget) Error() string { return e.text }

// spend adds what answers have cost to what this execution has spent, and ends
// the run when that reaches its budget. Kept answers cost nothing.
func (l *Live) spend(group []outcome) {
	b := l.spec.Budget
	if b.Dollars <= 0 {
		return
	}
	for _, o := range group {
		p := l.spec.Prices[l.runners[o.model].model.Ref]
		for _, a := range o.answers {
			l.spent += p.of(int64(a.InputTokens), int64(a.OutputTokens))
		}
	}
	total := l.spent
	for _, r := range l.runners {
		total += l.spec.Prices[r.model.Ref].Minute * l.service.cfg.Now().Sub(l.started).Minutes()
	}
	if total >= b.Dollars {
		l.cancel(&overBudget{fmt.Sprintf("the budget of $%.2f is used up; resume the run to go on with as much again", b.Dollars)})
	}
}

// watchBudget ends the run when its minutes are over.
func (l *Live) watchBudget(ctx context.Context) {
	m := l.spec.Budget.Minutes
	if m <= 0 {
		return
	}
	t := time.NewTimer(time.Duration(m * float64(time.Minute)))
	defer t.Stop()
	select {
	case <-t.C:
		l.cancel(&overBudget{fmt.Sprintf("the budget of %g minutes is used up; resume the run to go on for as long again", m)})
	case <-ctx.Done():
	}
}
