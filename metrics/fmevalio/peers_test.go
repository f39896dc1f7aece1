package fmevalio

import (
	"bufio"
	"encoding/json"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"tunebench/metrics"
	"tunebench/metrics/internal/golden"
	"tunebench/metrics/meteor"
	"tunebench/metrics/nprand"
	"tunebench/metrics/porter"
	"tunebench/metrics/pytext"
	"tunebench/metrics/rouge"
)

// peerValue is a line of testdata/peers.py.
type peerValue struct {
	Kind           string
	Target, Output string
	Stem           json.RawMessage
	Values         json.RawMessage
	Value          float64
	Text, Word     string
	Tokens         []string
	Truth, Given   []string
	Average        string
	Seed           uint64
	Floats         []float64
	Ints           []int
	Chosen, Tail   []int
	Count          int
	Rows           []int
	Source         string
	Str, Dumps     string
	Changed        map[string][2]string
	Space          string
}

// TestPeers compares with values that other implementations computed just now;
// .ci/metrics.sh makes the file and names it in TUNEBENCH_PEERS.
func TestPeers(t *testing.T) {
	name := os.Getenv("TUNEBENCH_PEERS")
	if name == "" {
		t.Skip("TUNEBENCH_PEERS names no file of values; .ci/metrics.sh makes one")
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	english, err := meteor.Find(os.DirFS("/"), strings.Split(os.Getenv("TUNEBENCH_METEOR_FOLDERS"), ":")...)
	if err == nil {
		english.SqueezeSpace = true // as the release does
	}
	counts := map[string]int{}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var v peerValue
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		counts[v.Kind]++
		if why := v.differs(t, english); why != "" {
			t.Errorf("%s: %s\n%.600s", v.Kind, why, lines.Text())
		}
	}
	if err := lines.Err(); err != nil || len(counts) < 7 {
		t.Fatal(counts, err)
	}
	t.Logf("values compared: %v", counts)
}

func (v peerValue) differs(t *testing.T, english *meteor.English) string {
	switch v.Kind {
	case "rouge":
		var want map[rouge.Type]float64
		if err := json.Unmarshal(v.Values, &want); err != nil {
			t.Fatal(err)
		}
		for kind, w := range want {
			s, err := rouge.New(kind, string(v.Stem) == "true")
			if err != nil {
				t.Fatal(err)
			}
			if got := s.Score(v.Target, v.Output).F; got != w {
				return string(kind) + " differs"
			}
		}
	case "tokens":
		if got := english.Tokenize(v.Text); !slices.Equal(got, v.Tokens) {
			return strings.Join(got, "|")
		}
	case "meteor":
		if got := meteor.New(english).Score(v.Target, v.Output); math.Float64bits(got) != math.Float64bits(v.Value) {
			return string(pytext.AppendFloat(nil, got))
		}
	case "wer":
		if got, err := metrics.WordErrorRate([]string{v.Output}, []string{v.Target}); err != nil || got != v.Value {
			return string(pytext.AppendFloat(nil, got))
		}
	case "stem":
		if got := porter.Stem(v.Word); `"`+got+`"` != unquoted(v.Stem) {
			return got
		}
	case "classes":
		return v.classes(t)
	case "numpy":
		return v.numpy()
	case "sample":
		if !slices.Equal(nprand.Sample(v.Count, v.Count, uint32(v.Seed)), v.Rows) {
			return "the order differs"
		}
	case "json":
		value, err := pytext.Decode([]byte(v.Source))
		if err != nil {
			return err.Error()
		}
		dumps, err := pytext.AppendJSON(nil, value)
		if err != nil || string(dumps) != v.Dumps || pytext.Str(value) != v.Str {
			return string(dumps) + " " + pytext.Str(value)
		}
	case "case":
		for c, want := range v.Changed {
			if pytext.Lower(c) != want[0] || pytext.Upper(c) != want[1] {
				return c
			}
		}
		for _, r := range v.Space {
			if !pytext.Space(r) {
				return "a space is none"
			}
		}
	default:
		return "not a kind that is known"
	}
	return ""
}

// unquoted spells a JSON text without escapes, in quotes.
func unquoted(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return `"` + s + `"`
}

func (v peerValue) classes(t *testing.T) string {
	var want []float64
	if err := json.Unmarshal(v.Values, &want); err != nil {
		t.Fatal(err)
	}
	set, err := metrics.ClassificationAccuracy.NewSetScorer(map[string]string{
		"valid_labels": metrics.FormatLabels(append(v.Given, v.Truth...)), "multiclass_average_strategy": v.Average})
	if err != nil {
		t.Fatal(err)
	}
	for i := range v.Truth {
		set.Add(metrics.Row{Target: v.Truth[i], Output: v.Given[i]}, nil)
	}
	for i, e := range set.Estimates(metrics.Options{Resamples: 2}) {
		if math.Abs(e.Mean-want[i]) > 1e-12 {
			return metrics.ClassificationAccuracy.SetScores[i].Name
		}
	}
	return ""
}

func (v peerValue) numpy() string {
	g := nprand.New(v.Seed)
	for _, w := range v.Floats {
		if g.Float64() != w {
			return "a float differs"
		}
	}
	for i, w := range v.Ints {
		if g.Intn(i+1) != w {
			return "a whole number differs"
		}
	}
	if !slices.Equal(g.Choose(50, 12), v.Chosen) || !slices.Equal(g.Choose(11000, 300), v.Tail) {
		return "a choice differs"
	}
	return ""
}

// METEOR's vectors through the file format, where its word lists are.
func TestScoreMeteorVectors(t *testing.T) {
	english, err := meteor.Find(os.DirFS("/"), strings.Split(os.Getenv("TUNEBENCH_METEOR_FOLDERS"), ":")...)
	if err != nil {
		if os.Getenv("TUNEBENCH_NEED_METEOR") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	m, err := metrics.Registry{English: english}.Lookup("summarization_accuracy")
	if err != nil {
		t.Fatal(err)
	}
	type vector struct {
		ID     int
		Stem   map[string]float64 `json:"rouge_stemmer"`
		Meteor float64
	}
	rows, _ := score(t, string(golden.Bytes(t, "summarization.jsonl")), ScoreOptions{Metrics: []metrics.Metric{m}})
	for i, v := range golden.Lines[vector](t, "summarization.jsonl", 276) {
		checkRow(t, rows[i], v.ID, map[string]float64{"meteor": v.Meteor, "rouge": v.Stem["rouge2"]}, false)
	}
}
