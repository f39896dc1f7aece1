package evaluation

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"tunebench/metrics/meteor"
)

// english is METEOR's word lists with a word in each.
func english(t *testing.T) *meteor.English {
	t.Helper()
	files := fstest.MapFS{}
	for _, part := range []string{"noun", "verb", "adj", "adv"} {
		files["data."+part] = &fstest.MapFile{Data: []byte("00000000 08 " + part[:1] + " 01 thing" + part + " 0 000 | a word\n")}
		files["index."+part] = &fstest.MapFile{Data: []byte("thing" + part + " " + part[:1] + " 1 1 @ 1 0 00000000  \n")}
		files[part+".exc"] = &fstest.MapFile{}
	}
	for _, name := range []string{"abbrev_types.txt", "collocations.tab", "sent_starters.txt", "ortho_context.tab"} {
		files["p/tokenizers/punkt_tab/english/"+name] = &fstest.MapFile{}
	}
	for name, f := range files {
		files["w/"+name] = f
	}
	e, err := meteor.Find(files, "w", "p")
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// TestMeteor: a run of summaries is scored with METEOR where its word lists are, and
// read as it was scored where they are not.
func TestMeteor(t *testing.T) {
	f := newFixture(t, say)
	spec := Spec{Dataset: writeDataset(t, 5), Models: []string{"base"}, Metrics: []string{"summarization_accuracy"}}
	start := func() Run {
		t.Helper()
		l, err := f.Start(t.Context(), spec)
		if err != nil {
			t.Fatal(err)
		}
		r, err := finish(t, l)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	f.cfg.English = func() (*meteor.English, string) { return nil, "no WordNet here" }
	without := start()
	if without.Spec.Meteor || slices.Contains(without.ScoreNames, "meteor") || !slices.Contains(without.Absent, Absent{"meteor", "no WordNet here"}) {
		t.Errorf("%+v", without)
	}
	facts := About(without)
	if !slices.ContainsFunc(facts, func(f Fact) bool {
		return f.Name == "left out" && strings.HasPrefix(f.Text, "meteor: ") && strings.Contains(f.Text, "WordNet")
	}) {
		t.Errorf("%+v", facts)
	}
	f.cfg.English = func() (*meteor.English, string) { return english(t), "" }
	with := start()
	if !with.Spec.Meteor || !slices.Contains(with.ScoreNames, "meteor") {
		t.Errorf("%+v", with)
	}
	for _, id := range []string{without.ID, with.ID} {
		r, err := f.Run(t.Context(), id)
		if err != nil || slices.Contains(r.ScoreNames, "meteor") != (id == with.ID) {
			t.Errorf("%+v, %v", r.ScoreNames, err)
		}
	}
	f.cfg.English = nil // another machine
	if r, err := f.Run(t.Context(), with.ID); err != nil || !slices.Contains(r.ScoreNames, "rouge") {
		t.Errorf("%+v, %v", r, err)
	}
}
