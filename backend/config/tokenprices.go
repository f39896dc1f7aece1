package config

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"tunebench/backend/safetext"
)

// TokenPrice is what a model costs by the token: US dollars for a million.
type TokenPrice struct {
	Input  float64 `toml:"input"`
	Output float64 `toml:"output"`
	// Date, Region and Source are when, for where and in what it was read.
	Date   string `toml:"-"`
	Region string `toml:"-"`
	Source string `toml:"-"`
}

// Of is what so many tokens cost, in US dollars.
func (p TokenPrice) Of(input, output int) float64 {
	return (float64(input)*p.Input + float64(output)*p.Output) / 1e6
}

// Basis says what a cost was reckoned with.
func (p TokenPrice) Basis() string {
	return fmt.Sprintf("$%g for a million tokens in, $%g out (price of %s in %s, from %s)", p.Input, p.Output, p.Date, p.Region, p.Source)
}

//go:embed tokenprices.json
var tokenPrices []byte

// defaultTokens are the prices that come with the program.
func defaultTokens() map[string]TokenPrice {
	var f struct {
		Date, Region, Source string
		Prices               map[string][2]float64
	}
	if err := json.Unmarshal(tokenPrices, &f); err != nil {
		panic("config: tokenprices.json: " + err.Error()) // it is part of the program
	}
	all := map[string]TokenPrice{}
	for id, p := range f.Prices {
		all[id] = TokenPrice{p[0], p[1], f.Date, f.Region, f.Source}
	}
	return all
}

// profiles are how the ids of inference profiles over several regions begin;
// what they reach is billed by the price of the region that was asked (AWS,
// "Amazon Bedrock pricing"). global. is another price.
var profiles = []string{"us.", "us-gov.", "eu.", "apac.", "jp.", "au.", "ca."}

// Token is the price of a model's tokens by its id or the id of an inference
// profile; ok is false where it is not known. It is never guessed.
func (p Prices) Token(id string) (price TokenPrice, ok bool) {
	if price, ok = p.Tokens[id]; ok {
		return price, true
	}
	for _, prefix := range profiles {
		if rest, cut := strings.CutPrefix(id, prefix); cut {
			price, ok = p.Tokens[rest]
			return price, ok
		}
	}
	return TokenPrice{}, false
}

// tokens adds to the prices that come with the program.
func (l *loader) tokens(key string, v any, to map[string]TokenPrice) {
	const want = `"amazon.nova-micro-v1:0" = { input = 0.035, output = 0.14 }`
	t, ok := v.(map[string]any)
	if !ok {
		l.problem(key, "must be a section with prices: %s", want)
		return
	}
	for id, v := range t {
		price, ok := v.(map[string]any)
		var p TokenPrice
		for name, at := range map[string]*float64{"input": &p.Input, "output": &p.Output} {
			x, number := number(price[name])
			ok = ok && number && x >= 0 && !math.IsInf(x, 0)
			*at = x
		}
		switch {
		case safetext.Line(id) != id || id == "":
			l.problem(key, "holds a model's id with control or invisible characters, or an empty one")
		case !ok || len(price) != 2:
			l.problem(key+"."+id, "must be US dollars of 0 or more for a million tokens: %s", want)
		default:
			p.Source = "the configuration"
			to[id] = p
		}
	}
}
