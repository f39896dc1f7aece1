package evaluation

import (
	"reflect"
	"strings"
	"testing"
)

// TestMarks: rows that are marked stay marked for every run over the dataset,
// and are left out only where that is asked for.
func TestMarks(t *testing.T) {
	f := newFixture(t, say)
	l, err := f.Start(t.Context(), Spec{Dataset: writeDataset(t, 200), Models: []string{"base", "tuned"}})
	if err != nil {
		t.Fatal(err)
	}
	run, err := finish(t, l)
	if err != nil {
		t.Fatal(err)
	}
	for row := int64(0); row < 100; row += 10 { // the tuned model is wrong there
		if err := f.Mark(t.Context(), run.ID, row, []string{MarkWrong, MarkAmbiguous}[row/10%2]); err != nil {
			t.Fatal(err)
		}
	}
	without, err := f.Without(t.Context(), run.ID)
	if err != nil {
		t.Fatal(err)
	}
	if without.Excluded != 20 || without.Done != 380 || without.Total != 380 || without.Models[1].Records != 190 || without.Models[1].Scores["exact_match_score"] != 180.0/190 {
		t.Errorf("%+v", without)
	}
	if kept, err := f.Run(t.Context(), run.ID); err != nil || !reflect.DeepEqual(kept.Models, run.Models) {
		t.Errorf("the run has changed: %+v, %v", kept, err)
	}
	recs, total, err := f.Records(t.Context(), run.ID, RecordFilter{Model: "tuned", Marked: true})
	if err != nil || total != 10 || recs[0].Mark != MarkWrong || recs[1].Mark != MarkAmbiguous || recs[1].Row != 10 {
		t.Errorf("%d, %+v, %v", total, recs, err)
	}
	l, err = f.Start(t.Context(), run.Spec)
	if err != nil {
		t.Fatal(err)
	}
	again, err := finish(t, l)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Mark(t.Context(), again.ID, 10, ""); err != nil {
		t.Fatal(err)
	}
	if marks, err := f.Marks(t.Context(), run.ID); err != nil || len(marks) != 9 {
		t.Errorf("%v, %v", marks, err)
	}
	if err := f.Mark(t.Context(), run.ID, 10, "nice"); err == nil || !strings.Contains(err.Error(), "wrong, ambiguous") {
		t.Error(err)
	}
	if err := f.Mark(t.Context(), run.ID, 1000, MarkWrong); err == nil {
		t.Error("a row that is not there was marked")
	}
}

// TestDrillDown: where both fail, within a range of a score, and what one row got.
func TestDrillDown(t *testing.T) {
	f := newFixture(t, say)
	l, err := f.Start(t.Context(), Spec{Dataset: writeDataset(t, 100), Models: []string{"base", "tuned"}})
	if err != nil {
		t.Fatal(err)
	}
	run, err := finish(t, l)
	if err != nil {
		t.Fatal(err)
	}
	none, half := 0.0, 0.5
	for _, c := range []struct {
		f    RecordFilter
		want int
	}{
		{RecordFilter{Model: "tuned", AllFail: true, Score: "exact_match_score"}, 10}, // the base never matches
		{RecordFilter{Model: "tuned", AllFail: true}, 0},                              // but has words
		{RecordFilter{Model: "tuned", Most: &none}, 10},
		{RecordFilter{Model: "tuned", Least: &half}, 90},
		{RecordFilter{Model: "base", Least: &half, Most: &half}, 100}, // {answer, is, word}: p 1/3, r 1, f1 0.5
		{RecordFilter{Model: "tuned", Least: &half, Category: "even"}, 40},
	} {
		recs, total, err := f.Records(t.Context(), run.ID, c.f)
		if err != nil || total != c.want || len(recs) != c.want {
			t.Errorf("%+v: %d records, %d listed, %v", c.f, total, len(recs), err)
		}
	}
	recs, _, err := f.Records(t.Context(), run.ID, RecordFilter{Model: "tuned", Best: true, Limit: 1})
	if err != nil || recs[0].Scores["f1_score"] != 1 {
		t.Errorf("%+v, %v", recs, err)
	}
	row, err := f.Row(t.Context(), run.ID, 20)
	if err != nil || len(row) != 2 || row[0].Model != "base" || row[1].Model != "tuned" || row[1].Output != " wrong" {
		t.Errorf("%+v, %v", row, err)
	}
}
