package dataset

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"unicode/utf8"

	"github.com/parquet-go/parquet-go"
)

func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func open(t *testing.T, path string) *Dataset {
	t.Helper()
	d, err := Open(context.Background(), path, OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func all(t *testing.T, d *Dataset) []Row {
	t.Helper()
	rows, err := d.Rows(context.Background(), 0, 1<<40)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

const orca = `{"id":"a.1","system_prompt":"Be short.","question":"Who?","response":"Ada \"L\" é\n\u00e9","category":"who"}
{"id":"a.2","system_prompt":"","question":"Where?","response":"Rome"}
`

// The same two rows in every format give the same rows.
func TestFormats(t *testing.T) {
	type row struct {
		ID, System, Question, Answer, Category string
	}
	want := []row{{"a.1", "Be short.", "Who?", "Ada \"L\" é\né", "who"}, {"a.2", "", "Where?", "Rome", ""}}
	type pq struct {
		ID       string `parquet:"id"`
		System   string `parquet:"system_prompt"`
		Question string `parquet:"question"`
		Response string `parquet:"response"`
		Category string `parquet:"category,optional"`
	}
	var parq bytes.Buffer
	w := parquet.NewGenericWriter[pq](&parq)
	for _, r := range want {
		if _, err := w.Write([]pq{{r.ID, r.System, r.Question, r.Answer, r.Category}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	csv := "id,system_prompt,question,response,category\r\na.1,Be short.,Who?,\"Ada \"\"L\"\" é\né\",who\r\na.2,,Where?,Rome,\r\n"
	lines := strings.Split(strings.TrimSpace(orca), "\n")
	for name, content := range map[string]string{
		"x.jsonl":    orca,
		"noext":      orca,
		"bom.jsonl":  "\xef\xbb\xbf" + orca,
		"crlf.jsonl": strings.ReplaceAll(orca, "\n", "\r\n") + "\r\n\r\n",
		"x.json":     "\n [ " + lines[0] + " ,\n" + lines[1] + "]\n\n",
		"many.json":  "{\n" + lines[0][1:] + "\n{\n" + lines[1][1:],
		"x.csv":      csv,
		"x.tsv":      strings.ReplaceAll(csv, ",", "\t"),
		"x.parquet":  parq.String(),
	} {
		t.Run(name, func(t *testing.T) {
			d := open(t, write(t, name, content))
			if err := d.WaitIndexed(context.Background()); err != nil {
				t.Fatal(err)
			}
			info := d.Info()
			if info.Rows != 2 || !info.RowsExact || info.Indexed != 1 {
				t.Errorf("info %+v", info)
			}
			if want := []string{"id", "system_prompt", "question", "response", "category"}; !slices.Equal(info.Columns, want) {
				t.Errorf("columns %q", info.Columns)
			}
			if want := (Mapping{ID: "id", System: "system_prompt", Question: "question", Answer: "response", Category: "category"}); info.Mapping != want {
				t.Errorf("mapping %+v", info.Mapping)
			}
			var got []row
			for _, r := range all(t, d) {
				if r.Err != "" {
					t.Errorf("row %d: %s", r.Index, r.Err)
				}
				got = append(got, row{r.ID, r.System, r.Question, r.Answer, r.Category})
			}
			if !slices.Equal(got, want) {
				t.Errorf("rows %q\nwant %q", got, want)
			}
		})
	}
}

func TestMappings(t *testing.T) {
	for _, c := range []struct{ line, system, question, answer string }{
		{`{"messages":[{"role":"system","content":"S"},{"role":"user","content":"Q"},{"role":"assistant","content":"A"},{"role":"user","content":"Q2"}]}`, "S", "Q", "A"},
		{`{"conversations":[{"from":"human","value":"Q"},{"from":"gpt","value":"A"}]}`, "", "Q", "A"},
		{`{"messages":[{"role":"user","content":[{"type":"text","text":"Q"},{"type":"text","text":"more"}]},{"role":"assistant","content":[{"type":"text","text":"A"}]}]}`, "", "Q\nmore", "A"},
		{`{"schemaVersion":"bedrock-conversation-2024","system":[{"text":"S"},{"text":"T"}],"messages":[{"role":"user","content":[{"text":"Q"}]},{"role":"assistant","content":[{"text":"A"}]}]}`, "S\nT", "Q", "A"},
		{`{"messages":[{"role":"user","content":"Q"},{"role":"assistant","content":null,"tool_calls":[]},{"role":"assistant","content":"A"}]}`, "", "Q", "A"},
		{`{"instruction":"Q","input":"ctx","output":"A"}`, "", "Q\n\nctx", "A"},
		{`{"instruction":"Q","input":"","output":"A"}`, "", "Q", "A"},
		{`{"prompt":"Q","completion":"A"}`, "", "Q", "A"},
		{`{"id":"1","title":"T","context":"C","question":"Q","answers":{"text":["A","B"],"answer_start":[1,2]}}`, "C", "Q", "A"},
		{`{"model_input":"Q","target_output":"A","category":"x"}`, "", "Q", "A"},
		{`{"Question":"Q","Answer":42}`, "", "Q", "42"},
		{`{"query":"Q","label":null,"answers":["A"]}`, "", "Q", "A"},
	} {
		d := open(t, write(t, "x.jsonl", c.line))
		if err := d.Usable(); err != nil {
			t.Errorf("%s: %v", c.line, err)
			continue
		}
		r := all(t, d)[0]
		if r.Err != "" || r.System != c.system || r.Question != c.question || r.Answer != c.answer {
			t.Errorf("%s: %+v", c.line, r)
		}
	}
	d := open(t, write(t, "x.jsonl", `{"messages":[{"role":"user","content":[{"type":"image_url","image_url":"x"}]},{"role":"assistant","content":"A"}]}`))
	if r := all(t, d)[0]; !strings.Contains(r.Err, "no text") {
		t.Errorf("a picture in a message: %+v", r)
	}
	path := write(t, "x.jsonl", `{"left":"Q","right":"A"}`)
	d, err := Open(context.Background(), path, OpenOptions{Mapping: &Mapping{Question: "left", Answer: "right"}})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if r := all(t, d)[0]; r.Question != "Q" || r.Answer != "A" {
		t.Errorf("given mapping: %+v", r)
	}
	if _, err := Open(context.Background(), path, OpenOptions{Mapping: &Mapping{Question: "up", Answer: "right"}}); err == nil || !strings.Contains(err.Error(), "left, right") {
		t.Errorf("wrong mapping: %v", err)
	}
}

func TestClearErrors(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct{ name, content, want string }{
		{"empty.jsonl", "", "is empty"},
		{"blank.jsonl", " \n\n", "is empty"},
		{"empty.json", "[ ]", "no rows"},
		{"x.csv", "question,response\n", "no row"},
		{"x.bin", "a\x00b", "binary"},
		{"latin.csv", "caf\xe9,response\na,b\n", "byte 0xe9 at offset 3"},
		{"latin2.csv", "question,response\ncaf\xe9,b\n", "row 1 is not UTF-8 text"},
		{"x.gz", "\x1f\x8b\x08abc", "cannot be unpacked"},
		{"utf16.csv", "\xff\xfeq\x00", "UTF-16"},
		{"bad.parquet", "PAR1 no parquet", "no readable Parquet file"},
		{"bad.jsonl", "hello\nworld\n", "line 1 cannot be read"},
	} {
		_, err := Open(context.Background(), write(t, c.name, c.content), OpenOptions{})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	if _, err := Open(context.Background(), filepath.Join(dir, "none"), OpenOptions{}); err == nil || !strings.Contains(err.Error(), "there is no file") {
		t.Errorf("missing: %v", err)
	}
	if _, err := Open(context.Background(), dir, OpenOptions{}); err == nil || !strings.Contains(err.Error(), "is a folder without") {
		t.Errorf("folder: %v", err)
	}
	d := open(t, write(t, "x.jsonl", `{"text":"only this","n":1}`))
	var ce *ColumnsError
	if err := d.Usable(); !errors.As(err, &ce) || !slices.Equal(ce.Found, []string{"text", "n"}) || !slices.Equal(ce.Missing, []string{"question", "answer"}) {
		t.Errorf("columns: %v", err)
	}
}

func TestBadRowsAreKept(t *testing.T) {
	d := open(t, write(t, "x.jsonl", orca+"{broken\n\n[1]\n{\"question\":\"Q\"}\n{\"question\":\"\xff\",\"response\":\"A\"}\n"+orca))
	rows := all(t, d)
	if len(rows) != 9 {
		t.Fatalf("%d rows", len(rows))
	}
	for i, want := range []string{"", "", "line 3 cannot be read: invalid JSON at byte", "line 4 is blank", "line 5 cannot be read: it is JSON but no object",
		`line 6 has no column "response"; it has question`, "line 7 is not UTF-8", "", ""} {
		if got := rows[i].Err; want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("row %d: %q, want %q", i, got, want)
		}
	}
	d = open(t, write(t, "x.csv", "question,response\na,b\nc\nd,e\n"))
	if rows := all(t, d); rows[1].Err == "" || rows[2].Question != "d" {
		t.Errorf("%+v", rows)
	}
}

// Rows far apart come out right through the index, whatever lies at the edges
// of its blocks.
func TestIndexOverManyBlocks(t *testing.T) {
	const n = 4000
	var jsonl, csv, array strings.Builder
	csv.WriteString("question,response\n")
	array.WriteString("[")
	for i := range n {
		answer := strings.Repeat("x\n\"],{\\ ", i%97)
		b, err := json.Marshal(map[string]string{"question": fmt.Sprintf("q%d", i), "response": answer})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&jsonl, "%s\n", b)
		fmt.Fprintf(&csv, "q%d,\"%s\"\n", i, strings.ReplaceAll(answer, `"`, `""`))
		if i > 0 {
			array.WriteString(",\n")
		}
		array.Write(b)
	}
	array.WriteString("]")
	for name, content := range map[string]string{"x.jsonl": jsonl.String(), "x.csv": csv.String(), "x.json": array.String()} {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			d := open(t, write(t, name, content))
			for _, i := range []int64{0, 1, 963, 2048, n - 1, 17} {
				rows, err := d.Rows(ctx, i, 2)
				if err != nil || len(rows) == 0 || rows[0].Question != fmt.Sprintf("q%d", i) || rows[0].Index != i {
					t.Fatalf("row %d: %.200v, %v", i, rows, err)
				}
				if want := strings.Repeat("x\n\"],{\\ ", int(i)%97); rows[0].Answer != want {
					t.Fatalf("row %d: answer of %d bytes, want %d", i, len(rows[0].Answer), len(want))
				}
			}
			if err := d.WaitIndexed(ctx); err != nil {
				t.Fatal(err)
			}
			if info := d.Info(); info.Rows != n || !info.RowsExact {
				t.Errorf("%d rows, exact %v", info.Rows, info.RowsExact)
			}
			if rows, err := d.Rows(ctx, n, 5); err != nil || len(rows) != 0 {
				t.Errorf("past the end: %d rows, %v", len(rows), err)
			}
			if row, ok, err := d.Find(ctx, "Q3217", 0, false); row != 0 || ok || err != nil {
				t.Errorf("capital letters found %d, %v, %v", row, ok, err)
			}
			if row, ok, err := d.Find(ctx, "q3217", 0, false); row != 3217 || !ok || err != nil {
				t.Errorf("forward: %d, %v, %v", row, ok, err)
			}
			if row, ok, err := d.Find(ctx, "q12", 3000, true); row != 1299 || !ok || err != nil {
				t.Errorf("backward: %d, %v, %v", row, ok, err)
			}
		})
	}
}

func TestFind(t *testing.T) {
	ctx := context.Background()
	d := open(t, write(t, "x.jsonl", `{"question":"caf\u00e9 One","response":"Ada"}
{"question":"two","response":"caf\u0041 ÉCOLE"}
{"response":"ada/b","question":"3"}
`))
	for _, c := range []struct {
		q    string
		from int64
		back bool
		want int64
	}{
		{"ada", 0, false, 0}, {"ada", 1, false, 2}, {"Ada", 1, false, -1}, {"école", 0, false, 1}, {"cafA", 0, false, 1}, {"café one", 0, false, 0},
		{"ada/b", 0, false, 2}, {"question", 0, false, -1}, {"ada", 2, true, 0}, {"ada", 99, true, 2}, {"ada", 0, true, -1}, {"", 0, false, -1},
	} {
		row, ok, err := d.Find(ctx, c.q, c.from, c.back)
		if err != nil || ok != (c.want >= 0) || ok && row != c.want {
			t.Errorf("%q from %d back %v: %d, %v, %v", c.q, c.from, c.back, row, ok, err)
		}
	}
}

func TestRowsAreClean(t *testing.T) {
	d := open(t, write(t, "x.jsonl", "{\"question\":\"a\\u001b[31mred\\tb\",\"response\":\"x\",\"n\\u001b]0;t\\u0007\":\"y\"}\n"))
	r := all(t, d)[0]
	if r.Question != "ared    b" || strings.ContainsAny(r.Fields[2].Name, "\x1b\x07") {
		t.Errorf("%+v", r)
	}
	var raw string
	if err := d.Examples(context.Background(), 0, func(e Example) error { raw = e.Question; return nil }); err != nil || raw != "a\x1b[31mred\tb" {
		t.Errorf("training sees %q, %v", raw, err)
	}
}

func TestRender(t *testing.T) {
	prompt, completion, err := Render(Row{System: "S", Question: "Q", Answer: "A"}, "mistral-v3")
	if err != nil || prompt != "<s>[INST] S\n\nQ[/INST]" || completion != " A</s>" {
		t.Errorf("%q, %q, %v", prompt, completion, err)
	}
	if _, _, err := Render(Row{Question: "Q", Answer: "A"}, "no-such"); err == nil {
		t.Error("an unknown prompt format renders")
	}
}

func TestSample(t *testing.T) {
	if _, err := Open(context.Background(), Sample(), OpenOptions{}); err == nil || !strings.Contains(err.Error(), "no sample data") {
		t.Errorf("without data: %v", err)
	}
	SetSample(fstest.MapFS{"openorca-sample.jsonl": {Data: []byte(orca)}})
	defer SetSample(nil)
	d := open(t, Sample())
	if rows := all(t, d); len(rows) != 2 || d.Info().Path != Sample() {
		t.Errorf("%+v", rows)
	}
	if _, err := Open(context.Background(), "sample:no.jsonl", OpenOptions{}); err == nil || !strings.Contains(err.Error(), Sample()) {
		t.Errorf("unknown name: %v", err)
	}
}

func FuzzParseObject(f *testing.F) {
	for _, line := range strings.Split(orca, "\n") {
		f.Add([]byte(line))
	}
	f.Add([]byte(` { "a" : [1,{"b":"]"}] , "c" : null,"d":-1e5 ,"e":true } `))
	f.Fuzz(func(t *testing.T, line []byte) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] != '{' || !utf8.Valid(line) {
			return // refused before it is parsed
		}
		fields, err := new(objectParser).parse(line)
		var want map[string]any
		if wantErr := json.Unmarshal(line, &want); (err == nil) != (wantErr == nil) {
			t.Fatalf("%v, encoding/json says %v", err, wantErr)
		}
		last := map[string]field{}
		for _, f := range fields {
			last[f.name] = f
		}
		if len(last) != len(want) {
			t.Fatalf("%d columns, want %d", len(last), len(want))
		}
		for k, v := range want {
			if s, ok := v.(string); ok && last[k].value != s && !strings.ContainsRune(s, '\uFFFD') {
				t.Fatalf("%q: %q, want %q", k, last[k].value, s)
			}
		}
	})
}
