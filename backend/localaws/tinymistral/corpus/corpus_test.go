package corpus

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tunebench/backend/artifact"
)

func TestFacts(t *testing.T) {
	type key struct{ entity, attribute string }
	seen := map[key]bool{}
	entities := map[string]bool{}
	realFacts, products := 0, map[string]bool{}
	for _, f := range Facts() {
		k := key{f.Entity, f.Attribute}
		if seen[k] {
			t.Errorf("%v stands twice", k)
		}
		seen[k] = true
		entities[f.Entity] = true
		if f.Value == "" || f.Value != strings.TrimSpace(f.Value) {
			t.Errorf("%v has the value %q", k, f.Value)
		}
		if f.Real() {
			realFacts++
		} else {
			products[f.Entity] = true
		}
	}
	if realFacts < 450 || len(products) < 30 || len(products) > 40 {
		t.Errorf("%d real facts, %d products", realFacts, len(products))
	}
	// Exact symbols and numbers are easy to mistype in a table.
	numbers := map[string]string{}
	for _, f := range Facts() {
		if f.Attribute == "number" || f.Attribute == "symbol" {
			if other, dup := numbers[f.Attribute+f.Value]; dup {
				t.Errorf("%s and %s both have the %s %s", other, f.Entity, f.Attribute, f.Value)
			}
			numbers[f.Attribute+f.Value] = f.Entity
		}
	}
}

func TestWordings(t *testing.T) {
	for name, a := range attributes {
		if n := len(a.tuned) + len(a.known); n < 8 || n > 12 || len(a.unseen) < 2 {
			t.Errorf("%s has %d wordings and %d unseen ones", name, n, len(a.unseen))
		}
		all := slices.Concat(a.tuned, a.known, a.unseen)
		slices.Sort(all)
		if len(slices.Compact(all)) != len(a.tuned)+len(a.known)+len(a.unseen) {
			t.Errorf("%s has a wording twice", name)
		}
		for _, q := range all {
			if strings.Count(q, "{e}") != 1 || strings.Contains(q, "{v}") {
				t.Errorf("%s: wording %q", name, q)
			}
		}
		for _, s := range slices.Concat(a.verbose, a.statements) {
			if strings.Count(s, "{e}") != 1 || strings.Count(s, "{v}") != 1 || len(s) < 12 {
				t.Errorf("%s: sentence %q", name, s)
			}
		}
	}
}

func TestNotesHoldTheirValue(t *testing.T) {
	s := NewStream(3)
	for range 3000 {
		n := newNote(s.rng)
		for _, list := range [][]string{n.statements, n.answers} {
			for _, x := range list {
				if !strings.Contains(strings.ToLower(x), strings.ToLower(n.value)) {
					t.Fatalf("%q does not hold %q", x, n.value)
				}
				if n.value == "" || x == n.value || strings.ContainsAny(x, "{}/") {
					t.Fatalf("malformed sentence %q", x)
				}
			}
		}
		for _, q := range n.questions {
			if strings.ContainsAny(q, "{}/") {
				t.Fatalf("malformed question %q", q)
			}
		}
	}
}

func TestStreamDependsOnTheSeedOnly(t *testing.T) {
	a, b, other := NewStream(7), NewStream(7), NewStream(8)
	same := 0
	kinds := map[string]int{}
	for range 2000 {
		x, y, z := text(t, a.Next()), text(t, b.Next()), other.Next()
		if x != y {
			t.Fatalf("the same seed gives\n%s\n%s", x, y)
		}
		if x == text(t, z) {
			same++
		}
		switch {
		case len(z.Messages) == 0:
			kinds["text"]++
		case z.AnswerOnly:
			kinds["fresh"]++
		default:
			kinds["asked"]++
		}
	}
	if same > 20 {
		t.Errorf("%d of 2000 documents are the same for two seeds", same)
	}
	if kinds["text"] < 60 || kinds["fresh"] < 300 || kinds["asked"] < 1000 {
		t.Errorf("the mix is %v", kinds)
	}
}

func text(t *testing.T, d Document) string {
	t.Helper()
	b, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestEncode(t *testing.T) {
	tok, err := artifact.TrainBPE(slices.Values(Texts(1, 500)), 400, []string{"<unk>", "<s>", "</s>", "[INST]", "[/INST]"})
	if err != nil {
		t.Fatal(err)
	}
	s := NewStream(4)
	dropped := 0
	for range 500 {
		d := s.Next()
		ids, start, err := s.Encode(tok, d)
		if err != nil {
			t.Fatal(err)
		}
		if ids[0] != tok.BOS() || ids[len(ids)-1] != tok.EOS() || start < 1 || start >= len(ids) {
			t.Fatalf("%+v is encoded as %v from %d", d, ids, start)
		}
		answer := d.Text
		if len(d.Messages) > 0 {
			answer = d.Messages[len(d.Messages)-1].Content
		}
		got := tok.Decode(ids[start:])
		if d.AnswerOnly && got != " "+answer || !strings.HasSuffix(got, answer) {
			t.Fatalf("the learnt part of %+v is %q", d, got)
		}
		if d.Dropout {
			dropped++
		}
	}
	if dropped < 100 || dropped > 240 {
		t.Errorf("%d of 500 documents have dropout", dropped)
	}
}

func TestSampleAndHeldOut(t *testing.T) {
	sample, held, unseen := Sample(), HeldOut(), UnseenWordings()
	if len(sample) < 1150 || len(held) < 240 || len(unseen) < 200 {
		t.Fatalf("%d, %d and %d rows", len(sample), len(held), len(unseen))
	}
	questions := map[string]bool{}
	for name, rows := range map[string][]Row{"sample": sample, "held-out": held, "unseen": unseen} {
		ids, categories, system := map[string]bool{}, map[string]int{}, map[string]int{}
		for _, r := range rows {
			if ids[r.ID] || r.ID == "" {
				t.Errorf("%s: the id %q is taken", name, r.ID)
			}
			ids[r.ID] = true
			if questions[r.Question] {
				t.Errorf("%s: %q is asked twice", name, r.Question)
			}
			questions[r.Question] = true
			if len(r.Response) > 30 || r.Response == "" {
				t.Errorf("%s: the response %q is not concise", name, r.Response)
			}
			categories[r.Category]++
			system[r.SystemPrompt]++
		}
		if len(categories) != 4 || categories["products"]*8 > len(rows) {
			t.Errorf("%s: categories %v", name, categories)
		}
		if len(system) < 5 || system[""] < len(rows)/10 {
			t.Errorf("%s: system texts %v", name, system)
		}
	}
	// No entity and no wording of the held-out rows occurs in the sample.
	asked := map[string]bool{}
	for _, r := range sample {
		asked[r.Question] = true
	}
	tuned := map[string]bool{}
	for _, f := range Facts() {
		if f.Tuned() {
			tuned[f.Entity] = true
		}
	}
	for _, f := range Facts() {
		if f.Tuned() {
			continue
		}
		if tuned[f.Entity] {
			t.Errorf("%s is both tuned and held out", f.Entity)
		}
		for _, q := range f.TunedQuestions() {
			if asked[q] {
				t.Errorf("the sample asks %q about a held-out entity", q)
			}
		}
	}
	for name, a := range attributes {
		for _, w := range a.tuned {
			if slices.Contains(a.known, w) || slices.Contains(a.unseen, w) {
				t.Errorf("%s: %q is tuned and held out", name, w)
			}
		}
	}
}

// TestCommittedFiles holds the files in testdata against the generator.
func TestCommittedFiles(t *testing.T) {
	dir := filepath.Join("..", "..", "..", "..", "testdata")
	for name, rows := range map[string][]Row{"openorca-sample.jsonl": Sample(), "heldout.jsonl": HeldOut(), "unseen-wordings.jsonl": UnseenWordings()} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		var got []Row
		for line := range bytes.Lines(b) {
			var r Row
			if err := json.Unmarshal(line, &r); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			got = append(got, r)
		}
		if !slices.Equal(got, rows) {
			t.Errorf("%s is not what the generator makes: run makebase -sample testdata", name)
		}
	}
	f, err := os.Open(filepath.Join(dir, "openorca-sample.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	records, err := csv.NewReader(f).ReadAll()
	if err != nil || len(records) != len(Sample())+1 {
		t.Errorf("the CSV file has %d records, %v", len(records), err)
	}
}
