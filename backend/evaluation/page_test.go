package evaluation

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestPage: the page and the Markdown say the verdict, the rules, the categories and
// what decided the run; the page is well formed, names nothing of any network, its
// bars and intervals are where the numbers say, and marked rows can be left out.
func TestPage(t *testing.T) {
	f := newFixture(t, say)
	l, err := f.Start(t.Context(), Spec{Dataset: writeDataset(t, 200), Models: []string{"base", "tuned"}, FailIf: []string{"f1_score < baseline", "errors > 0.5"}, Template: "<b>$model_input"})
	if err != nil {
		t.Fatal(err)
	}
	run, err := finish(t, l)
	if err != nil {
		t.Fatal(err)
	}
	export := func(format string, without bool) string {
		t.Helper()
		var b bytes.Buffer
		if err := f.Export(t.Context(), run.ID, format, without, &b); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	has := func(text string, wants ...string) {
		t.Helper()
		for _, w := range wants {
			if !strings.Contains(text, w) {
				t.Errorf("%q is not in\n%s", w, text)
			}
		}
	}
	md, page := export("md", false), export("html", false)
	has(md, "| `f1_score < baseline` |", "it does not hold |", "<details><summary>How it was run</summary>", "| prompt | `<b>$model_input` |", "SHA-256 "+run.DatasetHash)
	has(page, "<h2>Rules</h2>", "<code>errors &gt; 0.5</code>", "<h2>How it was run</h2>", "&lt;b&gt;$model_input", run.DatasetHash)
	for _, never := range []string{"<script", "src=", "href=", "url(", "@import", "http:", "https:"} {
		if strings.Contains(page, never) {
			t.Errorf("the page has %q", never)
		}
	}
	d := xml.NewDecoder(strings.NewReader(strings.TrimPrefix(page, "<!DOCTYPE html>")))
	d.Entity = xml.HTMLEntity
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	// The first chart: a bar of 400 units for 1, and the interval around its end.
	bars := regexp.MustCompile(`class="m\d" x="0" y="3" width="([0-9.e-]+)"`).FindAllStringSubmatch(page, -1)
	for i, m := range run.Models {
		got, err := strconv.ParseFloat(bars[i][1], 64)
		if want := 400 * m.Scores[run.ScoreNames[0]]; err != nil || got < want-0.01 || got > want+0.01 {
			t.Errorf("bar %d is %s wide, not %v", i, bars[i][1], want)
		}
	}
	if err := f.Mark(t.Context(), run.ID, 0, MarkWrong); err != nil {
		t.Fatal(err)
	}
	has(export("md", true), "2 records of marked rows are left out.")
	has(export("html", true), "2 records of marked rows are left out.")
	if n := strings.Count(export("jsonl", true), "\n"); n != 398 {
		t.Errorf("%d records", n)
	}
	if strings.Contains(export("html", true), "row 1:") {
		t.Error("the marked row is on the page")
	}
}

// TestLongNames: the bars begin behind the longest name.
func TestLongNames(t *testing.T) {
	long := strings.Repeat("m", 60)
	c := newChart("x", Run{Models: []ModelResult{{Model: "base"}, {Model: long}}})
	c.add(long, 0.5, Interval{}, false, 0)
	if n := len([]rune(c.Bars[0].Label)); n != 40 || c.Left < 8*n || c.Right < c.Left+400 {
		t.Errorf("%+v", c)
	}
}
