// Package corpus generates what the local base model is made from and what it
// is shown with: facts about countries, elements, books and invented products,
// the wordings they are asked in, the stream of pre-training documents, and
// the rows of the sample dataset and its held-out files. Everything follows
// from a seed and nothing else.
//
// What belongs here: text and its order. What does not: token ids of a
// particular vocabulary beyond encoding a document, training, and files on
// disk (package makebase writes them).
package corpus

import (
	"fmt"
	"hash/fnv"
	"strings"
)

// Fact is one value of one attribute of one entity, for example the capital
// of France.
type Fact struct {
	Category  string // "geography", "chemistry", "literature", "products"
	Entity    string // "France"; products with their article: "the Lumora lamp"
	Attribute string // key of the attribute: "capital"
	Value     string // the concise answer: "Paris"

	attr *attribute
}

// attribute holds the ways to ask for a fact, to answer and to state it. In
// all of them {e} stands for the entity and {v} for the value.
type attribute struct {
	// tuned wordings occur in the sample dataset and in pre-training, known
	// ones in pre-training and in the held-out file, unseen ones in neither.
	tuned, known, unseen []string
	verbose              []string
	statements           []string
}

func (f Fact) fill(pattern string) string {
	s := strings.NewReplacer("{e}", f.Entity, "{v}", f.Value).Replace(pattern)
	if strings.HasPrefix(pattern, "{v}") { // a value keeps its spelling everywhere
		return s
	}
	return upperFirst(strings.ReplaceAll(s, ". the ", ". The "))
}

func upperFirst(s string) string {
	if s != "" && s[0] >= 'a' && s[0] <= 'z' {
		return string(s[0]-'a'+'A') + s[1:]
	}
	return s
}

// Facts returns all facts, in a fixed order: the real-world ones first, then
// those about invented products.
func Facts() []Fact {
	var fs []Fact
	add := func(category, entity, key, value string) {
		if value != "-" {
			fs = append(fs, Fact{category, entity, key, value, attributes[key]})
		}
	}
	for line := range strings.Lines(countryTable) {
		p := strings.Split(strings.TrimSpace(line), "|")
		for i, key := range []string{"capital", "currency", "continent", "language"} {
			add("geography", p[0], key, p[i+1])
		}
	}
	for line := range strings.Lines(elementTable) {
		p := strings.Fields(line)
		add("chemistry", p[0], "symbol", p[1])
		add("chemistry", p[0], "number", p[2])
	}
	for line := range strings.Lines(bookTable) {
		p := strings.Split(strings.TrimSpace(line), "|")
		add("literature", p[0], "author", p[1])
	}
	for line := range strings.Lines(productTable) {
		p := strings.Split(strings.TrimSpace(line), "|")
		for i, key := range []string{"warranty", "price", "color", "team"} {
			add("products", "the "+p[0], key, p[i+1])
		}
	}
	return fs
}

// Real tells whether the fact is about the real world.
func (f Fact) Real() bool { return f.Category != "products" }

// Statements returns sentences that state the fact.
func (f Fact) Statements() []string { return f.fillAll(f.attr.statements) }

// Answers returns the full sentences in which the base model answers.
func (f Fact) Answers() []string { return f.fillAll(f.attr.verbose) }

// TunedQuestions returns the questions that the sample dataset may ask.
func (f Fact) TunedQuestions() []string { return f.fillAll(f.attr.tuned) }

// KnownQuestions returns questions that pre-training asks and the sample
// dataset does not.
func (f Fact) KnownQuestions() []string { return f.fillAll(f.attr.known) }

// UnseenQuestions returns questions that neither of them asks.
func (f Fact) UnseenQuestions() []string { return f.fillAll(f.attr.unseen) }

func (f Fact) fillAll(patterns []string) []string {
	out := make([]string, len(patterns))
	for i, p := range patterns {
		out[i] = f.fill(p)
	}
	return out
}

// hash spreads keys evenly and never changes between releases of Go.
func hash(parts ...any) uint64 {
	h := fnv.New64a()
	for _, p := range parts {
		fmt.Fprint(h, p, "\x00")
	}
	x := h.Sum64() // FNV alone leaves the low bits of similar keys alike
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	return x ^ x>>33
}

// Tuned tells whether the entity of the fact belongs to the half that the
// sample dataset is made from. The other half is held out.
func (f Fact) Tuned() bool { return hash("tuned", f.Entity)%2 == 0 }
