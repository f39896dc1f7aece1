// Package tinymistral is the engine behind the local account: a decoder of the
// Mistral architecture in Go, with the inner loops in assembly where the
// processor has one, its training (full and LoRA) and its text generation.
//
// What belongs here: the model and its arithmetic, packing of examples into
// rows, the optimiser, checkpoints of a training run, sampling. What does not:
// files (package artifact reads and writes them), prompts and chat formats,
// jobs and their statuses (package localaws), and the embedded base model
// (folder base).
//
// A [Model] never changes once it exists: a [Trainer] works on its own copy and
// any number of [Generator]s may read one Model at the same time.
package tinymistral
