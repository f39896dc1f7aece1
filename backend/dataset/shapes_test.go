package dataset

import (
	"strings"
	"testing"
)

// TestSeparators: spreadsheets and databases separate by other characters than a
// comma; the line that names the columns tells.
func TestSeparators(t *testing.T) {
	quoted := strings.Repeat(`"What; is, it"SEP"That	and|this"`+"\n", 200_000) // more than is read at once
	for _, c := range []struct{ name, text, format, note string }{
		{"a.csv", "question;answer\n\"What; is, it\";\"That\"\n", "csv", "separated by ;"},
		{"a.csv", "\"question, asked\";answer\nWhat, it;That\n", "csv", "separated by ;"},
		{"a.csv", "question|answer\nWhat|That\n", "csv", "separated by |"},
		{"a.csv", "question\tanswer\nWhat\tThat\n", "csv", "separated by tabs"},
		{"a.csv", "question,answer\nWhat; it,That\n", "csv", ""},
		{"a.csv", "question\nWhat; it\n", "csv", ""},
		{"a.txt", "question;answer\nWhat;That\n", "csv", "separated by ;"},
		{"a.txt", "question\tanswer\nWhat\tThat\n", "tsv", ""},
		{"a.tsv", "question;answer\nWhat;That\n", "tsv", "separated by ;"},
		{"a.csv", "question;answer\n" + strings.ReplaceAll(quoted, "SEP", ";"), "csv", "separated by ;"},
	} {
		d := open(t, write(t, c.name, c.text))
		if err := d.WaitIndexed(t.Context()); err != nil {
			t.Fatal(err)
		}
		info := d.Info()
		if info.Format != c.format || info.Note != c.note {
			t.Errorf("%.60q: format %q, note %q", c.text, info.Format, info.Note)
		}
		if want := strings.Count(c.text, "\n") - 1; info.Rows != int64(want) {
			t.Errorf("%.60q: %d rows, want %d", c.text, info.Rows, want)
		}
		if c.note == "" {
			continue
		}
		if r := all(t, d)[0]; !strings.HasPrefix(r.Fields[0].Value, "What") || !strings.HasPrefix(r.Fields[1].Value, "That") {
			t.Errorf("%.60q: %+v", c.text, r.Fields)
		}
	}
}

// TestWrapped: a list of rows inside one JSON object is read as the rows; an
// object that is a row itself stays one.
func TestWrapped(t *testing.T) {
	row := `{"question": "Q", "answer": "A {[,"}`
	many := strings.TrimSuffix(strings.Repeat(row+",\n", 20_000), ",\n")
	for _, c := range []struct {
		name, text, note string
		rows             int64
	}{
		{"a.json", `{"data": [` + row + `, ` + row + `], "version": "2"}`, `rows from its list "data"`, 2},
		{"a.json", "{\n \"version\": {\"a\": [1]},\n \"examples\": [\n" + row + "\n]}\n", `rows from its list "examples"`, 1},
		{"a.json", `{"meta": [{"x": 1}], "rows": [` + many + `], "more": [1, 2]}`, `rows from its list "rows"`, 20_000},
		{"a.json", `{"data": [` + row + "]}\n" + `{"data": [` + row + "]}\n", "", 2}, // rows with a list each
		{"a.jsonl", `{"data": [` + row + `]}`, "", 1},
		{"a.json", `{"messages": [{"role": "user", "content": "Q"}]}`, "", 1},
		{"a.json", `{"data": [1, 2], "question": "Q", "answer": "A"}`, "", 1},
	} {
		d := open(t, write(t, c.name, c.text))
		if err := d.WaitIndexed(t.Context()); err != nil {
			t.Fatal(err)
		}
		info := d.Info()
		if info.Note != c.note || info.Rows != c.rows {
			t.Errorf("%.60q: note %q, %d rows", c.text, info.Note, info.Rows)
		}
		if c.note == "" {
			continue
		}
		for _, r := range all(t, d) {
			if r.Err != "" || r.Question != "Q" || r.Answer != "A {[," {
				t.Fatalf("%.60q: %+v", c.text, r)
			}
		}
	}
	bad, _ := badRows(t, write(t, "a.json", `{"data": [`+row+`, `+row+`, {"question": "Q", "ans`))
	if len(bad) != 1 || bad[0].Row != 3 {
		t.Errorf("a list cut off: %+v", bad)
	}
	squad := `{"version": "v2.0", "data": [{"title": "T", "paragraphs": [{"context": "C", "qas": [{"id": "1", "question": "Q", "answers": [{"text": "A"}]}]}]}]}`
	if err := open(t, write(t, "s.json", squad)).Usable(); err == nil || !strings.Contains(err.Error(), "jq -c") {
		t.Errorf("nested SQuAD: %v", err)
	}
}
