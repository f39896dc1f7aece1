package modelimport

import "strings"

// Policies are the IAM documents around an import role.
type Policies struct {
	// Trust lets Bedrock assume the role, for jobs of this account and region only.
	Trust Document `json:"trust"`
	// Permissions are what the role may do: read the bucket, decrypt what is in it.
	Permissions Document `json:"permissions"`
	// Caller is what the user needs to give the role to Bedrock.
	Caller Document `json:"caller"`
}

// Document is an IAM policy document.
type Document struct {
	Version   string
	Statement []Statement
}

// Statement of a policy document.
type Statement struct {
	Effect    string
	Principal map[string]string `json:",omitempty"`
	Action    any
	Resource  any                          `json:",omitempty"`
	Condition map[string]map[string]string `json:",omitempty"`
}

const policyVersion = "2012-10-17"

// RolePolicies writes the policies of a role for imports into one account and
// region from one bucket; kms is the ARN of the key that the bucket is encrypted
// with, or "", and role the role's ARN, or "" if it has none yet. Source: Bedrock user guide, "Create a service role for model
// import".
func RolePolicies(account, region, bucket, kms, role string) Policies {
	partition := "aws"
	switch {
	case strings.HasPrefix(region, "cn-"):
		partition = "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		partition = "aws-us-gov"
	}
	arn := func(s string) string { return "arn:" + partition + ":" + s }
	if role == "" {
		role = arn("iam::" + account + ":role/NAME-OF-THE-ROLE")
	}
	may := []Statement{{Effect: "Allow", Action: []string{"s3:GetObject", "s3:ListBucket"},
		Resource:  []string{arn("s3:::" + bucket), arn("s3:::" + bucket + "/*")},
		Condition: map[string]map[string]string{"StringEquals": {"aws:ResourceAccount": account}}}}
	if kms != "" {
		may = append(may, Statement{Effect: "Allow", Action: []string{"kms:Decrypt", "kms:DescribeKey"}, Resource: kms})
	}
	return Policies{
		Trust: Document{policyVersion, []Statement{{Effect: "Allow", Principal: map[string]string{"Service": "bedrock.amazonaws.com"}, Action: "sts:AssumeRole",
			Condition: map[string]map[string]string{
				"StringEquals": {"aws:SourceAccount": account},
				"ArnEquals":    {"aws:SourceArn": arn("bedrock:" + region + ":" + account + ":model-import-job/*")}}}}},
		Permissions: Document{policyVersion, may},
		Caller: Document{policyVersion, []Statement{{Effect: "Allow", Action: "iam:PassRole", Resource: role,
			Condition: map[string]map[string]string{"StringEquals": {"iam:PassedToService": "bedrock.amazonaws.com"}}}}},
	}
}
