package dataset

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func found(t *testing.T, l *List, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Wait(context.Background()); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for i := range l.Len() {
		row, _ := l.At(i)
		fmt.Fprintf(&b, "%d ", row)
	}
	return strings.TrimSpace(b.String())
}

// A search finds what looking at every field finds, in every format.
func TestSearch(t *testing.T) {
	ctx := context.Background()
	var csv strings.Builder
	csv.WriteString("id,question,response\n")
	for i := range 4000 {
		fmt.Fprintf(&csv, "flan.%d,What is q%d?,\"It is A\n%s%d.\"\n", i, i, strings.Repeat("word ", i%50), i)
	}
	for name, content := range map[string]string{"x.jsonl": manyRows(4000), "y.jsonl": strings.ReplaceAll(manyRows(4000), `\u0041`, "A"), "x.csv": csv.String(), "x.json": "[" + strings.ReplaceAll(strings.TrimSpace(manyRows(4000)), "\n", ",\n") + "]"} {
		t.Run(name, func(t *testing.T) {
			d := open(t, write(t, name, content))
			rows := all(t, d)
			for _, q := range []Query{
				{Text: "q3217?"}, {Text: "Q3217?"}, {Text: "Q3217?", Fold: true}, {Text: "It is A"}, {Text: "flan.39", Column: "id"}, {Text: "flan.39", Column: "question"},
				{Text: `q\d*99\?`, Regexp: true}, {Text: `(q12|q13)\d\d`, Regexp: true, From: 1250}, {Text: `word \d+\.$`, Regexp: true}, {Text: `^WHAT IS Q1\d\?`, Regexp: true, Fold: true}, {Text: "nowhere at all"}, {Text: "is a", Fold: true, Column: "response"},
			} {
				expr := q.Text
				if !q.Regexp {
					expr = regexp.QuoteMeta(expr)
				}
				if q.Fold {
					expr = "(?i)" + expr
				}
				re := regexp.MustCompile(expr)
				var want strings.Builder
				for _, r := range rows[q.From:] {
					for _, f := range r.Fields {
						if (q.Column == "" || q.Column == f.Name) && re.MatchString(f.Value) {
							fmt.Fprintf(&want, "%d ", r.Index)
							break
						}
					}
				}
				l, err := d.Search(ctx, q)
				if got := found(t, l, err); got != strings.TrimSpace(want.String()) {
					t.Errorf("%+v: %.200s, want %.200s", q, got, want.String())
				}
			}
		})
	}
	d := open(t, write(t, "x.jsonl", orca))
	for want, q := range map[string]Query{"nothing to search": {}, "no column": {Text: "x", Column: "nope"}, "missing closing )": {Text: "(", Regexp: true}} {
		if _, err := d.Search(ctx, q); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	l, err := d.Search(ctx, Query{Text: "Rome"})
	if got := found(t, l, err); got != "1" {
		t.Fatal(got)
	}
	if rows, err := l.Rows(ctx, 0, 10); err != nil || len(rows) != 1 || rows[0].Answer != "Rome" {
		t.Errorf("%v, %v", rows, err)
	}
	if row, ok := l.Prev(1); ok {
		t.Error(row)
	}
	broken := open(t, write(t, "x.jsonl", orca+"{broken needle\n"))
	l, err = broken.Search(ctx, Query{Text: "needle"})
	if got := found(t, l, err); got != "2" {
		t.Errorf("a row that cannot be read is found as text: %q", got)
	}
}

// One search over files of several formats looks for escaped letters in those
// that may have them.
func TestSearchOfMixedFormats(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	for name, content := range map[string]string{
		"a.csv": "question,response\nq,no\n", "b.json": `[{"question":"q","response":"n\u0065edle"}]`, "c.csv": "question,response\nneedle,x\n", "d.jsonl": `{"question":"q","response":"need\u006ce"}`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for range 20 { // workers are handed out in any order
		l, err := open(t, dir).Search(ctx, Query{Text: "needle"})
		if got := found(t, l, err); got != "1 2 3" {
			t.Fatal(got)
		}
	}
}
