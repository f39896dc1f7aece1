package chat

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrock"

	"tunebench/backend/config"
)

// Cost of an answer.
type Cost struct {
	USD   float64
	Known bool
	// Window says that an imported model is billed by windows of five minutes:
	// USD is that of the window which this answer opened, 0 where one was open.
	Window bool
	// Basis says how it was reckoned, or why it is not known.
	Basis string
}

// String is the cost in a few words.
func (c Cost) String() string {
	switch {
	case !c.Known:
		return "price unknown"
	case c.Window && c.USD > 0:
		return Money(c.USD) + " for 5 min"
	case c.Window:
		return "within 5 min" // that are paid for
	}
	return Money(c.USD)
}

// Short is the sum alone; $? is not known.
func (c Cost) Short() string {
	if !c.Known {
		return "$?"
	}
	return Money(c.USD)
}

// Money writes US dollars, small sums with two digits that count.
func Money(usd float64) string {
	switch {
	case usd == 0:
		return "$0"
	case usd >= 0.1:
		return fmt.Sprintf("$%.2f", usd)
	}
	return "$" + strconv.FormatFloat(usd, 'f', 1-int(math.Floor(math.Log10(usd))), 64)
}

// CostWindow is the time that is billed from the first call of an imported model
// on, and again for each that follows (Bedrock user guide, "Calculate the cost of
// running a custom model").
const CostWindow = 5 * time.Minute

// Meter reckons what answers cost, in the order in which they were asked for. The
// windows of imported models are known by its answers alone: one that somebody
// else had opened is counted again. It is for one goroutine.
type Meter struct {
	Prices config.Prices
	// Bills says that the account does, Region is where.
	Bills  bool
	Region string
	// Units is how many custom model units a copy of an imported model takes; 0 is
	// not known.
	Units func(modelID string) int

	open map[string]time.Time // until when a model's window is open
}

// Cost is what an answer has cost.
func (m *Meter) Cost(a AnswerState) Cost {
	mod := a.Model
	switch {
	case mod.Kind == Hosted:
		return m.tokens(a, mod.Ref)
	case !m.Bills:
		return Cost{Known: true, Basis: "the local account bills nobody"}
	case mod.Kind == Imported:
		return m.window(a)
	case mod.Kind == "":
		return Cost{Basis: mod.Ref + " is not in the account's list of models"}
	}
	return m.tokens(a, mod.ID)
}

// tokens is the cost of an answer that is paid for by the token.
func (m *Meter) tokens(a AnswerState, id string) Cost {
	price, ok := m.Prices.Token(id)
	if !ok {
		return Cost{Basis: fmt.Sprintf("no price of %s is known; set one in prices.tokens of the configuration", a.Model.Ref)}
	}
	s := a.Stats
	switch {
	case s.InputTokens > 0:
		c := Cost{Known: true, USD: price.Of(s.InputTokens, s.OutputTokens), Basis: price.Basis()}
		if a.Model.Kind != Hosted && m.Region != price.Region {
			c.Basis += "; the account is in " + m.Region
		}
		return c
	case a.Text == "" && a.Phase == Failed:
		return Cost{Known: true, Basis: "it was not answered"}
	}
	return Cost{Basis: "the answer ended before " + a.Model.Ref + " had counted its tokens"}
}

// window is the cost of an answer of an imported model.
func (m *Meter) window(a AnswerState) Cost {
	if a.Text == "" && a.Phase != Finished {
		return Cost{Known: true, Basis: "it was not answered"}
	}
	id := a.Model.ID
	if a.Started.Before(m.open[id]) {
		return Cost{Known: true, Window: true, Basis: "within the five minutes that an answer before had opened"}
	}
	n := 0
	if m.Units != nil {
		n = m.Units(id)
	}
	if n <= 0 {
		return Cost{Basis: "how many custom model units " + a.Model.Ref + " takes is not known"}
	}
	if m.open == nil {
		m.open = map[string]time.Time{}
	}
	m.open[id] = a.Started.Add(CostWindow)
	p := m.Prices
	c := Cost{Known: true, Window: true, USD: float64(n) * p.CMUMinute * CostWindow.Minutes(),
		Basis: fmt.Sprintf("five minutes of %d custom model units for a copy, at $%g a minute each (price of %s in %s, from %s)", n, p.CMUMinute, p.Date, p.Region, p.Source)}
	if m.Region != p.Region {
		c.Basis += "; the account is in " + m.Region
	}
	return c
}

// Meter reckons by the service's prices. units are those of imported models by
// their IDs.
func (s *Service) Meter(units map[string]int) *Meter {
	return &Meter{Prices: s.cfg.Prices, Bills: s.cfg.Bills, Region: s.region, Units: func(id string) int { return units[id] }}
}

// Units is how many custom model units a copy of an imported model takes, 0 if
// Bedrock does not say.
func (s *Service) Units(ctx context.Context, m Model) (int, error) {
	out, err := s.cfg.Bedrock.GetImportedModel(ctx, &bedrock.GetImportedModelInput{ModelIdentifier: &m.ID})
	if err != nil {
		return 0, s.cfg.Explain(err)
	}
	if out.CustomModelUnits == nil {
		return 0, nil
	}
	return int(aws.ToInt32(out.CustomModelUnits.CustomModelUnitsPerModelCopy)), nil
}
