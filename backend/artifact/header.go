package artifact

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
)

// DType is a safetensors element type, spelled as in the file.
type DType string

// The element types this package can turn into float32.
const (
	F32  DType = "F32"
	BF16 DType = "BF16"
	F16  DType = "F16"
)

// dtypeSize holds the bytes per element of every type the format defines.
var dtypeSize = map[DType]int64{
	"BOOL": 1, "U8": 1, "I8": 1, "F8_E5M2": 1, "F8_E4M3": 1,
	"I16": 2, "U16": 2, F16: 2, BF16: 2,
	"I32": 4, "U32": 4, F32: 4,
	"I64": 8, "U64": 8, "F64": 8,
}

// Size returns the bytes of one element, 0 for a type that does not exist.
func (d DType) Size() int64 { return dtypeSize[d] }

// TensorInfo describes one tensor of a safetensors file.
type TensorInfo struct {
	Name       string
	DType      DType
	Shape      []int
	File       string // name of the file inside the artifact folder, when known
	Begin, End int64  // byte range inside that file, counted from its start
}

// Elements returns the number of elements, the product of the shape.
func (t TensorInfo) Elements() int64 {
	n := int64(1)
	for _, d := range t.Shape {
		n *= int64(d)
	}
	return n
}

// HeaderError says what a safetensors header claims that can not be true.
type HeaderError struct {
	File    string // empty when the reader had no name
	Tensor  string // empty when the header as a whole is wrong
	Problem string
}

// Error names the file, the tensor and the problem.
func (e *HeaderError) Error() string {
	var b strings.Builder
	b.WriteString("safetensors header")
	if e.File != "" {
		fmt.Fprintf(&b, " of %s", e.File)
	}
	if e.Tensor != "" {
		fmt.Fprintf(&b, ", tensor %q", e.Tensor)
	}
	b.WriteString(": " + e.Problem)
	return b.String()
}

const (
	maxHeader = 100 << 20 // the format's own limit
	maxRank   = 16
)

// ParseHeader reads the header of one safetensors file of size bytes, and
// nothing of its data. It returns the tensors in the order of their data and
// the file's metadata. A header that contradicts itself or the file (sizes,
// offsets, overlaps, gaps, unknown types, duplicate names, overflowing
// shapes) is refused with a *HeaderError.
func ParseHeader(r io.ReaderAt, size int64) ([]TensorInfo, map[string]string, error) {
	bad := func(tensor, format string, args ...any) ([]TensorInfo, map[string]string, error) {
		return nil, nil, &HeaderError{Tensor: tensor, Problem: fmt.Sprintf(format, args...)}
	}
	if size < 8 {
		return bad("", "the file has %d bytes, too short for the 8-byte header length", size)
	}
	var lenbuf [8]byte
	if err := readAt(r, lenbuf[:], 0); err != nil {
		return nil, nil, fmt.Errorf("read safetensors header length: %w", err)
	}
	n := binary.LittleEndian.Uint64(lenbuf[:])
	if n > maxHeader {
		return bad("", "the header claims %d bytes, more than the limit of %d", n, maxHeader)
	}
	if int64(n) > size-8 {
		return bad("", "the header claims %d bytes but only %d follow in the file", n, size-8)
	}
	if n < 2 {
		return bad("", "the header has %d bytes, too short for a JSON object", n)
	}
	raw := make([]byte, n)
	if err := readAt(r, raw, 8); err != nil {
		return nil, nil, fmt.Errorf("read safetensors header: %w", err)
	}
	if raw[0] != '{' {
		return bad("", "the header does not begin with '{'")
	}
	infos, meta, err := parseEntries(raw)
	if err != nil {
		return nil, nil, err
	}
	base := int64(8 + n)
	data := size - base
	for i := range infos {
		if err := checkEntry(&infos[i], data); err != nil {
			return nil, nil, err
		}
	}
	slices.SortFunc(infos, func(a, b TensorInfo) int {
		if a.Begin != b.Begin {
			return compare(a.Begin, b.Begin)
		}
		if a.End != b.End {
			return compare(a.End, b.End)
		}
		return strings.Compare(a.Name, b.Name)
	})
	var at int64
	for i := range infos {
		t := &infos[i]
		if t.Begin < at {
			return bad(t.Name, "its data begins at byte %d, inside the tensor before it, which ends at %d", t.Begin, at)
		}
		if t.Begin > at {
			return bad(t.Name, "its data begins at byte %d but the tensor before it ends at %d: the gap belongs to no tensor", t.Begin, at)
		}
		at = t.End
	}
	if at != data {
		return bad("", "the tensors cover %d bytes of data but the file holds %d: it is cut short or has something appended", at, data)
	}
	for i := range infos {
		infos[i].Begin += base
		infos[i].End += base
	}
	return infos, meta, nil
}

func compare(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// readAt fills b, treating an early end as an unexpected one.
func readAt(r io.ReaderAt, b []byte, off int64) error {
	n, err := r.ReadAt(b, off)
	if n == len(b) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// parseEntries reads the header's object key by key, because the standard
// decoder would silently let a second entry of the same name win.
func parseEntries(raw []byte) ([]TensorInfo, map[string]string, error) {
	jsonErr := func(err error) error {
		return &HeaderError{Problem: "it is not valid JSON: " + err.Error()}
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	if _, err := dec.Token(); err != nil {
		return nil, nil, jsonErr(err)
	}
	var infos []TensorInfo
	var meta map[string]string
	seen := map[string]bool{}
	for dec.More() {
		tok, err := dec.Token()
		if err != nil {
			return nil, nil, jsonErr(err)
		}
		name, _ := tok.(string)
		if seen[name] {
			return nil, nil, &HeaderError{Tensor: name, Problem: "it is described twice"}
		}
		seen[name] = true
		if name == "__metadata__" {
			if err := dec.Decode(&meta); err != nil {
				return nil, nil, &HeaderError{Problem: "__metadata__ is not a map of strings: " + err.Error()}
			}
			continue
		}
		var e struct {
			DType   *DType   `json:"dtype"`
			Shape   *[]int64 `json:"shape"`
			Offsets *[]int64 `json:"data_offsets"`
		}
		if err := dec.Decode(&e); err != nil {
			return nil, nil, &HeaderError{Tensor: name, Problem: "its description is malformed: " + err.Error()}
		}
		if e.DType == nil || e.Shape == nil || e.Offsets == nil || len(*e.Offsets) != 2 {
			return nil, nil, &HeaderError{Tensor: name, Problem: "dtype, shape or the two data_offsets are missing"}
		}
		t := TensorInfo{Name: name, DType: *e.DType, Begin: (*e.Offsets)[0], End: (*e.Offsets)[1], Shape: make([]int, len(*e.Shape))}
		for i, d := range *e.Shape {
			if d < 0 || d > math.MaxInt32 {
				return nil, nil, &HeaderError{Tensor: name, Problem: fmt.Sprintf("dimension %d of its shape is %d", i, d)}
			}
			t.Shape[i] = int(d)
		}
		infos = append(infos, t)
	}
	if _, err := dec.Token(); err != nil {
		return nil, nil, jsonErr(err)
	}
	if rest := bytes.Trim(raw[dec.InputOffset():], " "); len(rest) > 0 {
		return nil, nil, &HeaderError{Problem: "something other than spaces follows the JSON object"}
	}
	return infos, meta, nil
}

// checkEntry holds one tensor's type, shape and offsets against each other and
// against the bytes of data in the file.
func checkEntry(t *TensorInfo, data int64) error {
	bad := func(format string, args ...any) error {
		return &HeaderError{Tensor: t.Name, Problem: fmt.Sprintf(format, args...)}
	}
	size := t.DType.Size()
	if size == 0 {
		return bad("dtype %q does not exist", t.DType)
	}
	if len(t.Shape) > maxRank {
		return bad("its shape has %d dimensions", len(t.Shape))
	}
	want := size
	for _, d := range t.Shape {
		if d == 0 {
			want = 0
			break
		}
		if want > math.MaxInt64/int64(d) {
			return bad("the product of its shape %v overflows", t.Shape)
		}
		want *= int64(d)
	}
	if t.Begin < 0 || t.End < t.Begin || t.End > data {
		return bad("its data_offsets [%d, %d] lie outside the %d bytes of data in the file", t.Begin, t.End, data)
	}
	if t.End-t.Begin != want {
		return bad("shape %v of %s needs %d bytes but data_offsets give %d", t.Shape, t.DType, want, t.End-t.Begin)
	}
	return nil
}
