package account

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrock"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"

	"tunebench/backend/account/awserror"
	"tunebench/backend/safetext"
)

// Results of a probe.
const (
	ProbeOK      = "ok"
	ProbeWarning = "warning"
	ProbeFailed  = "not ok"
	ProbeUnknown = "unknown"
)

// Probed is what one question to the account has shown.
type Probed struct {
	Check, Result, Detail string
	// Remedy says what to do; "" where nothing is to be done.
	Remedy string
}

// roleForm is the ARN of a role; its account is in the first group.
var roleForm = regexp.MustCompile(`^arn:aws[a-z-]*:iam::(\d{12}):role/\S+$`)

// Probe asks the account whatever can be asked without changing anything and
// without cost: one request for each permission to look, and where the bucket is.
// What only a job would show is unknown, with how to find it out.
func (a *Account) Probe(ctx context.Context) []Probed {
	var all []Probed
	add := func(check, result, detail, remedy string) {
		all = append(all, Probed{check, result, safetext.Line(detail), remedy})
	}
	ask := func(check, action string, f func() error) {
		err := f()
		switch kind := awserror.KindOf(err); {
		case err == nil, kind == awserror.NotFound && action == "logs:FilterLogEvents": // no job has run yet
			add(check, ProbeOK, "allowed", "")
		case kind == awserror.Denied:
			add(check, ProbeFailed, awserror.Explain(err).Error(), "Allow "+action+"; tunebench permissions prints the whole policy, ready to paste.")
		default:
			add(check, ProbeFailed, awserror.Explain(err).Error(), "")
		}
	}
	one := aws.Int32(1)
	ask("list training jobs", "sagemaker:ListTrainingJobs", func() error {
		_, err := a.sagemaker.ListTrainingJobs(ctx, &sagemaker.ListTrainingJobsInput{MaxResults: one})
		return err
	})
	ask("read training logs", "logs:FilterLogEvents", func() error {
		_, err := a.logs.FilterLogEvents(ctx, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: aws.String("/aws/sagemaker/TrainingJobs"), LogStreamNamePrefix: aws.String("tunebench-doctor"), Limit: one})
		return err
	})
	ask("list import jobs", "bedrock:ListModelImportJobs", func() error {
		_, err := a.bedrock.ListModelImportJobs(ctx, &bedrock.ListModelImportJobsInput{MaxResults: one})
		return err
	})
	ask("list imported models", "bedrock:ListImportedModels", func() error {
		_, err := a.bedrock.ListImportedModels(ctx, &bedrock.ListImportedModelsInput{MaxResults: one})
		return err
	})
	ask("list foundation models", "bedrock:ListFoundationModels", func() error {
		_, err := a.bedrock.ListFoundationModels(ctx, &bedrock.ListFoundationModelsInput{})
		return err
	})
	ask("list inference profiles", "bedrock:ListInferenceProfiles", func() error {
		_, err := a.bedrock.ListInferenceProfiles(ctx, &bedrock.ListInferenceProfilesInput{MaxResults: one})
		return err
	})
	a.probeBucket(ctx, add, ask)
	if a.local != nil {
		return all // it asks for no roles, and has no quotas
	}
	id, err := a.Identity(ctx)
	if err != nil {
		id = Identity{} // said already
	}
	a.probeRole(add, "training role", "account.training_role", a.TrainingRole(), id.Account, "tunebench train role")
	a.probeRole(add, "import role", "account.import_role", a.ImportRole(), id.Account, "tunebench import role")
	quota := a.config.Training.Instance + " for training job usage"
	add("training quota", ProbeUnknown, fmt.Sprintf("whether %q is at least 1; of types with GPUs it is often 0 until more is asked for", quota),
		fmt.Sprintf("aws service-quotas list-service-quotas --service-code sagemaker --region %s --query \"Quotas[?QuotaName=='%s'].Value\"", a.region, quota))
	return all
}

func (a *Account) probeBucket(ctx context.Context, add func(check, result, detail, remedy string), ask func(check, action string, f func() error)) {
	name := a.Bucket()
	if name == "" {
		add("bucket", ProbeFailed, "no bucket is configured for data and artifacts", "Set account.bucket in the configuration to one in "+a.region+"; aws s3 mb s3://NAME --region "+a.region+" makes one.")
		return
	}
	out, err := a.s3.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &name})
	switch kind := awserror.KindOf(err); {
	case kind == awserror.NotFound:
		add("bucket", ProbeFailed, "there is no bucket "+name, "aws s3 mb s3://"+name+" --region "+a.region)
		return
	case err != nil:
		add("bucket", ProbeFailed, name+": "+awserror.Explain(err).Error(), "")
		return
	case aws.ToString(out.BucketRegion) != "" && *out.BucketRegion != a.region:
		add("bucket", ProbeFailed, fmt.Sprintf("%s is in %s, and jobs would run in %s", name, *out.BucketRegion, a.region), "Take a bucket in "+a.region+", or work in "+*out.BucketRegion+".")
	default:
		add("bucket", ProbeOK, name, "")
	}
	ask("list the bucket", "s3:ListBucket", func() error {
		_, err := a.s3.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &name, MaxKeys: aws.Int32(1)})
		return err
	})
}

func (a *Account) probeRole(add func(check, result, detail, remedy string), check, setting, role, account, command string) {
	m := roleForm.FindStringSubmatch(role)
	switch {
	case role == "":
		add(check, ProbeFailed, "none is configured", "Set "+setting+" in the configuration; "+command+" prints the policies that it needs, ready to paste.")
	case m == nil:
		add(check, ProbeFailed, role+" is no role's ARN", "Write "+setting+" as arn:aws:iam::ACCOUNT:role/NAME.")
	case account != "" && m[1] != account:
		add(check, ProbeFailed, fmt.Sprintf("%s belongs to the account %s, and you work in %s", role, m[1], account), "Take a role of "+account+".")
	default:
		service := strings.Fields(check)[0]
		add(check, ProbeUnknown, "whether the service may assume "+role+" and you may pass it: only a job shows that", command+" prints the policies to hold against it; the first "+service+" job says if one is missing.")
	}
}
