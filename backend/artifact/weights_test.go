package artifact

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func writeTensors(t testing.TB, dtype DType, ts ...Tensor) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := WriteSafetensors(&b, dtype, ts); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// file puts a header in front of n bytes of data.
func file(header string, n int) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), make([]byte, n)...)
}

func TestWeightsRoundTrip(t *testing.T) {
	ts := []Tensor{
		{"b", []int{2, 3}, []float32{1, -2, 3.5, 0, 1e-20, 65504}},
		{"a", []int{2}, []float32{float32(math.Inf(1)), -0.25}},
		{"empty", []int{0, 4}, nil},
		{"scalar", nil, []float32{7}},
	}
	for _, dtype := range []DType{F32, BF16} {
		raw := writeTensors(t, dtype, ts...)
		w, err := OpenWeights(fstest.MapFS{WeightsFile: {Data: raw}})
		if err != nil {
			t.Fatal(err)
		}
		if len(w.Tensors()) != 4 {
			t.Fatalf("%s: %d tensors", dtype, len(w.Tensors()))
		}
		for _, want := range ts {
			got, err := w.Float32(want.Name)
			if err != nil {
				t.Fatal(err)
			}
			info, _ := w.Info(want.Name)
			if !slices.Equal(info.Shape, want.Shape) && len(want.Shape)+len(info.Shape) > 0 {
				t.Errorf("%s %s: shape %v", dtype, want.Name, info.Shape)
			}
			for i, v := range want.Data {
				if dtype == BF16 {
					v = math.Float32frombits(uint32(bf16(v)) << 16)
				}
				if got[i] != v {
					t.Errorf("%s %s[%d] is %g, want %g", dtype, want.Name, i, got[i], v)
				}
			}
		}
		if _, err := w.Float32("nothing"); err == nil || !strings.Contains(err.Error(), "nothing") {
			t.Errorf("a tensor that is not there: %v", err)
		}
		if err := errors.Join(w.Close(), w.Close()); err != nil {
			t.Error(err)
		}
		if n := binary.LittleEndian.Uint64(raw); n%8 != 0 {
			t.Errorf("%s: header of %d bytes leaves the data unaligned", dtype, n)
		}
		if _, meta, err := ParseHeader(bytes.NewReader(raw), int64(len(raw))); err != nil || meta["format"] != "pt" {
			t.Errorf("%s: metadata %v, %v", dtype, meta, err)
		}
	}
}

func TestBF16RoundsToNearestEven(t *testing.T) {
	for bits, want := range map[uint32]uint16{
		0x3f80_0000: 0x3f80, 0x3f80_7fff: 0x3f80, 0x3f80_8000: 0x3f80, 0x3f80_8001: 0x3f81,
		0x3f81_8000: 0x3f82, 0x7f80_0000: 0x7f80, 0x7f7f_ffff: 0x7f80, 0x8000_0000: 0x8000,
	} {
		if got := bf16(math.Float32frombits(bits)); got != want {
			t.Errorf("bf16(%08x) = %04x, want %04x", bits, got, want)
		}
	}
	if got := math.Float32frombits(uint32(bf16(math.Float32frombits(0x7f80_0001))) << 16); got == got {
		t.Errorf("NaN became %g", got)
	}
}

func TestHalfPrecision(t *testing.T) {
	for h, want := range map[uint16]float32{0x3c00: 1, 0xc000: -2, 0x7bff: 65504, 0x0001: 1.0 / (1 << 24), 0x8001: -1.0 / (1 << 24), 0x03ff: 1023.0 / (1 << 24), 0x0400: 1.0 / (1 << 14)} {
		if got := halfToFloat(h); got != want {
			t.Errorf("half %04x is %g, want %g", h, got, want)
		}
	}
	raw := file(`{"x":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}}`, 0)
	raw = append(raw, 0, 0x3c, 0, 0xc0)
	w, err := OpenWeights(fstest.MapFS{WeightsFile: {Data: raw}})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if got, err := w.Float32("x"); err != nil || !slices.Equal(got, []float32{1, -2}) {
		t.Errorf("%v, %v", got, err)
	}
}

func TestLyingHeaders(t *testing.T) {
	one := func(dtype, shape, offsets string) string {
		return fmt.Sprintf(`{"x":{"dtype":%s,"shape":%s,"data_offsets":%s}}`, dtype, shape, offsets)
	}
	huge := binary.LittleEndian.AppendUint64(nil, 1<<40)
	for name, tc := range map[string]struct {
		raw  []byte
		want string
	}{
		"empty file":          {nil, "too short"},
		"header beyond limit": {append(huge, '{', '}'), "more than the limit"},
		"header beyond file":  {append(binary.LittleEndian.AppendUint64(nil, 100), '{', '}'), "only 2 follow"},
		"header of one byte":  {file("{", 0), "too short"},
		"no object":           {file("[]      ", 0), "'{'"},
		"broken JSON":         {file(`{"x":`, 0), "malformed"},
		"text after":          {file(`{} x`, 0), "follows"},
		"number too small":    {file(one(`"F32"`, `[2]`, `[0,4]`), 4), "needs 8 bytes"},
		"number too large":    {file(one(`"F32"`, `[2]`, `[0,16]`), 16), "needs 8 bytes"},
		"wrong dtype":         {file(one(`"F99"`, `[2]`, `[0,8]`), 8), "does not exist"},
		"dtype of a number":   {file(one(`7`, `[2]`, `[0,8]`), 8), "malformed"},
		"no dtype":            {file(`{"x":{"shape":[2],"data_offsets":[0,8]}}`, 8), "missing"},
		"no offsets":          {file(`{"x":{"dtype":"F32","shape":[2]}}`, 8), "missing"},
		"three offsets":       {file(one(`"F32"`, `[2]`, `[0,8,9]`), 8), "missing"},
		"negative dimension":  {file(one(`"F32"`, `[-2]`, `[0,8]`), 8), "dimension"},
		"huge dimension":      {file(one(`"F32"`, `[9007199254740993]`, `[0,8]`), 8), "dimension"},
		"overflowing shape":   {file(one(`"F32"`, `[2147483647,2147483647,2147483647]`, `[0,8]`), 8), "overflows"},
		"wrap to zero":        {file(one(`"F32"`, `[65536,65536,65536,65536]`, `[0,0]`), 0), "overflows"},
		"fraction":            {file(one(`"F32"`, `[1.5]`, `[0,8]`), 8), "malformed"},
		"begin after end":     {file(one(`"F32"`, `[2]`, `[8,0]`), 8), "outside"},
		"negative begin":      {file(one(`"F32"`, `[2]`, `[-8,0]`), 8), "outside"},
		"end outside":         {file(one(`"F32"`, `[2]`, `[0,8]`), 4), "outside"},
		"bytes left over":     {file(one(`"F32"`, `[2]`, `[0,8]`), 12), "appended"},
		"gap in front":        {file(one(`"F32"`, `[2]`, `[4,12]`), 12), "gap"},
		"overlap":             {file(`{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"y":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}`, 12), "inside"},
		"gap between":         {file(`{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"y":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}`, 12), "gap"},
		"same bytes twice":    {file(`{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"y":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 4), "inside"},
		"described twice":     {file(`{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 4), "twice"},
		"metadata of numbers": {file(`{"__metadata__":{"a":1}}`, 0), "__metadata__"},
		"too many dimensions": {file(one(`"F32"`, `[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]`, `[0,4]`), 4), "dimensions"},
	} {
		_, _, err := ParseHeader(bytes.NewReader(tc.raw), int64(len(tc.raw)))
		var he *HeaderError
		if !errors.As(err, &he) || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error is %v, want one about %q", name, err, tc.want)
			continue
		}
		_, err = OpenWeights(fstest.MapFS{WeightsFile: {Data: tc.raw}})
		if err == nil || !strings.Contains(err.Error(), WeightsFile) {
			t.Errorf("%s: opening gives %v, which does not name the file", name, err)
		}
	}
	// A file that is shorter than its size says.
	raw := writeTensors(t, F32, Tensor{"x", []int{2}, []float32{1, 2}})
	if _, _, err := ParseHeader(bytes.NewReader(raw[:20]), int64(len(raw))); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("short file: %v", err)
	}
}

func FuzzParseHeader(f *testing.F) {
	f.Add(writeTensors(f, BF16, Tensor{"a", []int{2, 2}, make([]float32, 4)}, Tensor{"b", []int{0}, nil}))
	f.Add(file(`{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"y":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}`, 12))
	f.Add(file(`{"x":{"dtype":"F64","shape":[65536,65536,65536,65536],"data_offsets":[0,0]}}`, 0))
	f.Add(file(`{"__metadata__":{"format":"pt"}}   `, 0))
	f.Add([]byte{1, 0, 0, 0, 0, 0, 0, 0, '{'})
	f.Fuzz(func(t *testing.T, raw []byte) {
		infos, _, err := ParseHeader(bytes.NewReader(raw), int64(len(raw)))
		if err != nil {
			var he *HeaderError
			if !errors.As(err, &he) {
				t.Fatalf("the whole file is there, yet the error is %v", err)
			}
			return
		}
		at := int64(8 + binary.LittleEndian.Uint64(raw))
		for _, i := range infos {
			if i.Begin != at || i.End < i.Begin || i.Elements()*i.DType.Size() != i.End-i.Begin {
				t.Fatalf("accepted %+v at %d", i, at)
			}
			at = i.End
		}
		if at != int64(len(raw)) {
			t.Fatalf("accepted %d bytes of %d", at, len(raw))
		}
	})
}

func TestShards(t *testing.T) {
	x := writeTensors(t, BF16, Tensor{"x", []int{1}, []float32{1}})
	y := writeTensors(t, BF16, Tensor{"y", []int{2}, []float32{2, 3}})
	index := func(m map[string]string) *fstest.MapFile {
		b, err := json.Marshal(map[string]any{"metadata": map[string]any{"total_size": 6}, "weight_map": m})
		if err != nil {
			t.Fatal(err)
		}
		return &fstest.MapFile{Data: b}
	}
	good := map[string]string{"x": "model-1.safetensors", "y": "model-2.safetensors"}
	folder := fstest.MapFS{WeightsIndexFile: index(good), "model-1.safetensors": {Data: x}, "model-2.safetensors": {Data: y}}
	w, err := OpenWeights(folder)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := w.Float32("y"); err != nil || !slices.Equal(got, []float32{2, 3}) {
		t.Errorf("y is %v, %v", got, err)
	}
	w.Close()
	for name, tc := range map[string]struct {
		change fstest.MapFS
		want   string
	}{
		"missing shard":    {fstest.MapFS{"model-2.safetensors": nil}, "shard model-2.safetensors is missing"},
		"wrong shard":      {fstest.MapFS{WeightsIndexFile: index(map[string]string{"x": "model-2.safetensors", "y": "model-1.safetensors"})}, "it lies in"},
		"tensor nowhere":   {fstest.MapFS{WeightsIndexFile: index(map[string]string{"x": "model-1.safetensors", "y": "model-2.safetensors", "z": "model-1.safetensors"})}, "no shard does"},
		"tensor unlisted":  {fstest.MapFS{WeightsIndexFile: index(map[string]string{"x": "model-1.safetensors", "q": "model-2.safetensors"})}, "q"},
		"tensor in two":    {fstest.MapFS{"model-2.safetensors": {Data: x}}, "both"},
		"path upwards":     {fstest.MapFS{WeightsIndexFile: index(map[string]string{"x": "../model-1.safetensors"})}, "plain file name"},
		"empty index":      {fstest.MapFS{WeightsIndexFile: {Data: []byte("{}")}}, "weight_map"},
		"index not JSON":   {fstest.MapFS{WeightsIndexFile: {Data: []byte("x")}}, "not valid JSON"},
		"no weights":       {fstest.MapFS{WeightsIndexFile: nil}, "weights are missing"},
		"cut in the shard": {fstest.MapFS{"model-2.safetensors": {Data: y[:len(y)-1]}}, "model-2.safetensors"},
	} {
		f := fstest.MapFS{}
		for k, v := range folder {
			f[k] = v
		}
		for k, v := range tc.change {
			if v == nil {
				delete(f, k)
			} else {
				f[k] = v
			}
		}
		if _, err := OpenWeights(f); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error is %v, want one about %q", name, err, tc.want)
		}
	}
	delete(folder, "model-1.safetensors")
	if _, err := OpenWeights(folder); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing shard: %v is not fs.ErrNotExist", err)
	}
}

func TestWriteRefusals(t *testing.T) {
	for name, ts := range map[string][]Tensor{
		"shape and data": {{"x", []int{3}, []float32{1}}},
		"same name":      {{"x", []int{1}, []float32{1}}, {"x", []int{1}, []float32{1}}},
		"reserved name":  {{"__metadata__", []int{1}, []float32{1}}},
	} {
		if err := WriteSafetensors(io.Discard, F32, ts); err == nil {
			t.Errorf("%s is written", name)
		}
	}
	if err := WriteSafetensors(io.Discard, "I8", nil); err == nil {
		t.Error("I8 is written")
	}
}

func TestExpectedTensors(t *testing.T) {
	c := Config{HiddenSize: 4096, IntermediateSize: 14336, NumHiddenLayers: 32, NumAttentionHeads: 32, NumKeyValueHeads: 8, HeadDim: 128, VocabSize: 32768}
	var n int64
	ts := ExpectedTensors(c)
	for _, i := range ts {
		n += i.Elements()
	}
	if len(ts) != 291 || n != 7_248_023_552 {
		t.Errorf("Mistral 7B v0.3 has %d tensors and %d parameters, want 291 and 7248023552", len(ts), n)
	}
	c.TieWordEmbeddings = true
	if ts := ExpectedTensors(c); len(ts) != 290 || ts[289].Name != "model.norm.weight" {
		t.Errorf("tied: %d tensors", len(ts))
	}
}
