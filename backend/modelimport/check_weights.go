package modelimport

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"tunebench/backend/artifact"
)

// shardIndex is model.safetensors.index.json.
type shardIndex struct {
	Metadata  map[string]any    `json:"metadata"`
	WeightMap map[string]string `json:"weight_map"` // tensor → file
}

// weights checks the index, the headers of the weight files, and that both
// describe the model that config.json describes. Of the files only the headers
// are read.
func (p *preflight) weights(ctx context.Context) error {
	ix, shards, sound := p.index()
	if !sound || len(shards) == 0 {
		return nil
	}
	got, total, sound, err := p.headers(ctx, shards)
	if err != nil || !sound {
		return err
	}
	if ix != nil && !p.indexed(ix, got, len(shards), total) {
		return nil
	}
	p.dtype(got)
	p.tensors(got)
	return nil
}

const indexTitle = "the shard index fits the shards"

// index reads the list of shards and returns the weight files that belong to the
// model; the index is nil if there is none.
func (p *preflight) index() (ix *shardIndex, shards []file, sound bool) {
	var all []file
	for _, f := range p.files {
		if strings.HasSuffix(f.name, ".safetensors") && !strings.Contains(f.name, "/") && !strings.HasPrefix(f.name, "consolidated") && f.name != "adapter_model.safetensors" {
			all = append(all, f)
		}
	}
	blocks := func(evidence, remedy string) (*shardIndex, []file, bool) {
		p.add("index", indexTitle, Blocks, evidence, remedy)
		return nil, nil, false
	}
	raw, ok := p.small[artifact.WeightsIndexFile]
	if !ok {
		if len(all) == 0 {
			return nil, nil, false // presence has said so
		}
		if _, ok := p.have[artifact.WeightsFile]; !ok {
			return blocks("there is neither "+artifact.WeightsFile+" nor "+artifact.WeightsIndexFile, "Copy the index that was saved with the shards, or rename the one file to "+artifact.WeightsFile+".")
		}
		if len(all) > 1 {
			return blocks("several weight files and no "+artifact.WeightsIndexFile, "Copy the index that was saved with the shards, or remove the files of an earlier upload.")
		}
		return nil, all, true
	}
	ix = &shardIndex{}
	if err := json.Unmarshal(raw, ix); err != nil {
		return blocks(artifact.WeightsIndexFile+": "+err.Error(), "Write the index again when saving the model.")
	}
	named := map[string]bool{}
	for _, f := range ix.WeightMap {
		named[f] = true
	}
	var missing, left []string
	for _, f := range slices.Sorted(maps.Keys(named)) {
		if !fs.ValidPath(f) || path.Base(f) != f {
			return blocks(fmt.Sprintf("it names %q, which is not a file of the folder", f), "Write the index again when saving the model.")
		}
		if _, ok := p.have[f]; !ok {
			missing = append(missing, f)
		}
	}
	for _, f := range all {
		if named[f.name] {
			shards = append(shards, f)
		} else {
			left = append(left, f.name)
		}
	}
	_, parameters := ix.Metadata["total_parameters"]
	switch {
	case len(named) == 0:
		return blocks("the index has no weight_map", "Write the index again when saving the model.")
	case len(missing) > 0:
		return blocks("missing shard: "+strings.Join(missing, ", "), "Copy the shard into the artifact; the index names it.")
	case ix.Metadata == nil:
		return blocks("the index has no metadata object", `Add "metadata": {} at its root.`)
	case parameters:
		return blocks("metadata holds total_parameters", "Remove total_parameters from the index's metadata.")
	case len(left) > 0:
		return blocks("not in the index: "+strings.Join(left, ", "), "Remove the files of an earlier upload.")
	}
	return ix, shards, true
}

// headers reads the safetensors headers. total is the size of all tensors in
// bytes.
func (p *preflight) headers(ctx context.Context, shards []file) (got map[string]artifact.TensorInfo, total int64, sound bool, err error) {
	const title = "the weights' headers are sound"
	got = map[string]artifact.TensorInfo{}
	blocks := func(evidence, remedy string) (map[string]artifact.TensorInfo, int64, bool, error) {
		p.add("headers", title, Blocks, evidence, remedy)
		return nil, 0, false, nil
	}
	for _, f := range shards {
		r, c, err := p.f.reader(ctx, f)
		if err != nil {
			return nil, 0, false, err
		}
		infos, _, err := artifact.ParseHeader(r, f.size)
		cerr := c.Close()
		if he := (*artifact.HeaderError)(nil); errors.As(err, &he) {
			he.File = f.name
			return blocks(he.Error(), "Write or copy this file again; it is damaged or cut short.")
		}
		if err = errors.Join(err, cerr); err != nil {
			return nil, 0, false, err
		}
		for _, t := range infos {
			if twice, ok := got[t.Name]; ok {
				return blocks(fmt.Sprintf("%s lies in %s and in %s", t.Name, twice.File, f.name), "Write the shards again; one of them was copied over another.")
			}
			t.File = f.name
			got[t.Name] = t
			total += t.End - t.Begin
		}
	}
	for _, n := range slices.Sorted(maps.Keys(got)) {
		if t := got[n]; !slices.Contains([]artifact.DType{artifact.F32, artifact.F16, artifact.BF16}, t.DType) {
			return blocks(fmt.Sprintf("%s in %s, bytes %d to %d, is %s", n, t.File, t.Begin, t.End, t.DType), "Save the weights as bfloat16, float16 or float32.")
		}
	}
	p.add("headers", title, Pass, fmt.Sprintf("%d tensors in %d files, %s", len(got), len(shards), sizeText(total)), "")
	return got, total, true, nil
}

// indexed holds the index against the headers.
func (p *preflight) indexed(ix *shardIndex, got map[string]artifact.TensorInfo, shards int, total int64) bool {
	const again = "Write the index again when saving the model."
	for _, n := range slices.Sorted(maps.Keys(ix.WeightMap)) {
		t, ok := got[n]
		switch {
		case !ok:
			p.add("index", indexTitle, Blocks, fmt.Sprintf("%s is said to lie in %s, and no shard holds it", n, ix.WeightMap[n]), again)
			return false
		case t.File != ix.WeightMap[n]:
			p.add("index", indexTitle, Blocks, fmt.Sprintf("%s is said to lie in %s, and lies in %s", n, ix.WeightMap[n], t.File), again)
			return false
		}
	}
	for _, n := range slices.Sorted(maps.Keys(got)) {
		if _, ok := ix.WeightMap[n]; !ok {
			p.add("index", indexTitle, Blocks, fmt.Sprintf("%s in %s is not listed", n, got[n].File), again)
			return false
		}
	}
	if said, ok := ix.Metadata["total_size"].(float64); ok && int64(said) != total {
		p.add("index", indexTitle, Warning, fmt.Sprintf("total_size is %.0f, the tensors have %d bytes", said, total), again)
		return true
	}
	p.add("index", indexTitle, Pass, fmt.Sprintf("%d tensors in %d shards", len(got), shards), "")
	return true
}

// names of the element types in config.json.
var torchNames = map[artifact.DType]string{artifact.F32: "float32", artifact.F16: "float16", artifact.BF16: "bfloat16"}

// dtype compares what config.json says the weights are with what most of them
// are, and completes what config has begun to say.
func (p *preflight) dtype(got map[string]artifact.TensorInfo) {
	const title = "torch_dtype is given, and the weights have it"
	if p.torchDType == "" {
		return // config has said so
	}
	sizes := map[artifact.DType]int64{}
	for _, t := range got {
		sizes[t.DType] += t.End - t.Begin
	}
	most := artifact.BF16
	for _, d := range []artifact.DType{artifact.BF16, artifact.F16, artifact.F32} {
		if sizes[d] > sizes[most] {
			most = d
		}
	}
	if torchNames[most] != p.torchDType {
		p.add("torch-dtype", title, Warning, fmt.Sprintf("torch_dtype: %s, the weights are %s", p.torchDType, most),
			"Set torch_dtype to "+torchNames[most]+": readers convert to what it says.")
		return
	}
	p.add("torch-dtype", title, Pass, fmt.Sprintf("torch_dtype: %s, as the weights are", p.torchDType), "")
}

// tensors compares names and shapes with what config.json asks for; Mistral
// and Llama name theirs alike.
func (p *preflight) tensors(got map[string]artifact.TensorInfo) {
	const title = "the tensors are those that config.json describes"
	if p.cfg == nil {
		p.add("tensors", title, Unknown, "names not checked for this architecture", "")
		return
	}
	want := map[string]bool{}
	for _, t := range artifact.ExpectedTensors(*p.cfg) {
		want[t.Name] = true
		g, ok := got[t.Name]
		switch {
		case !ok:
			p.add("tensors", title, Blocks, t.Name+" is missing", "Export the whole model again; the artifact is not complete, or its tensors have other names.")
			return
		case !slices.Equal(g.Shape, t.Shape):
			p.add("tensors", title, Blocks, fmt.Sprintf("%s in %s has shape %v, config.json asks for %v", t.Name, g.File, g.Shape, t.Shape),
				"Do not resize embeddings or add tokens, and keep the base model's config.json.")
			return
		}
	}
	for _, n := range slices.Sorted(maps.Keys(got)) {
		if !want[n] && n != "lm_head.weight" {
			p.add("tensors", title, Blocks, n+" is not part of the architecture", "Remove what is left over, such as an adapter's weights or buffers.")
			return
		}
	}
	p.add("tensors", title, Pass, fmt.Sprintf("%d names and shapes agree", len(want)), "")
}
