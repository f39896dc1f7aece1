package modelimport

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"tunebench/backend/artifact"
)

// smallFiles are read whole: everything that is not weights.
var smallFiles = []string{
	artifact.ConfigFile, artifact.WeightsIndexFile, artifact.TokenizerConfigFile, artifact.TokenizerFile,
	artifact.GenerationConfigFile, artifact.SpecialTokensFile, artifact.ChatTemplateJinja, artifact.ChatTemplateJSON,
}

// presence checks the files that an import needs at least.
func (p *preflight) presence() {
	const title = "the required files are there"
	var missing []string
	for _, n := range []string{artifact.ConfigFile, artifact.TokenizerConfigFile, artifact.TokenizerFile} {
		if _, ok := p.have[n]; !ok {
			missing = append(missing, n)
		}
	}
	weights := false
	for n := range p.have {
		weights = weights || !strings.Contains(n, "/") && strings.HasSuffix(n, ".safetensors")
	}
	if !weights {
		missing = append(missing, "*.safetensors")
	}
	switch {
	case len(p.files) == 0:
		p.add("files", title, Blocks, "the location is empty", "Give the folder that holds config.json itself, not the one above it.")
	case len(missing) > 0:
		p.add("files", title, Blocks, "missing: "+strings.Join(missing, ", "), "Copy them from the base model, or give the folder that holds config.json itself.")
	default:
		p.add("files", title, Pass, fmt.Sprintf("%d files", len(p.files)), "")
	}
	if _, ok := p.have["tokenizer.model"]; !ok && len(missing) == 0 {
		p.add("tokenizer-model", "tokenizer.model is there", Warning, "tokenizer.model is missing; AWS lists it among the files, yet models without one have been imported",
			"Copy it from the base model if it has one.")
	}
}

// strays checks for what does not belong into an artifact.
func (p *preflight) strays() {
	const title = "nothing is there that does not belong"
	var blocking, odd []string
	for _, f := range p.files {
		base, ext := path.Base(f.name), path.Ext(f.name)
		switch {
		case strings.HasSuffix(f.name, ".tar.gz"):
			blocking = append(blocking, f.name)
		case base == "adapter_config.json", strings.HasPrefix(base, "adapter_model"):
			odd = append(odd, f.name)
		case slices.Contains([]string{".bin", ".gguf", ".pt", ".pth"}, ext), strings.HasPrefix(base, "consolidated"),
			strings.Contains(f.name, "checkpoint-"):
			odd = append(odd, f.name)
		}
	}
	_, adapter := p.have["adapter_config.json"]
	_, single := p.have[artifact.WeightsFile]
	_, index := p.have[artifact.WeightsIndexFile]
	switch {
	case len(blocking) > 0:
		p.add("strays", title, Blocks, strings.Join(blocking, ", "), "Unpack the archive and import the folder it holds.")
	case adapter && !single && !index:
		p.add("strays", title, Blocks, "an adapter without merged weights", "Merge the adapter into the base model first.")
	case len(odd) > 0:
		p.add("strays", title, Warning, strings.Join(odd[:min(4, len(odd))], ", "), "Remove them: they are copied too, and may confuse the import.")
	default:
		p.add("strays", title, Pass, "only an artifact's own files", "")
	}
}

// maxBytes is the limit for a text model's weights (Bedrock user guide).
const maxBytes = 200e9

// sizeText writes a size in bytes as people read it.
func sizeText(bytes int64) string {
	if bytes >= 1e9 {
		return fmt.Sprintf("%.2f GB", float64(bytes)/1e9)
	}
	return fmt.Sprintf("%.2f MB", float64(bytes)/1e6)
}

func (p *preflight) size() {
	var total int64
	var frozen string
	for _, f := range p.files {
		total += f.size
		if f.class == "GLACIER" || f.class == "DEEP_ARCHIVE" {
			frozen = f.name
		}
	}
	const title = "the size is within the limit and the objects can be read"
	switch {
	case frozen != "":
		p.add("size", title, Blocks, frozen+" is archived", "Restore it, or copy the artifact to a bucket with standard storage.")
	case total >= maxBytes:
		p.add("size", title, Blocks, sizeText(total)+", the limit is 200 GB", "Import a smaller model.")
	default:
		p.add("size", title, Pass, sizeText(total), "")
	}
}
