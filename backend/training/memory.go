package training

import (
	"fmt"
	"strings"
)

// Memory is what one GPU of a job will hold, as a planning value.
type Memory struct {
	// GiB is the estimate for one GPU, HasGiB what such a GPU has; 0 when the
	// instance's GPUs are not known here.
	GiB    float64 `json:"gib"`
	HasGiB float64 `json:"has_gib,omitempty"`
	// Strategy is what the container will choose, on GPUs processes.
	Strategy string `json:"strategy"`
	GPUs     int    `json:"gpus"`
	Basis    string `json:"basis"`
}

// gpuMemory is what one GPU of an instance family has, in GiB.
var gpuMemory = []struct {
	prefix string
	gib    float64
}{{"ml.g5.", 24}, {"ml.g6.", 24}, {"ml.g6e.", 48}, {"ml.p4d.", 40}, {"ml.p4de.", 80}, {"ml.p5.", 80}}

// The shape of Mistral-7B, by its config.json.
const (
	layers, hidden, inter, kv, vocab = 32, 4096, 14336, 1024, 32768
	linears                          = layers * (2*hidden*hidden + 2*hidden*kv + 3*hidden*inter)
	embeddings                       = 2 * vocab * hidden
	gib                              = 1 << 30
	// usable is the part of a GPU's memory that plans count on.
	usable = 0.9
)

// loraWidth is input plus output of a projection: one rank's adapter weights.
var loraWidth = map[string]float64{"q_proj": 2 * hidden, "o_proj": 2 * hidden, "k_proj": hidden + kv, "v_proj": hidden + kv,
	"gate_proj": hidden + inter, "up_proj": hidden + inter, "down_proj": hidden + inter}

// memory estimates what one GPU holds; nil for base models whose shape is not
// known here. The arithmetic, in bytes: a frozen weight takes 2, or in NF4 with
// double quantisation 1/2 + 1/64 + 4/16384; a trained one 16 (itself, its
// gradient and Adam's two moments in float32). A token takes 2 for each layer's
// input and hidden value, three times 4 for each logit, and the recomputation of
// a layer 1/4 MiB. A packed row has max_sequence_length tokens. FSDP with
// adapters shares out the frozen weights, with full training everything.
func memory(base string, s Settings, instance string, count int) *Memory {
	if !strings.Contains(strings.ToLower(base), "mistral-7b") {
		return nil
	}
	m := &Memory{GPUs: max(int(gpus[instance]), 1) * count}
	for _, g := range gpuMemory {
		if strings.HasPrefix(instance, g.prefix) {
			m.HasGiB = g.gib
		}
	}
	m.Strategy = strategyOf(s.Strategy, m.GPUs)
	frozen, trained := 2.0*(linears+embeddings), 0.0
	switch s.Method {
	case "full":
		frozen, trained = 0, linears+embeddings
	case "qlora":
		frozen = linears*(0.5+1.0/64+4.0/16384) + 2*embeddings
	}
	if s.Method != "full" {
		targets := s.LoRATargets
		if len(targets) == 0 {
			targets = allLinears
		}
		for _, t := range targets {
			trained += layers * loraWidth[t] * float64(s.LoRARank)
		}
	}
	weights := 16 * trained
	if m.Strategy == "fsdp" {
		layer := frozen / layers
		frozen = frozen/float64(m.GPUs) + layer // one layer is whole while it is used
		if s.Method == "full" {
			weights = weights/float64(m.GPUs) + 4*linears/layers
		}
	}
	tokens := float64(max(s.MicroBatchRows, 1) * s.MaxSequenceLength)
	recompute := tokens * gib / 2 / 2048
	kept := tokens * 2 * layers * hidden
	if s.GradientCheckpointing != nil && !*s.GradientCheckpointing {
		kept, recompute = recompute*layers, 0
	}
	logits := 3 * 4 * tokens * vocab
	const context = 0.8 * gib // CUDA and its libraries
	m.GiB = (frozen + weights + kept + recompute + logits + context) / gib
	m.Basis = fmt.Sprintf("frozen weights %.1f, trained weights with gradients and optimiser %.1f, activations of %.0f tokens %.1f, logits %.1f, CUDA %.1f GiB; own arithmetic, not measured",
		frozen/gib, weights/gib, tokens, (kept+recompute)/gib, logits/gib, context/gib)
	return m
}

// strategyOf is the container's choice (tb/world.py).
func strategyOf(asked string, processes int) string {
	switch {
	case processes == 1 || asked == "single":
		return "single"
	case asked == "ddp":
		return "ddp"
	}
	return "fsdp"
}

// tooLarge says that a job will not fit; "" when it will or that is not known.
func (m *Memory) tooLarge() string {
	if m == nil || m.HasGiB == 0 || m.GiB <= usable*m.HasGiB {
		return ""
	}
	return fmt.Sprintf("one GPU would have to hold about %.1f GiB and has %.0f (%s); take fewer micro_batch_rows, a shorter max_sequence_length, qlora, or an instance with more", m.GiB, m.HasGiB, m.Basis)
}
