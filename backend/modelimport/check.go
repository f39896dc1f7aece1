package modelimport

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"tunebench/backend/artifact"
	"tunebench/backend/safetext"
)

// preflight collects checks over one artifact.
type preflight struct {
	s      *Service
	source string
	f      folder
	files  []file
	have   map[string]file
	small  small
	checks []Check

	// What one check found and others need.
	sound      bool             // config.json can be read, and holds together where its kind is known
	cfg        *artifact.Config // config.json of a Mistral or Llama that is sound, else nil
	torchDType string           // what config.json says the weights are, "" if that is no dtype
}

func (p *preflight) add(id, title string, r Result, evidence, remedy string) {
	p.checks = append(p.checks, Check{ID: id, Title: title, Result: r,
		Evidence: safetext.Line(evidence), Remedy: safetext.Line(remedy)})
}

// Check finds every reason for an import of source to fail. source is a local
// folder, an s3:// prefix or the ARN of a SageMaker model; of large files only the headers are read. The error
// is for a source that cannot be looked at; what is wrong in it is in the report.
func (s *Service) Check(ctx context.Context, source string) (Report, error) {
	if isModelARN(source) {
		uri, packed, err := s.modelData(ctx, source)
		switch {
		case err != nil:
			return Report{}, err
		case packed:
			return Report{}, fmt.Errorf("the artifact of %s is an archive, %s, which can be checked when it is unpacked; tunebench import start does that first", source, safetext.Line(uri))
		}
		source = uri
	}
	f, err := s.open(source)
	if err != nil {
		return Report{}, err
	}
	counted := &meter{folder: f}
	p := &preflight{s: s, source: source, f: counted}
	if p.files, err = counted.list(ctx); err != nil {
		return Report{}, s.explain(err)
	}
	p.have = map[string]file{}
	for _, fl := range p.files {
		p.have[fl.name] = fl
	}
	p.small, err = load(ctx, counted, p.have, smallFiles...)
	if err != nil {
		return Report{}, s.explain(err)
	}
	p.region()
	p.location()
	p.presence()
	p.strays()
	p.size()
	p.config()
	p.tokenizer()
	if err := p.weights(ctx); err != nil {
		return Report{}, s.explain(err)
	}
	if err := p.trained(ctx); err != nil {
		return Report{}, err
	}
	for _, check := range []func(context.Context){p.jobs, p.models, p.bucket, p.role} {
		if check(ctx); ctx.Err() != nil {
			return Report{}, ctx.Err()
		}
	}
	r := Report{Source: safetext.Line(source), Checks: p.checks, Importable: true, BytesRead: counted.n.Load()}
	for _, c := range p.checks {
		r.Importable = r.Importable && c.Result != Blocks
	}
	return r, nil
}

// importRegions are where Custom Model Import exists (Bedrock user guide,
// "Import a customized model").
var importRegions = []string{"us-east-1", "us-east-2", "us-west-2", "eu-central-1"}

// Elsewhere says that models cannot be imported in the region, "" where they can.
func (s *Service) Elsewhere() string {
	if slices.Contains(importRegions, s.c.Region) {
		return ""
	}
	return "Custom Model Import does not exist in " + s.c.Region + ", only in " + strings.Join(importRegions, ", ")
}

func (p *preflight) region() {
	r := p.s.c.Region
	if slices.Contains(importRegions, r) {
		p.add("region", "Custom Model Import exists in the region", Pass, r, "")
		return
	}
	p.add("region", "Custom Model Import exists in the region", Blocks, r+" is not one of "+strings.Join(importRegions, ", "),
		"Choose one of these regions with --region; train and store the artifact there too.")
}

// badKey tells what of an S3 location the import API's pattern refuses.
func badKey(uri string) string {
	rest := strings.TrimPrefix(uri, "s3://")
	for _, r := range rest {
		if !strings.ContainsRune("-!_*'().", r) && r != '/' && !(r < 128 && (r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z')) {
			return fmt.Sprintf("it holds %q", r)
		}
	}
	switch {
	case strings.Contains(rest, "//"):
		return "it holds //"
	case len(uri) > 1024:
		return "it is longer than 1024 characters"
	}
	return ""
}

func (p *preflight) location() {
	const title = "the location is one that an import job accepts"
	if !strings.HasPrefix(p.source, "s3://") {
		p.add("location", title, Pass, "a local folder; it is uploaded before the import", "")
		return
	}
	if why := badKey(p.source); why != "" {
		p.add("location", title, Blocks, p.source+": "+why,
			"Copy the artifact to a prefix of letters, digits and -!_*'(). with single slashes.")
		return
	}
	p.add("location", title, Pass, p.source, "")
}
