package tinymistral

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"hash/fnv"
	"io"
	"math"
	"reflect"
)

// checkpointMagic starts every checkpoint; its number changes with the layout.
const checkpointMagic = "tunebench-train-1\n"

// checkpointHeader says which run a checkpoint belongs to.
type checkpointHeader struct {
	Config TrainConfig `json:"config"`
	Base   uint64      `json:"base"` // fingerprint of the model the run began with
	Data   uint64      `json:"data"` // fingerprint of the examples; 0 for a Source
	Kernel string      `json:"kernel"`
	Step   int         `json:"step"`
	Values int         `json:"values"` // trained weights
}

func (t *Trainer) header() checkpointHeader {
	return checkpointHeader{Config: t.cfg, Base: t.baseFingerprint(), Data: t.data,
		Kernel: t.model.k.name, Step: t.step, Values: len(t.trained())}
}

func (t *Trainer) baseFingerprint() uint64 {
	return uint64(crc32.Update(0, castagnoli, floatBytes(t.base.w)))<<32 | uint64(uint32(len(t.base.w)))
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Save writes a checkpoint: weights, moments and position in the data. Call it
// between steps.
func (t *Trainer) Save(w io.Writer) error {
	head, err := json.Marshal(t.header())
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	sum := crc32.New(castagnoli)
	bw := bufio.NewWriterSize(io.MultiWriter(w, sum), 1<<16)
	bw.WriteString(checkpointMagic)
	var size [4]byte
	binary.LittleEndian.PutUint32(size[:], uint32(len(head)))
	bw.Write(size[:])
	bw.Write(head)
	for _, part := range [][]float32{t.trained(), t.m1, t.m2} {
		bw.Write(floatBytes(part))
	}
	if err := bw.Flush(); err != nil {
		return fmt.Errorf("write checkpoint: %w", err)
	}
	binary.LittleEndian.PutUint32(size[:], sum.Sum32())
	if _, err := w.Write(size[:]); err != nil {
		return fmt.Errorf("write checkpoint: %w", err)
	}
	return nil
}

// Restore continues the run that Save wrote: afterwards Step gives the same
// weights as a run that was never interrupted, on the same kernel. The Trainer
// must be fresh and made from the same model, data and configuration; a Source
// must be at its beginning. On an error the Trainer must not be used.
func (t *Trainer) Restore(r io.Reader) error {
	if t.step != 0 || t.pending != nil {
		return errors.New("checkpoint: restore needs a trainer that has not stepped yet")
	}
	sum := crc32.New(castagnoli)
	raw := bufio.NewReaderSize(r, 1<<16)
	br := io.TeeReader(raw, sum)
	start := make([]byte, len(checkpointMagic)+4)
	if _, err := io.ReadFull(br, start); err != nil || string(start[:len(checkpointMagic)]) != checkpointMagic {
		return errors.New("checkpoint: this is not a checkpoint of this program's version")
	}
	size := binary.LittleEndian.Uint32(start[len(checkpointMagic):])
	if size > 1<<20 {
		return errors.New("checkpoint: damaged header")
	}
	raw2 := make([]byte, size)
	if _, err := io.ReadFull(br, raw2); err != nil {
		return fmt.Errorf("checkpoint: cut off in its header: %w", err)
	}
	var h checkpointHeader
	if err := json.Unmarshal(raw2, &h); err != nil {
		return fmt.Errorf("checkpoint: damaged header: %w", err)
	}
	want := t.header()
	switch {
	case h.Base != want.Base:
		return errors.New("checkpoint: it belongs to a run that began with another model")
	case h.Data != want.Data:
		return errors.New("checkpoint: it belongs to a run on other data")
	case !reflect.DeepEqual(h.Config, want.Config) || h.Values != want.Values:
		return errors.New("checkpoint: it belongs to a run with another configuration")
	case h.Step < 0 || h.Step > t.cfg.Steps:
		return errors.New("checkpoint: damaged header")
	}
	parts := [3][]float32{}
	buf := make([]byte, 4*h.Values)
	for i := range parts {
		if _, err := io.ReadFull(br, buf); err != nil {
			return fmt.Errorf("checkpoint: cut off: %w", err)
		}
		parts[i] = make([]float32, h.Values)
		for j := range parts[i] {
			parts[i][j] = math.Float32frombits(binary.LittleEndian.Uint32(buf[4*j:]))
		}
	}
	var stored [4]byte
	check := sum.Sum32()
	if _, err := io.ReadFull(raw, stored[:]); err != nil || binary.LittleEndian.Uint32(stored[:]) != check {
		return errors.New("checkpoint: damaged (its checksum does not match)")
	}
	// The packing is a function of the data alone, so repeating it leads back to
	// the same position.
	for i := range h.Step {
		rows, err := t.packer.next()
		if err != nil {
			return err
		}
		if rows == nil {
			return fmt.Errorf("checkpoint: the data ended after %d of %d steps", i, h.Step)
		}
	}
	copy(t.trained(), parts[0])
	copy(t.m1, parts[1])
	copy(t.m2, parts[2])
	t.step, t.stale = h.Step, true
	return nil
}

func floatBytes(x []float32) []byte {
	out := make([]byte, 4*len(x))
	for i, v := range x {
		binary.LittleEndian.PutUint32(out[4*i:], math.Float32bits(v))
	}
	return out
}

// fingerprint identifies a set of examples in their order.
func fingerprint(data []Example) uint64 {
	h := fnv.New64a()
	var b [4]byte
	put := func(v uint32) {
		binary.LittleEndian.PutUint32(b[:], v)
		h.Write(b[:])
	}
	for _, e := range data {
		put(uint32(len(e.IDs)))
		put(uint32(e.AnswerStart))
		for _, id := range e.IDs {
			put(uint32(id))
		}
	}
	return h.Sum64() | 1
}
