package tinymistral

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"testing"
)

// reference is what testdata/reference/mistral.py wrote.
type reference struct {
	IDs      []int32     `json:"ids"`
	Logits   [][]float64 `json:"logits"`
	Greedy   []int32     `json:"greedy"`
	Examples []struct {
		IDs         []int32 `json:"ids"`
		AnswerStart int     `json:"answer_start"`
	} `json:"examples"`
	Steps []struct {
		Loss     float64 `json:"loss"`
		GradNorm float64 `json:"grad_norm"`
	} `json:"steps"`
}

// TestEqualsPyTorch loads folders that PyTorch wrote and wants its logits, its
// greedy continuation and its training losses.
func TestEqualsPyTorch(t *testing.T) {
	file, err := os.ReadFile("testdata/reference/reference.json")
	if err != nil {
		t.Fatal(err)
	}
	var refs map[string]reference
	if err := json.Unmarshal(file, &refs); err != nil {
		t.Fatal(err)
	}
	for name, ref := range refs {
		t.Run(name, func(t *testing.T) {
			m, err := Load(os.DirFS("testdata/reference/" + name))
			if err != nil {
				t.Fatal(err)
			}
			d := newDecoder(m)
			for i, id := range ref.IDs {
				d.step(id)
				for j, want := range ref.Logits[i] {
					if got := float64(d.logits[j]); math.Abs(got-want) > 2e-4 {
						t.Fatalf("position %d, token %d: logit %g, want %g", i, j, got, want)
					}
				}
			}
			m.eos = nil
			var ids []int32
			prompt := ref.Greedy[:8]
			_, err = NewGenerator(m, nil).Generate(t.Context(), prompt, GenerateOptions{MaxTokens: len(ref.Greedy) - 8}, func(tk Token) error {
				ids = append(ids, tk.ID)
				return nil
			})
			if err != nil || !slices.Equal(ids, ref.Greedy[8:]) {
				t.Errorf("greedy %v (%v), want %v", ids, err, ref.Greedy[8:])
			}

			var data []Example
			var rows [][]Example
			for _, e := range ref.Examples {
				data = append(data, Example{IDs: e.IDs, AnswerStart: e.AnswerStart})
				rows = append(rows, data[len(data)-1:])
			}
			tr := mustTrainer(t, m, data, TrainConfig{LearningRate: 1e-2, MinLRRatio: 0.1, WarmupRatio: 0.34, WeightDecay: 0.05,
				MaxGradNorm: 1, Beta1: 0.9, Beta2: 0.98, Steps: len(ref.Steps), Rows: 4, SeqLen: 32, Shards: 3})
			for i, want := range ref.Steps {
				tr.pending = split(rows, 3) // every step the same examples, as there
				got := mustTrain(t, tr, 1)[0]
				if math.Abs(got.Loss-want.Loss) > 1e-4*want.Loss || math.Abs(got.GradNorm-want.GradNorm) > 1e-3*want.GradNorm {
					t.Errorf("step %d: loss %g and gradient %g, want %g and %g", i+1, got.Loss, got.GradNorm, want.Loss, want.GradNorm)
				}
			}
		})
	}
}
