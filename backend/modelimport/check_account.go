package modelimport

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"tunebench/backend/account/awserror"
	"tunebench/backend/artifact"
)

// The checks here need the account or the store. One that the account does not
// answer is Unknown and never blocks, unless the credentials themselves are what
// is wrong: then nothing would work.

// unanswered adds a check that could not be made.
func (p *preflight) unanswered(id, title string, err error) {
	p.add(id, title, Unknown, "could not be checked: "+p.s.explain(err).Error(), "")
}

// jobs finds a job that is in the way; its question is also the first that needs
// credentials.
func (p *preflight) jobs(ctx context.Context) {
	const credentials, title = "the account accepts the credentials", "no other import is running"
	jobs, err := p.s.list(ctx, "InProgress")
	switch awserror.KindOf(err) {
	case "":
		p.add("credentials", credentials, Pass, "the account answers", "")
	case awserror.Credentials, awserror.Expired, awserror.Profile:
		p.add("credentials", credentials, Blocks, p.s.explain(err).Error(), "Get new credentials, then check again.")
	default:
		p.unanswered("credentials", credentials, err)
	}
	switch {
	case err != nil:
		p.unanswered("one-at-a-time", title, err)
	case len(jobs) > 0:
		p.add("one-at-a-time", title, Warning, "import job "+jobs[0].Name+" is in progress",
			"An account runs one import at a time; this one can start when that one has ended.")
	default:
		p.add("one-at-a-time", title, Pass, "no import job is in progress", "")
	}
}

// defaultQuota is how many imported models an account may have unless it asked
// for more (Service Quotas L-45B04988).
const defaultQuota = 3

func (p *preflight) models(ctx context.Context) {
	const title = "the account has room for one more imported model"
	models, err := p.s.Models(ctx)
	switch {
	case err != nil:
		p.unanswered("quota", title, err)
	case len(models) >= defaultQuota && p.s.c.Bills:
		p.add("quota", title, Warning, fmt.Sprintf("there are %d imported models; the default quota is %d", len(models), defaultQuota),
			"Delete one, or ask for a higher quota (Service Quotas, code L-45B04988).")
	default:
		p.add("quota", title, Pass, fmt.Sprintf("%d imported models", len(models)), "")
	}
}

// bucket compares where the artifact lies with where it is imported.
func (p *preflight) bucket(ctx context.Context) {
	const title = "the bucket is in the region of the import"
	name := p.s.c.Bucket
	if strings.HasPrefix(p.source, "s3://") {
		name, _, _ = splitURI(p.source) // it has been opened, so it is well formed
	}
	if name == "" {
		p.add("bucket-region", title, Blocks, "no bucket is configured to upload the folder to", "Set bucket under [account] in the config file.")
		return
	}
	out, err := p.s.c.S3.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &name})
	switch {
	case err != nil:
		p.unanswered("bucket-region", title, err)
	case aws.ToString(out.BucketRegion) == "":
		p.add("bucket-region", title, Unknown, "could not be checked: S3 does not tell the region of "+name, "")
	case *out.BucketRegion != p.s.c.Region:
		p.add("bucket-region", title, Warning, fmt.Sprintf("%s is in %s, the import in %s", name, *out.BucketRegion, p.s.c.Region),
			"Copy the artifact to a bucket in "+p.s.c.Region+", or import in "+*out.BucketRegion+".")
	default:
		p.add("bucket-region", title, Pass, name+" is in "+*out.BucketRegion, "")
	}
}

// role checks the role as far as that is possible without asking IAM, which
// most users may not.
func (p *preflight) role(context.Context) {
	const title, pass = "the import role may read the artifact", "you may pass the import role to Bedrock"
	arn := p.s.c.RoleARN
	parts := strings.SplitN(arn, ":", 6)
	switch {
	case arn == "":
		p.add("role", title, Blocks, "no import role is configured", "Set import_role under [account] in the config file to a role that bedrock.amazonaws.com may assume; tunebench import role prints its policies, ready to paste.")
		return
	case len(parts) != 6 || parts[0] != "arn" || parts[2] != "iam" || len(parts[4]) != 12 || !strings.HasPrefix(parts[5], "role/"):
		p.add("role", title, Blocks, arn+" is no role's ARN", "Write it as arn:aws:iam::ACCOUNT:role/NAME under [account] in the config file.")
		return
	}
	p.add("role", title, Unknown, "could not be checked without starting the import: "+arn, "tunebench import role prints the policies that it needs, ready to paste.")
	p.add("pass-role", pass, Unknown, "could not be checked without starting the import: iam:PassRole on "+arn, "")
}

// trained compares the artifact's chat template with the prompt format that the
// training job which wrote it was given.
func (p *preflight) trained(ctx context.Context) error {
	const title = "the chat template is the one the model was trained with"
	jobs, err := p.s.c.Store.TrainingJobs(ctx, p.s.c.AccountName, p.s.c.Region)
	if err != nil {
		return err
	}
	for _, j := range jobs {
		if j.PromptFormat == "" || !strings.Contains(p.source, "/"+j.Name+"/") {
			continue
		}
		text, where, err := artifact.ChatTemplate(p.small)
		if err != nil {
			return nil // template has said so
		}
		switch name, ok := artifact.DetectFormat(text); {
		case !ok:
			p.add("trained-format", title, Warning, fmt.Sprintf("%s was trained with %s; the template in %s is none that is known here", j.Name, j.PromptFormat, where),
				"Ask the model both through its template and through prompts before you rely on it.")
		case name != j.PromptFormat:
			p.add("trained-format", title, Warning, fmt.Sprintf("%s was trained with %s; the template in %s renders %s", j.Name, j.PromptFormat, where, name),
				"Put the template of "+j.PromptFormat+" into tokenizer_config.json.")
		default:
			p.add("trained-format", title, Pass, j.Name+" was trained with "+name, "")
		}
		return nil
	}
	p.add("trained-format", title, Unknown, "could not be checked: no training job of this workbench wrote the artifact", "")
	return nil
}
