package artifact

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"path"
	"slices"
)

// Weights gives access to the tensors of an artifact folder, whichever number
// of files they lie in. It may be used by several goroutines at once.
type Weights struct {
	infos  []TensorInfo
	byName map[string]int
	files  map[string]io.ReaderAt
	closer []io.Closer
}

// OpenWeights opens model.safetensors, or the shards that
// model.safetensors.index.json names, and checks every header. The error names
// a missing shard, and tensors that index and shards disagree about. Close
// must be called.
func OpenWeights(fsys fs.FS) (*Weights, error) {
	w := &Weights{byName: map[string]int{}, files: map[string]io.ReaderAt{}}
	if err := w.open(fsys); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

func (w *Weights) open(fsys fs.FS) error {
	index, err := readIndex(fsys)
	if err != nil {
		return err
	}
	if index == nil {
		err := w.addFile(fsys, WeightsFile)
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("the artifact has neither %s nor %s: its weights are missing: %w", WeightsFile, WeightsIndexFile, fs.ErrNotExist)
		}
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(shardSet(index))) {
		if err := w.addFile(fsys, name); err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("shard %s is missing: %s names it but the artifact does not hold it; copy it into the folder and try again: %w", name, WeightsIndexFile, fs.ErrNotExist)
			}
			return err
		}
	}
	for _, tensor := range slices.Sorted(maps.Keys(index)) {
		i, ok := w.byName[tensor]
		if !ok {
			return fmt.Errorf("%s says that %s holds tensor %q, but no shard does", WeightsIndexFile, index[tensor], tensor)
		}
		if w.infos[i].File != index[tensor] {
			return fmt.Errorf("%s says that %s holds tensor %q, but it lies in %s", WeightsIndexFile, index[tensor], tensor, w.infos[i].File)
		}
	}
	for _, t := range w.infos {
		if _, ok := index[t.Name]; !ok {
			return fmt.Errorf("%s holds tensor %q, which %s does not list", t.File, t.Name, WeightsIndexFile)
		}
	}
	return nil
}

// readIndex returns tensor name to shard name, nil when there is no index.
func readIndex(fsys fs.FS) (map[string]string, error) {
	b, err := fs.ReadFile(fsys, WeightsIndexFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", WeightsIndexFile, err)
	}
	var doc struct {
		WeightMap map[string]string `json:"weight_map"`
	}
	if err := json.Unmarshal(b, &doc); err != nil {
		return nil, fmt.Errorf("%s is not valid JSON: %w", WeightsIndexFile, err)
	}
	if len(doc.WeightMap) == 0 {
		return nil, fmt.Errorf("%s has no weight_map: it names no shard", WeightsIndexFile)
	}
	for tensor, file := range doc.WeightMap {
		if !fs.ValidPath(file) || path.Base(file) != file || file == "." {
			return nil, fmt.Errorf("%s puts tensor %q into %q, which is not a plain file name", WeightsIndexFile, tensor, file)
		}
	}
	return doc.WeightMap, nil
}

func shardSet(index map[string]string) map[string]bool {
	set := map[string]bool{}
	for _, f := range index {
		set[f] = true
	}
	return set
}

func (w *Weights) addFile(fsys fs.FS, name string) error {
	f, err := fsys.Open(name)
	if err != nil {
		return fmt.Errorf("open %s: %w", name, err)
	}
	st, err := f.Stat()
	if err != nil {
		return errors.Join(fmt.Errorf("open %s: %w", name, err), f.Close())
	}
	var r io.ReaderAt
	size := st.Size()
	if ra, ok := f.(io.ReaderAt); ok {
		r = ra
		w.closer = append(w.closer, f)
	} else {
		b, err := io.ReadAll(f)
		if err = errors.Join(err, f.Close()); err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		r, size = bytes.NewReader(b), int64(len(b))
	}
	infos, _, err := ParseHeader(r, size)
	if err != nil {
		var he *HeaderError
		if errors.As(err, &he) {
			he.File = name
			return he
		}
		return fmt.Errorf("%s: %w", name, err)
	}
	w.files[name] = r
	for _, t := range infos {
		t.File = name
		if i, dup := w.byName[t.Name]; dup {
			return fmt.Errorf("tensor %q lies in both %s and %s", t.Name, w.infos[i].File, name)
		}
		w.byName[t.Name] = len(w.infos)
		w.infos = append(w.infos, t)
	}
	return nil
}

// Tensors lists all tensors, file by file in the order of their data.
func (w *Weights) Tensors() []TensorInfo { return slices.Clone(w.infos) }

// Info returns the description of one tensor.
func (w *Weights) Info(name string) (TensorInfo, bool) {
	i, ok := w.byName[name]
	if !ok {
		return TensorInfo{}, false
	}
	return w.infos[i], true
}

// Float32 reads one tensor in row-major order. F32, BF16 and F16 are
// understood.
func (w *Weights) Float32(name string) ([]float32, error) {
	t, ok := w.Info(name)
	if !ok {
		return nil, fmt.Errorf("the artifact holds no tensor %q", name)
	}
	if t.DType != F32 && t.DType != BF16 && t.DType != F16 {
		return nil, fmt.Errorf("tensor %q is stored as %s; export the weights as BF16, F16 or F32", name, t.DType)
	}
	raw := make([]byte, t.End-t.Begin)
	if err := readAt(w.files[t.File], raw, t.Begin); err != nil {
		return nil, fmt.Errorf("read tensor %q from %s: %w", name, t.File, err)
	}
	out := make([]float32, t.Elements())
	switch t.DType {
	case F32:
		for i := range out {
			out[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
		}
	case BF16:
		for i := range out {
			out[i] = math.Float32frombits(uint32(binary.LittleEndian.Uint16(raw[2*i:])) << 16)
		}
	case F16:
		for i := range out {
			out[i] = halfToFloat(binary.LittleEndian.Uint16(raw[2*i:]))
		}
	}
	return out, nil
}

// Close closes the files. Calling it twice is harmless.
func (w *Weights) Close() error {
	var errs []error
	for _, c := range w.closer {
		errs = append(errs, c.Close())
	}
	w.closer = nil
	return errors.Join(errs...)
}

// halfToFloat widens an IEEE 754 half-precision number.
func halfToFloat(h uint16) float32 {
	sign := uint32(h>>15) << 31
	exp := uint32(h>>10) & 0x1f
	frac := uint32(h) & 0x3ff
	switch exp {
	case 0x1f:
		return math.Float32frombits(sign | 0xff<<23 | frac<<13)
	case 0:
		f := float32(frac) / (1 << 24) // subnormal: frac times 2^-24
		if sign != 0 {
			return -f
		}
		return f
	}
	return math.Float32frombits(sign | (exp+127-15)<<23 | frac<<13)
}

// bf16 rounds to the nearest bfloat16, ties to even; NaN stays NaN.
func bf16(f float32) uint16 {
	u := math.Float32bits(f)
	if f != f {
		return uint16(u>>16) | 0x40
	}
	return uint16((u + 0x7fff + (u>>16)&1) >> 16)
}

// Tensor is a named array of float32 in row-major order.
type Tensor struct {
	Name  string
	Shape []int
	Data  []float32
}

// WriteSafetensors writes the tensors, sorted by name, as one safetensors file
// of dtype F32 or BF16. The metadata says {"format":"pt"}, without which other
// readers refuse the file.
func WriteSafetensors(w io.Writer, dtype DType, tensors []Tensor) error {
	if dtype != F32 && dtype != BF16 {
		return fmt.Errorf("write safetensors: dtype %q can not be written, use F32 or BF16", dtype)
	}
	ts := slices.Clone(tensors)
	slices.SortFunc(ts, func(a, b Tensor) int {
		switch {
		case a.Name < b.Name:
			return -1
		case a.Name > b.Name:
			return 1
		}
		return 0
	})
	type entry struct {
		DType   DType    `json:"dtype"`
		Shape   []int    `json:"shape"`
		Offsets [2]int64 `json:"data_offsets"`
	}
	header := map[string]any{"__metadata__": map[string]string{"format": "pt"}}
	var off int64
	for _, t := range ts {
		if _, dup := header[t.Name]; dup {
			return fmt.Errorf("write safetensors: tensor name %q is taken", t.Name)
		}
		n := int64(1)
		for _, d := range t.Shape {
			n *= int64(d)
		}
		if n != int64(len(t.Data)) {
			return fmt.Errorf("write safetensors: tensor %q of shape %v has %d values", t.Name, t.Shape, len(t.Data))
		}
		shape := t.Shape
		if shape == nil {
			shape = []int{}
		}
		end := off + n*dtype.Size()
		header[t.Name] = entry{dtype, shape, [2]int64{off, end}}
		off = end
	}
	h, err := json.Marshal(header)
	if err != nil {
		return fmt.Errorf("write safetensors header: %w", err)
	}
	for len(h)%8 != 0 { // data starts aligned
		h = append(h, ' ')
	}
	buf := binary.LittleEndian.AppendUint64(nil, uint64(len(h)))
	if _, err := w.Write(append(buf, h...)); err != nil {
		return fmt.Errorf("write safetensors: %w", err)
	}
	for _, t := range ts {
		buf = buf[:0]
		for _, f := range t.Data {
			if dtype == BF16 {
				buf = binary.LittleEndian.AppendUint16(buf, bf16(f))
			} else {
				buf = binary.LittleEndian.AppendUint32(buf, math.Float32bits(f))
			}
		}
		if _, err := w.Write(buf); err != nil {
			return fmt.Errorf("write safetensors: tensor %q: %w", t.Name, err)
		}
	}
	return nil
}

// ExpectedTensors lists the names and shapes (DType, File and offsets are
// empty) that a MistralForCausalLM of this configuration must hold, in the
// order of the model. Linear weights are [out, in].
func ExpectedTensors(c Config) []TensorInfo {
	d, kv, q := c.HiddenSize, c.NumKeyValueHeads*c.HeadDim, c.NumAttentionHeads*c.HeadDim
	ts := []TensorInfo{{Name: "model.embed_tokens.weight", Shape: []int{c.VocabSize, d}}}
	for l := range c.NumHiddenLayers {
		p := fmt.Sprintf("model.layers.%d.", l)
		ts = append(ts,
			TensorInfo{Name: p + "input_layernorm.weight", Shape: []int{d}},
			TensorInfo{Name: p + "self_attn.q_proj.weight", Shape: []int{q, d}},
			TensorInfo{Name: p + "self_attn.k_proj.weight", Shape: []int{kv, d}},
			TensorInfo{Name: p + "self_attn.v_proj.weight", Shape: []int{kv, d}},
			TensorInfo{Name: p + "self_attn.o_proj.weight", Shape: []int{d, q}},
			TensorInfo{Name: p + "post_attention_layernorm.weight", Shape: []int{d}},
			TensorInfo{Name: p + "mlp.gate_proj.weight", Shape: []int{c.IntermediateSize, d}},
			TensorInfo{Name: p + "mlp.up_proj.weight", Shape: []int{c.IntermediateSize, d}},
			TensorInfo{Name: p + "mlp.down_proj.weight", Shape: []int{d, c.IntermediateSize}},
		)
	}
	ts = append(ts, TensorInfo{Name: "model.norm.weight", Shape: []int{d}})
	if !c.TieWordEmbeddings {
		ts = append(ts, TensorInfo{Name: "lm_head.weight", Shape: []int{c.VocabSize, d}})
	}
	return ts
}
