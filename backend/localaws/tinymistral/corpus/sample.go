package corpus

import (
	"cmp"
	"fmt"
	"slices"
)

// Row is one row of the sample dataset in OpenOrca's columns, with a category
// beside them.
type Row struct {
	ID           string `json:"id" parquet:"id"`
	SystemPrompt string `json:"system_prompt" parquet:"system_prompt"`
	Question     string `json:"question" parquet:"question"`
	Response     string `json:"response" parquet:"response"`
	Category     string `json:"category" parquet:"category"`
}

// Sizes of the files made by Sample, HeldOut and UnseenWordings.
const (
	sampleRows   = 1200
	heldOutRows  = 320
	unseenRows   = 240
	productShare = 10 // one row in so many is about an invented product
)

// Sample returns the rows for fine-tuning: concise answers about the tuned
// entities, in the tuned wordings.
func Sample() []Row {
	return rows("sample", sampleRows, true, Fact.TunedQuestions)
}

// HeldOut returns the rows for evaluation: entities that Sample does not
// mention, asked in wordings that Sample does not use and pre-training does.
func HeldOut() []Row {
	return rows("heldout", heldOutRows, false, Fact.KnownQuestions)
}

// UnseenWordings returns rows about the entities of HeldOut in wordings that
// occur nowhere else.
func UnseenWordings() []Row {
	return rows("unseen", unseenRows, false, Fact.UnseenQuestions)
}

// rows chooses n rows by hash, so that adding a fact moves few others.
func rows(name string, n int, tuned bool, questions func(Fact) []string) []Row {
	type candidate struct {
		key uint64
		row Row
	}
	var real, products []candidate
	for _, f := range Facts() {
		if f.Tuned() != tuned {
			continue
		}
		for _, q := range questions(f) {
			c := candidate{hash(name, q), Row{Question: q, Response: f.Value, Category: f.Category}}
			if f.Real() {
				real = append(real, c)
			} else {
				products = append(products, c)
			}
		}
	}
	order := func(a, b candidate) int { return cmp.Compare(a.key, b.key) }
	slices.SortFunc(real, order)
	slices.SortFunc(products, order)
	products = products[:min(len(products), n/productShare)]
	real = real[:min(len(real), n-len(products))]
	all := append(real, products...)
	slices.SortFunc(all, order)
	out := make([]Row, len(all))
	taken := map[string]bool{}
	for i, c := range all {
		out[i] = c.row
		// OpenOrca names rows after the collection they came from.
		for n := c.key >> 16 % 2_000_000; out[i].ID == "" || taken[out[i].ID]; n++ {
			out[i].ID = fmt.Sprintf("%s.%d", []string{"flan", "flan", "t0", "niv", "cot"}[c.key>>8%5], n)
		}
		taken[out[i].ID] = true
		if c.key>>40%100 < 70 {
			out[i].SystemPrompt = systemPrompts[c.key>>48%uint64(len(systemPrompts))]
		}
	}
	return out
}
