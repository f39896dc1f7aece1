package dataset

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestListWrite writes rows of each format; read back they are the same rows.
func TestListWrite(t *testing.T) {
	jsonl := goodRow + "\n" + `{"question": "q2",  "response":"a2", "n": 1.50}` + "\n" + `{"question":"q3","respo` + "\n" + goodRow + "\n"
	for name, tc := range map[string]struct {
		file, text string
		rows       []int64
		want       string
	}{
		"lines stay as they are": {"x.jsonl", jsonl, []int64{1, 2}, `{"question": "q2",  "response":"a2", "n": 1.50}` + "\n" + `{"question":"q3","respo` + "\n"},
		"array":                  {"x.json", "[" + goodRow + ",\n{\n \"question\": \"q\\n2\",\n \"response\": [1, 2]}]", []int64{1}, `{"question":"q\n2","response":[1,2]}` + "\n"},
		"csv":                    {"x.csv", "question,response\nq,a\n\"q \"\"2\"\"\n\",a2\n", []int64{1}, `{"question":"q \"2\"\n","response":"a2"}` + "\n"},
		"csv that is broken":     {"x.csv", "question,response\nq,a\nq,a,b,c\n", []int64{0, 1}, ""},
		"nothing":                {"x.jsonl", jsonl, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := Open(context.Background(), write(t, tc.file, tc.text), OpenOptions{})
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			var out bytes.Buffer
			n, err := d.ViewOf(tc.rows).Write(context.Background(), &out)
			if err != nil || n != len(tc.rows) {
				t.Fatalf("%d rows, %v", n, err)
			}
			if tc.want != "" && out.String() != tc.want {
				t.Errorf("got  %q\nwant %q", out.String(), tc.want)
			}
			if got := strings.Count(out.String(), "\n"); got != len(tc.rows) {
				t.Errorf("%d lines for %d rows: %q", got, len(tc.rows), out.String())
			}
			for line := range strings.Lines(out.String()) {
				if tc.file != "x.jsonl" && !json.Valid([]byte(line)) {
					t.Errorf("no JSON: %q", line)
				}
			}
		})
	}
}

// TestListWriteOfParquet: what is written from the sample's Parquet file is what
// stands in its JSON Lines.
func TestListWriteOfParquet(t *testing.T) {
	dir := filepath.Join("..", "..", "testdata")
	lines, err := os.ReadFile(filepath.Join(dir, "openorca-sample.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	d, err := Open(context.Background(), filepath.Join(dir, "openorca-sample.parquet"), OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	var out bytes.Buffer
	rows := []int64{0, 7, 8, 600, 1199}
	if _, err := d.ViewOf(rows).Write(context.Background(), &out); err != nil {
		t.Fatal(err)
	}
	want := strings.Split(string(lines), "\n")
	for i, line := range strings.Split(strings.TrimSpace(out.String()), "\n") {
		var got, from map[string]any
		if json.Unmarshal([]byte(line), &got) != nil || json.Unmarshal([]byte(want[rows[i]]), &from) != nil {
			t.Fatalf("row %d: %s", rows[i], line)
		}
		if got["question"] != from["question"] || got["response"] != from["response"] || got["id"] != from["id"] {
			t.Errorf("row %d: got %v, want %v", rows[i], got, from)
		}
	}
}
