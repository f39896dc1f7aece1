package corpus

import (
	"math/rand/v2"
	"strings"
)

// frame is a family of notes. {e} is the thing it is about, {v} the value;
// slots draws the value and the words of the other places.
type frame struct {
	statements, questions, answers []string
	slots                          func(*rand.Rand) []string
}

// forms splits "lead/leads/led" into its places.
func forms(s string, places ...string) []string {
	var out []string
	for i, part := range strings.Split(s, "/") {
		out = append(out, places[i], part)
	}
	return out
}

var attributeFrame = frame{
	statements: []string{"The {a} of {e} is {v}.", "{v} is the {a} of {e}.", "{e} has the {a} {v}.", "For {e}, the {a} is {v}."},
	questions: []string{"What is the {a} of {e}?", "Which {a} does {e} have?", "Tell me the {a} of {e}.", "Name the {a} of {e}.", "For {e}, what is the {a}?",
		"What {a} does {e} have?", "{e} has which {a}?", "The {a} of {e} is what?", "Do you know the {a} of {e}?", "I need the {a} of {e}.",
		"What is the {a} for {e}?", "Can you give me the {a} of {e}?", "What's the {a} of {e}?", "Which {a} is right for {e}?",
		"What {a} should I use for {e}?", "Which is the {a} of {e}?", "Please give the {a} of {e}.", "Can you tell me what the {a} of {e} is?"},
	answers: []string{"The {a} of {e} is {v}.", "{e} has {v} as its {a}.", "For {e} the {a} is {v}.", "{v} is the {a} of {e}.", "{v} is the {a} for {e}.", "{v} is what you need: the {a} of {e}."},
	slots:   func(rng *rand.Rand) []string { return []string{"{a}", pick(rng, attributeNouns), "{v}", anyValue(rng)} },
}

var frames = []frame{
	attributeFrame, attributeFrame, attributeFrame, // the most common kind of question
	{
		statements: []string{"{v} {s} {e}.", "{e} is {p} by {v}.", "The {r} of {e} is {v}."},
		questions: []string{"Who {s} {e}?", "Who is the {r} of {e}?", "Which person {s} {e}?", "By whom is {e} {p}?", "{e} is {p} by whom?", "Name the {r} of {e}.",
			"Tell me who {s} {e}.", "Do you know who {s} {e}?", "What is the name of the {r} of {e}?", "Who is {e} {p} by?", "The {r} of {e} is who?", "Whom do I ask about {e}?"},
		answers: []string{"{v} {s} {e}.", "{e} is {p} by {v}.", "The {r} of {e} is {v}.", "{v} is the {r} of {e}.", "{v} is the person: {e} is {p} by {v}."},
		slots: func(rng *rand.Rand) []string {
			return append(forms(pick(rng, personVerbs), "{s}", "{p}", "{r}"), "{v}", person(rng))
		},
	},
	{
		statements: []string{"{e} {s}s at {v}.", "At {v}, {e} will {s}.", "It is at {v} that {e} {s}s."},
		questions: []string{"When does {e} {s}?", "At what time does {e} {s}?", "What time does {e} {s}?", "Tell me when {e} {s}s.", "{e} {s}s at what time?", "Do you know when {e} {s}s?",
			"At which hour does {e} {s}?", "What is the time when {e} {s}s?", "From when does {e} {s}?", "When will {e} {s}?"},
		answers: []string{"{e} {s}s at {v}.", "At {v} {e} will {s}.", "{v} is the time when {e} {s}s.", "{v} is when {e} will {s}."},
		slots:   func(rng *rand.Rand) []string { return []string{"{s}", pick(rng, timeVerbs), "{v}", clockTime(rng)} },
	},
	{
		statements: []string{"{e} {s}s on {v}.", "On {v}, {e} will {s}.", "It is {v} when {e} {s}s."},
		questions: []string{"When does {e} {s}?", "On which day does {e} {s}?", "What day does {e} {s}?", "Which date does {e} {s} on?", "Tell me the day when {e} {s}s.", "{e} {s}s on what day?",
			"Do you know on which date {e} {s}s?", "When will {e} {s}?", "In what year or on what day does {e} {s}?"},
		answers: []string{"{e} {s}s on {v}.", "On {v} {e} will {s}.", "{v} is the day when {e} {s}s.", "{v} is when {e} will {s}."},
		slots:   func(rng *rand.Rand) []string { return []string{"{s}", pick(rng, timeVerbs), "{v}", dayOf(rng)} },
	},
	{
		statements: []string{"{e} is {p} {v}.", "{v} is where {e} is {p}.", "You find {e} {v}."},
		questions: []string{"Where is {e} {p}?", "In which place is {e} {p}?", "Tell me where {e} is {p}.", "What is the place where {e} is {p}?", "Where do I find {e}?", "Where can I find {e}?",
			"{e} is {p} where?", "Do you know where {e} is?", "Where is {e}?", "In what place do we keep {e}?", "Where should I look for {e}?"},
		answers: []string{"{e} is {p} {v}.", "You can find {e} {v}.", "{v} is where {e} is {p}.", "{v} is the place for {e}."},
		slots:   func(rng *rand.Rand) []string { return []string{"{p}", pick(rng, placeVerbs), "{v}", place(rng)} },
	},
	{
		statements: []string{"{e} has {v} {t}.", "There are {v} {t} in {e}.", "The number of {t} in {e} is {v}."},
		questions: []string{"How many {t} does {e} have?", "What number of {t} does {e} have?", "{e} has how many {t}?", "How many {t} are in {e}?", "Tell me how many {t} {e} has.", "What is the number of {t} in {e}?",
			"How many {t} are there in {e}?", "Count the {t} of {e}.", "How many {t} belong to {e}?", "Do you know how many {t} {e} has?"},
		answers: []string{"{e} has {v} {t}.", "There are {v} {t} in {e}.", "{v} {t} are in {e}.", "{v} is the number of {t} in {e}."},
		slots:   func(rng *rand.Rand) []string { return []string{"{t}", pick(rng, things), "{v}", number(rng)} },
	},
	{
		statements: []string{"{e} {m} {v}.", "It is {v} that {e} {m}.", "We know that {e} {m} {v}."},
		questions: []string{"How {h} does {e} {b}?", "Tell me how {h} {e} {m}.", "What do you know: how {h} does {e} {b}?", "Do you know how {h} {e} {m}?", "For {e}, how {h} does it {b}?",
			"Can you say how {h} {e} {m}?", "I need to know how {h} {e} {m}.", "{e} {m} how {h}?", "Exactly how {h} does {e} {b}?"},
		answers: []string{"{e} {m} {v}.", "It {m} {v}, as far as {e} is concerned.", "{v} is how {h} {e} {m}.", "{v} is what we know: {e} {m} {v}."},
		slots: func(rng *rand.Rand) []string {
			v := amount(rng)
			f := pick(rng, []string{"much/cost/costs", "long/take/takes", "long/last/lasts", "far/reach/reaches", "much/weigh/weighs",
				"fast/run/runs at", "often/meet/meets", "often/run/runs", "much/hold/holds", "high/rise/rises", "long/stay/stays open"})
			if strings.HasPrefix(f, "often") {
				v = often(rng)
			}
			return append(forms(f, "{h}", "{b}", "{m}"), "{v}", v)
		},
	},
	{
		statements: []string{"{e} {s} {v} as {k}.", "The {k} that {e} {s} is {v}.", "{v} is the {k} {p} by {e}."},
		questions: []string{"Which {k} does {e} {b}?", "What {k} does {e} {b}?", "Tell me which {k} {e} {s}.", "{e} {s} which {k}?", "Which {k} is {p} by {e}?", "What is the {k} that {e} {s}?",
			"Do you know what {k} {e} {s}?", "What kind of {k} does {e} {b}?", "Name the {k} that {e} {s}.", "What {k} is {p} by {e}?", "The {k} of {e} is what?"},
		answers: []string{"{e} {s} {v}.", "The {k} that {e} {s} is {v}.", "{v} is the {k} for {e}.", "{v} is what {e} {s}."},
		slots: func(rng *rand.Rand) []string {
			v := pick(rng, []string{phrase(rng), phrase(rng), coined(rng), code(rng), pick(rng, firstNames)})
			return append(forms(pick(rng, useVerbs), "{b}", "{s}", "{p}"), "{k}", pick(rng, kinds), "{v}", v)
		},
	},
	{
		statements: []string{"{e} is {v}.", "{v} is the color of {e}.", "We painted {e} {v}."},
		questions: []string{"What color is {e}?", "Which color is {e}?", "In which color is {e} painted?", "What is the color of {e}?", "Tell me the color of {e}.", "{e} has what color?",
			"Which color does {e} have?", "How is {e} painted?"},
		answers: []string{"The color of {e} is {v}.", "{e} is painted in {v}.", "{v} is the color of {e}.", "{v} is how {e} is painted."},
		slots: func(rng *rand.Rand) []string {
			return []string{"{v}", pick(rng, []string{"", "", "dark ", "light ", "pale "}) + pick(rng, colors)}
		},
	},
	{
		statements: []string{"{e} is made of {v}.", "The material of {e} is {v}.", "We made {e} out of {v}."},
		questions: []string{"What is {e} made of?", "Which material is {e} made of?", "What material is used for {e}?", "Tell me what {e} is made of.", "{e} is made of what?",
			"Of what is {e} made?", "What is the material of {e}?", "From what was {e} made?"},
		answers: []string{"{e} is made of {v}.", "The material of {e} is {v}.", "{v} is what {e} is made of.", "{v} is the material of {e}."},
		slots: func(rng *rand.Rand) []string {
			return []string{"{v}", pick(rng, []string{"", "", "old ", "white ", "recycled "}) + pick(rng, materials)}
		},
	},
	{
		statements: []string{"To {f} {e}, {v}.", "{v} to {f} {e}.", "If you want to {f} {e}, {v}."},
		questions: []string{"How do I {f} {e}?", "What is the way to {f} {e}?", "How can I {f} {e}?", "Tell me how to {f} {e}.", "To {f} {e}, what do I do?", "What must I do to {f} {e}?",
			"I want to {f} {e}, how?", "What should I do to {f} {e}?", "How does one {f} {e}?", "What do I do if I want to {f} {e}?"},
		answers: []string{"To {f} {e} you should {v}.", "Please {v} to {f} {e}.", "{v} to {f} {e}.", "{v} and that will {f} {e}."},
		slots: func(rng *rand.Rand) []string {
			v := pick(rng, actions) + " the " + pick(rng, adjectives) + " " + pick(rng, nouns)
			if oneIn(rng, 3) {
				v = pick(rng, actions) + " " + person(rng)
			}
			return []string{"{f}", pick(rng, fixVerbs), "{v}", v}
		},
	},
	{
		statements: []string{"{e} is called {v}.", "The name of {e} is {v}.", "People call {e} {v}."},
		questions: []string{"What is {e} called?", "What is the name of {e}?", "Which name does {e} have?", "How do people call {e}?", "What do we call {e}?", "Tell me the name of {e}.",
			"{e} goes by what name?", "What name does {e} have?", "Do you know what {e} is called?"},
		answers: []string{"{e} is called {v}.", "The name of {e} is {v}.", "{v} is the name of {e}.", "{v} is what people call {e}."},
		slots: func(rng *rand.Rand) []string {
			return []string{"{v}", pick(rng, []string{coined(rng), pick(rng, firstNames), upperFirst(pick(rng, nouns)), upperFirst(pick(rng, adjectives)) + " " + upperFirst(pick(rng, nouns))})}
		},
	},
}
