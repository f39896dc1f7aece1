package account

import (
	"slices"
	"strings"

	"tunebench/backend/account/iam"
)

// Scope is where permissions hold. What is empty becomes a name to fill in.
type Scope struct {
	Account, Region string
	Bucket          string
	// TrainingRole and ImportRole are ARNs of the roles that jobs run as.
	TrainingRole, ImportRole string
	// ReadOnly leaves out what changes anything.
	ReadOnly bool
}

// Permissions is the policy of a person who works with this program: the actions
// of Operations and the two roles to be passed on, and nothing else.
func Permissions(s Scope) iam.Policy {
	fill := func(v, name string) string {
		if v == "" {
			return name
		}
		return v
	}
	at, bucket := iam.Place{Account: fill(s.Account, "ACCOUNT"), Region: fill(s.Region, "REGION")}, fill(s.Bucket, "BUCKET")
	resources := map[string][]string{
		onAll:          {"*"},
		onTrainingJobs: {at.ARN("sagemaker", "training-job/*")},
		onModels:       {at.ARN("sagemaker", "model/*")},
		onImportJobs:   {at.ARN("bedrock", "model-import-job/*")},
		onImported:     {at.ARN("bedrock", "imported-model/*")},
		onChat: {at.ARN("bedrock", "imported-model/*"), "arn:" + at.Partition() + ":bedrock:*::foundation-model/*",
			at.ARN("bedrock", "inference-profile/*"), at.ARN("bedrock", "application-inference-profile/*")},
		onLogs:    {at.ARN("logs", "log-group:/aws/sagemaker/TrainingJobs:*")},
		onBucket:  {at.Bucket(bucket)},
		onObjects: {at.Bucket(bucket) + "/*"},
	}
	p := iam.New()
	for _, changes := range []bool{false, true} {
		if changes && s.ReadOnly {
			continue
		}
		for _, on := range []string{onAll, onTrainingJobs, onModels, onImportJobs, onImported, onChat, onLogs, onBucket, onObjects} {
			var actions []string
			for _, o := range Operations {
				if o.On == on && o.Changes == changes && !o.local {
					actions = append(actions, o.Actions...)
				}
			}
			if actions = slices.Compact(slices.Sorted(slices.Values(actions))); len(actions) > 0 {
				may := iam.Allow(resources[on], actions...)
				may.Sid = sid(map[bool]string{false: "see", true: "change"}[changes], on)
				p.Statement = append(p.Statement, may)
			}
		}
	}
	if s.ReadOnly {
		return p
	}
	for _, r := range []struct{ what, role, name, service string }{
		{"training", s.TrainingRole, "TRAINING-ROLE", "sagemaker.amazonaws.com"}, {"import", s.ImportRole, "IMPORT-ROLE", "bedrock.amazonaws.com"},
	} {
		pass := iam.PassRole(fill(r.role, at.Role(r.name)), r.service)
		pass.Sid = sid("pass", r.what, "role")
		p.Statement = append(p.Statement, pass)
	}
	return p
}

// sid joins words as IAM wants them: letters and digits.
func sid(words ...string) string {
	var b strings.Builder
	for _, w := range strings.Fields(strings.Join(words, " ")) {
		b.WriteString(strings.ToUpper(w[:1]) + w[1:])
	}
	return b.String()
}
