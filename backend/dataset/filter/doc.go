// Package filter is the small language in which rows are chosen:
//
//	len(answer) > 400 and id ~ ^flan
//	has system and not duplicate
//	tokens > 2048 or language != en
//	category = maths and (answer contains "proof" or words(answer) < 5)
//
// A filter is compiled once against the columns of a dataset and then asked
// about rows, by any number of goroutines. Its errors say which words are
// wrong, and Complete says what could stand at a place.
//
// It belongs here if it is about the language. Where rows come from does not.
package filter

import "fmt"

// Row is what a filter may ask of a row.
type Row interface {
	// Get returns the text of a column or part; false when the row lacks it.
	Get(name string) (string, bool)
	// Number is the row's number, from 1.
	Number() int64
	// File is the name of the file it is from.
	File() string
	// Flag says whether one of Flags holds.
	Flag(name string) bool
	// Tokens counts the tokens of a text.
	Tokens(text string) int
}

// Parts are the names that stand for whatever column plays the part.
var Parts = []string{"id", "system", "question", "answer", "category", "messages"}

// Flag is a condition that needs no comparison.
type Flag struct {
	Name, Help string
	// Whole says that it takes a look at all rows to know it of one.
	Whole bool
}

// Names of flags.
const (
	Duplicate     = "duplicate"
	NearDuplicate = "near_duplicate"
	SameQuestion  = "same_question"
	Bad           = "bad"
	Refusal       = "refusal"
	Damaged       = "damaged"
	Given         = "answer_in_question"
)

// Flags lists the conditions that are known.
var Flags = []Flag{
	{Duplicate, "the same question and answer stand in an earlier row", true},
	{NearDuplicate, "nearly the same question and answer stand in an earlier row", true},
	{SameQuestion, "the same question stands in an earlier row", true},
	{Bad, "the row cannot be read or has no question or answer", false},
	{Refusal, "the answer declines to answer", false},
	{Damaged, "a character encoding was broken on the way", false},
	{Given, "the question holds the whole answer", false},
}

// Schema is what a filter can be about.
type Schema struct {
	Columns []string
	// Parts maps the parts that a column plays to its name.
	Parts map[string]string
}

// Error is what is wrong with a filter, and where.
type Error struct {
	// From and To are the bytes of the expression that are wrong; From is its
	// length when something is missing at the end.
	From, To int
	Message  string
}

func (e *Error) Error() string { return fmt.Sprintf("%s (at character %d)", e.Message, e.From+1) }
