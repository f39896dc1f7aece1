package filter

import (
	"errors"
	"strings"
	"testing"
)

type row map[string]string

func (r row) Get(n string) (string, bool) { s, ok := r[n]; return s, ok }
func (r row) Number() int64               { return 7 }
func (r row) File() string                { return "a.jsonl" }
func (r row) Flag(n string) bool          { return r["flag"] == n }
func (r row) Tokens(s string) int         { return len(strings.Fields(s)) }

var schema = Schema{Columns: []string{"id", "system_prompt", "question", "response", "score", "odd name"}, Parts: map[string]string{"id": "id", "system": "system_prompt", "question": "question", "answer": "response"}}

var example = row{"id": "flan.12", "system": "", "system_prompt": "", "question": "What is the name of the sea?", "answer": "It is the Baltic Sea.", "response": "It is the Baltic Sea.", "score": "4.5", "odd name": "x", "flag": "duplicate"}

func TestFilters(t *testing.T) {
	for expr, want := range map[string]bool{
		"": true, "len(answer) > 400": false, "len(answer) = 21": true, "id ~ ^flan": true, "id !~ ^flan": false, "id ~ (flan|niv)\\.": true, "(id ~ ^fl(an|ip))": true,
		"has system": false, "lacks system": true, "has question and lacks system": true, "not has question": false, "!duplicate": false, "duplicate": true, "near_duplicate": false,
		"tokens > 10": true, "tokens(answer) >= 5 and tokens(answer) <= 5": true, "words(question) < 3 or words(answer) = 5": true, "language = en": true, "language != en": false,
		"answer contains baltic": true, "answer contains Baltic": true, "answer contains BALTIC": false, `answer contains "the Baltic"`: true, "response contains x": false,
		"score > 4": true, "score <= 4": false, "score = 4.5": true, "question > 3": false, "`odd name` = x": true, "id = FLAN.12": true, "id = flan.13": false, `id != "flan.12"`: false,
		"row >= 7 and row < 8": true, "file = a.jsonl": true, "kind = short": true, "question = answer": false, "answer = response": true, "len(question) < 1k": true,
		"NOT (duplicate AND refusal)": true, "duplicate && !refusal || bad": true, "question is answer": false, `id ~ "flan\.\d+$"`: true,
	} {
		f, err := Parse(expr, schema)
		if err != nil {
			t.Errorf("%s: %v", expr, err)
			continue
		}
		if got := f.Match(example); got != want {
			t.Errorf("%s: %v", expr, got)
		}
	}
	for expr, reads := range map[string]bool{"duplicate and not (near_duplicate or same_question)": false, "duplicate or bad": true, "has answer": true, "duplicate and len(answer) > 4": true} {
		if f, err := Parse(expr, schema); err != nil || f.Reads() != reads {
			t.Errorf("%s: %v", expr, err)
		}
	}
	for expr, places := range map[string]bool{"row > 5 and has answer": true, "file = a": true, "len(answer) > 4": false} {
		if f, err := Parse(expr, schema); err != nil || f.Places() != places {
			t.Errorf("%s: %v", expr, err)
		}
	}
	if f, err := Parse("not duplicate", schema); err != nil || !f.Needs(Duplicate) || f.Needs(Bad) {
		t.Error(err)
	}
}

// The words that are wrong are pointed at.
func TestErrors(t *testing.T) {
	for _, c := range []struct{ expr, wrong, message string }{
		{"len(anwser) > 4", "anwser", "no column"}, {"len answer", "len", "brackets"}, {"answer", "", "comparison is missing"}, {"id ~ a(b and x", "a(b", "missing closing"},
		{"id = ", "", "value is missing"}, {"duplicate duplicate", "duplicate", "join two conditions"}, {"(duplicate", "", "not closed"}, {"duplicate)", ")", "closes nothing"},
		{`id = "abc`, `"abc`, "closing quote"}, {"foo > 3", "foo", "no column"}, {"len(answer) > many", "many", "is no number"}, {"has", "", "name of a column"},
		{"and duplicate", "and", "no column"}, {"tokens ~ x", "tokens", "is a number"}, {"duplicate and", "", "condition is missing"}, {strings.Repeat("(", 200), "(", "too deeply"}, {"id ~", "", "regular expression is missing"},
	} {
		_, err := Parse(c.expr, schema)
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(e.Message, c.message) {
			t.Errorf("%s: %v, want %q", c.expr, err, c.message)
			continue
		}
		if got := c.expr[e.From:e.To]; got != c.wrong {
			t.Errorf("%s: points at %q, want %q", c.expr, got, c.wrong)
		}
	}
}

func TestComplete(t *testing.T) {
	for text, want := range map[string]string{
		"": "id system question answer score `odd name` len( duplicate has", "le": "len(", "len(an": "answer", "len(answer) ": "= < contains", "len(answer) > 4 ": "and or", "len(answer) > 4 an": "and",
		"duplicate ": "and or", "not ref": "refusal", "has sy": "system system_prompt", "(duplicate) ": "and or", "kind = li": "list", "id ~ ^fl ": "and", "id ": "~",
	} {
		got, from, to := Complete(text, len(text), schema)
		have := map[string]bool{}
		for _, c := range got {
			have[c.Text] = true
			if c.Help == "" {
				t.Errorf("%q has no help", c.Text)
			}
		}
		for _, w := range strings.Fields(strings.ReplaceAll(want, "odd name", "odd_name")) {
			if w == "system_prompt" {
				continue
			}
			if w = strings.ReplaceAll(w, "odd_name", "odd name"); !have[w] {
				t.Errorf("%q: no %q among %v", text, w, got)
			}
		}
		if from > to || to != len(text) {
			t.Errorf("%q: %d to %d", text, from, to)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"len(answer) > 400 and id ~ ^flan", "not (a or `b`)", `"\`, "id ~ [", "((", "tokens", "row(", "has `"} {
		f.Add(s, 3)
	}
	f.Fuzz(func(t *testing.T, text string, cursor int) {
		flt, err := Parse(text, schema)
		var e *Error
		switch {
		case err == nil:
			flt.Match(example)
		case !errors.As(err, &e) || e.From < 0 || e.From > e.To || e.To > len(text):
			t.Fatalf("%q: %+v", text, err)
		}
		if _, from, to := Complete(text, cursor, schema); from < 0 || from > to || to > len(text) {
			t.Fatal(from, to)
		}
	})
}
