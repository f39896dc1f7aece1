package account

import (
	"slices"
	"strings"
)

// Policy is an IAM policy document.
type Policy struct {
	Version   string
	Statement []Statement
}

// Statement of a policy.
type Statement struct {
	Sid       string
	Effect    string
	Action    []string
	Resource  []string
	Condition map[string]map[string]string `json:",omitempty"`
}

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
func Permissions(s Scope) Policy {
	partition := "aws"
	switch {
	case strings.HasPrefix(s.Region, "cn-"):
		partition = "aws-cn"
	case strings.HasPrefix(s.Region, "us-gov-"):
		partition = "aws-us-gov"
	}
	fill := func(v, name string) string {
		if v == "" {
			return name
		}
		return v
	}
	account, region, bucket := fill(s.Account, "ACCOUNT"), fill(s.Region, "REGION"), fill(s.Bucket, "BUCKET")
	in := func(service, owner, resource string) string {
		return "arn:" + partition + ":" + service + ":" + region + ":" + owner + ":" + resource
	}
	resources := map[string][]string{
		onAll:          {"*"},
		onTrainingJobs: {in("sagemaker", account, "training-job/*")},
		onModels:       {in("sagemaker", account, "model/*")},
		onImportJobs:   {in("bedrock", account, "model-import-job/*")},
		onImported:     {in("bedrock", account, "imported-model/*")},
		onChat: {in("bedrock", account, "imported-model/*"), "arn:" + partition + ":bedrock:*::foundation-model/*",
			in("bedrock", account, "inference-profile/*"), in("bedrock", account, "application-inference-profile/*")},
		onLogs:    {in("logs", account, "log-group:/aws/sagemaker/TrainingJobs:*")},
		onBucket:  {"arn:" + partition + ":s3:::" + bucket},
		onObjects: {"arn:" + partition + ":s3:::" + bucket + "/*"},
	}
	p := Policy{Version: "2012-10-17"}
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
				p.Statement = append(p.Statement, Statement{Sid: sid(map[bool]string{false: "see", true: "change"}[changes], on), Effect: "Allow", Action: actions, Resource: resources[on]})
			}
		}
	}
	if s.ReadOnly {
		return p
	}
	for _, r := range []struct{ what, role, name, service string }{
		{"training", s.TrainingRole, "TRAINING-ROLE", "sagemaker.amazonaws.com"}, {"import", s.ImportRole, "IMPORT-ROLE", "bedrock.amazonaws.com"},
	} {
		p.Statement = append(p.Statement, Statement{Sid: sid("pass", r.what, "role"), Effect: "Allow", Action: []string{"iam:PassRole"},
			Resource:  []string{fill(r.role, "arn:"+partition+":iam::"+account+":role/"+r.name)},
			Condition: map[string]map[string]string{"StringEquals": {"iam:PassedToService": r.service}}})
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
