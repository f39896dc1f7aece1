package tinymistral

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestPromptDropoutKeepsTheAnswer(t *testing.T) {
	e := Example{AnswerStart: 43}
	for i := range int32(50) {
		e.IDs = append(e.IDs, i)
	}
	before := slices.Clone(e.IDs)
	rng := rand.New(rand.NewPCG(1, 2))
	dropped := 0
	for range 500 {
		d := e.dropPrompt(0.15, rng)
		if !slices.Equal(d.IDs[d.AnswerStart:], e.IDs[e.AnswerStart:]) || d.IDs[d.AnswerStart-1] != 42 || d.IDs[0] != 0 || d.IDs[1] != 1 {
			t.Fatalf("%v from %d", d.IDs, d.AnswerStart)
		}
		if !slices.IsSorted(d.IDs) {
			t.Fatalf("the order has changed: %v", d.IDs)
		}
		dropped += len(e.IDs) - len(d.IDs)
	}
	if !slices.Equal(before, e.IDs) {
		t.Error("the example itself was changed")
	}
	if mean := float64(dropped) / 500 / 40; mean < 0.12 || mean > 0.18 {
		t.Errorf("%.3f of the prompt is left out, want 0.15", mean)
	}
	for _, short := range []Example{{IDs: []int32{1, 2, 3}, AnswerStart: 1}, {IDs: []int32{1, 2, 3}}, {IDs: []int32{1, 3, 4, 5}, AnswerStart: 3}} {
		if d := short.dropPrompt(0.5, rng); !slices.Equal(d.IDs, short.IDs) || d.AnswerStart != short.AnswerStart {
			t.Errorf("%+v became %+v", short, d)
		}
	}
}

func TestPromptDropoutResumes(t *testing.T) {
	data := []Example{{IDs: []int32{1, 2, 3, 4, 5, 6, 7, 8}, AnswerStart: 6}, {IDs: []int32{1, 3, 5, 7, 9, 11, 13, 15}, AnswerStart: 6}}
	a, b := &dataSource{data: data, seed: 5, dropout: 0.3}, &dataSource{data: data, seed: 5, dropout: 0.3}
	for range 50 {
		x, y := a.Next(), b.Next()
		if !slices.Equal(x.IDs, y.IDs) || x.AnswerStart != y.AnswerStart {
			t.Fatalf("the same seed gives %+v and %+v", x, y)
		}
	}
}
