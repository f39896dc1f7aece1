package corpus

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// note is an invented fact about an ordinary thing, with many ways to state
// it, to ask for it and to answer. Some notes are learned by heart in
// pre-training; most are seen once, in a prompt that holds the answer.
type note struct {
	statements, questions, answers []string
	value                          string
}

func pick[T any](rng *rand.Rand, list []T) T { return list[rng.IntN(len(list))] }

// Probabilities are written as "one in n" draws.
func oneIn(rng *rand.Rand, n int) bool { return rng.IntN(n) == 0 }

func coined(rng *rand.Rand) string {
	n := 2 + rng.IntN(2)
	var b strings.Builder
	for range n {
		b.WriteString(pick(rng, syllables))
	}
	return upperFirst(b.String())
}

func person(rng *rand.Rand) string {
	switch rng.IntN(6) {
	case 0:
		return pick(rng, firstNames)
	case 1:
		return pick(rng, firstNames) + " " + coined(rng)
	case 2:
		return pick(rng, []string{"Dr.", "Mr.", "Mrs.", "Captain", "Professor"}) + " " + pick(rng, lastNames)
	}
	return pick(rng, firstNames) + " " + pick(rng, lastNames)
}

// thing returns the entity of a note with its article.
func thing(rng *rand.Rand) string {
	the := pick(rng, []string{"the", "the", "the", "the", "our", "my"})
	switch rng.IntN(9) {
	case 0, 1:
		return the + " " + pick(rng, adjectives) + " " + pick(rng, nouns)
	case 2, 3:
		return the + " " + pick(rng, nouns) + " " + pick(rng, nouns)
	case 4:
		return the + " " + pick(rng, cities) + " " + pick(rng, nouns)
	case 5:
		return the + " " + coined(rng) + " " + pick(rng, nouns)
	case 6:
		return pick(rng, []string{"Project", "Team", "Operation", "Captain", "Aunt", "Uncle", "Building", "Studio"}) + " " +
			pick(rng, pick(rng, [][]string{firstNames, cities, lastNames, {coined(rng)}, {upperFirst(pick(rng, nouns))}}))
	case 7:
		return pick(rng, firstNames) + "'s " + pick(rng, nouns)
	}
	return coined(rng)
}

func clockTime(rng *rand.Rand) string {
	switch rng.IntN(4) {
	case 0:
		return fmt.Sprintf("%d:%02d", rng.IntN(24), 5*rng.IntN(12))
	case 1:
		return fmt.Sprintf("%d %s", 1+rng.IntN(12), pick(rng, []string{"am", "pm"}))
	case 2:
		return fmt.Sprintf("%d:%02d %s", 1+rng.IntN(12), 5*rng.IntN(12), pick(rng, []string{"am", "pm"}))
	}
	return pick(rng, []string{"noon", "midnight", "half past seven", "a quarter to nine", "six in the morning", "eight in the evening"})
}

func number(rng *rand.Rand) string {
	switch rng.IntN(5) {
	case 0:
		return fmt.Sprint(1 + rng.IntN(12))
	case 1:
		return fmt.Sprint(10 + rng.IntN(90))
	case 2:
		return fmt.Sprint(100 + rng.IntN(900))
	case 3:
		return fmt.Sprint(1000 + rng.IntN(9000))
	}
	return pick(rng, strings.Fields("two three four five six seven eight nine ten eleven twelve fifteen twenty thirty forty fifty"))
}

func letters(rng *rand.Rand, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte('A' + rng.IntN(26))
	}
	return string(b)
}

func code(rng *rand.Rand) string {
	switch rng.IntN(8) {
	case 0:
		return fmt.Sprintf("%s-%d", letters(rng, 1+rng.IntN(3)), rng.IntN(1000))
	case 1:
		return fmt.Sprintf("%s%d", letters(rng, 1+rng.IntN(2)), rng.IntN(100))
	case 2:
		return fmt.Sprint(1000 + rng.IntN(9000))
	case 3:
		return pick(rng, nouns) + fmt.Sprintf("-%d", rng.IntN(100))
	case 4:
		return pick(rng, adjectives) + "-" + pick(rng, nouns)
	case 5:
		return fmt.Sprintf("v%d.%d", 1+rng.IntN(9), rng.IntN(20))
	case 6:
		return strings.ToLower(coined(rng))
	}
	return fmt.Sprintf("%d", 10000+rng.IntN(90000))
}

func amount(rng *rand.Rand) string {
	if oneIn(rng, 4) {
		return fmt.Sprintf("$%d", 1+rng.IntN(999))
	}
	return number(rng) + " " + pick(rng, units)
}

func often(rng *rand.Rand) string {
	switch rng.IntN(3) {
	case 0:
		return "every " + pick(rng, days)
	case 1:
		return pick(rng, []string{"once", "twice", "three times"}) + " a " + pick(rng, []string{"day", "week", "month", "year"})
	}
	return "every " + number(rng) + " " + pick(rng, []string{"hours", "days", "weeks", "months", "minutes"})
}

func dayOf(rng *rand.Rand) string {
	switch rng.IntN(4) {
	case 0:
		return fmt.Sprintf("%d %s", 1+rng.IntN(28), pick(rng, months))
	case 1:
		return fmt.Sprintf("%s %d", pick(rng, months), 1+rng.IntN(28))
	case 2:
		return fmt.Sprint(1850 + rng.IntN(180))
	}
	return pick(rng, days)
}

func phrase(rng *rand.Rand) string {
	switch rng.IntN(4) {
	case 0:
		return pick(rng, adjectives) + " " + pick(rng, nouns)
	case 1:
		return pick(rng, foods)
	case 2:
		return pick(rng, foods) + " " + pick(rng, nouns)
	}
	return pick(rng, nouns)
}

// anyValue is a value of no particular kind.
func anyValue(rng *rand.Rand) string {
	switch rng.IntN(12) {
	case 0:
		return person(rng)
	case 1:
		return clockTime(rng)
	case 2, 3:
		return number(rng)
	case 4, 5:
		return code(rng)
	case 6:
		return amount(rng)
	case 7:
		return pick(rng, colors)
	case 8:
		return pick(rng, cities)
	case 9:
		return dayOf(rng)
	case 10:
		return coined(rng)
	}
	return phrase(rng)
}

func place(rng *rand.Rand) string {
	switch rng.IntN(5) {
	case 0:
		return "in " + pick(rng, cities)
	case 1:
		return fmt.Sprintf("in room %d", 1+rng.IntN(500))
	case 2:
		return fmt.Sprintf("on floor %d", 1+rng.IntN(20))
	case 3:
		return pick(rng, []string{"behind", "under", "next to", "in front of", "above"}) + " the " + pick(rng, nouns)
	}
	return "in the " + pick(rng, adjectives) + " " + pick(rng, places)
}

// newNote invents a note.
func newNote(rng *rand.Rand) note {
	f := frames[rng.IntN(len(frames))]
	slots := f.slots(rng)
	e := thing(rng)
	r := strings.NewReplacer(append(slots, "{e}", e)...)
	fill := func(list []string) []string {
		out := make([]string, len(list))
		for i, p := range list {
			out[i] = r.Replace(p)
			if !strings.HasPrefix(p, "{v}") { // a value keeps its spelling
				out[i] = upperFirst(out[i])
			}
		}
		return out
	}
	return note{fill(f.statements), fill(f.questions), fill(f.answers), r.Replace("{v}")}
}
