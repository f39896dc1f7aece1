package training

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
)

// Policies are the IAM documents around a training role.
type Policies struct {
	// Trust lets SageMaker assume the role, for jobs of this account only.
	Trust Policy `json:"trust"`
	// Permissions are what a job may do.
	Permissions Policy `json:"permissions"`
	// Caller is what the user needs to start jobs with the role.
	Caller Policy `json:"caller"`
}

// Policy is an IAM policy document.
type Policy struct {
	Version   string
	Statement []PolicyStatement
}

// PolicyStatement is one statement of a policy.
type PolicyStatement struct {
	Effect    string
	Principal map[string]string            `json:",omitempty"`
	Action    []string                     `json:",omitempty"`
	Resource  []string                     `json:",omitempty"`
	Condition map[string]map[string]string `json:",omitempty"`
}

// RolePolicies writes the policies of a role for training jobs of one account
// and region with these options; role is its ARN, or "" if there is none yet.
// Source: SageMaker developer guide, "CreateTrainingJob API: execution role
// permissions".
func RolePolicies(account, region, bucket, role string, o Options) Policies {
	partition := "aws"
	switch {
	case strings.HasPrefix(region, "cn-"):
		partition = "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		partition = "aws-us-gov"
	}
	in := func(service, resource string) string {
		return arn.ARN{Partition: partition, Service: service, Region: region, AccountID: account, Resource: resource}.String()
	}
	bucketARN := func(uri string) string { // of s3://bucket/folder/ too
		name, _, _ := strings.Cut(strings.TrimPrefix(uri, "s3://"), "/")
		return "arn:" + partition + ":s3:::" + name
	}
	if role == "" {
		role = "arn:" + partition + ":iam::" + account + ":role/NAME-OF-THE-ROLE"
	}
	if bucket == "" {
		bucket = "NAME-OF-THE-BUCKET"
	}
	allow := func(resource []string, actions ...string) PolicyStatement {
		return PolicyStatement{Effect: "Allow", Action: actions, Resource: resource}
	}
	mine := bucketARN(bucket)
	may := []PolicyStatement{
		allow([]string{mine, mine + "/*"}, "s3:ListBucket", "s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"),
		allow([]string{in("logs", "log-group:/aws/sagemaker/TrainingJobs*")}, "logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"),
		{Effect: "Allow", Action: []string{"cloudwatch:PutMetricData"}, Resource: []string{"*"},
			Condition: map[string]map[string]string{"StringLike": {"cloudwatch:namespace": "/aws/sagemaker/*"}}},
		allow([]string{"*"}, "ecr:GetAuthorizationToken", "ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage"),
	}
	for _, uri := range []string{o.BaseWeights, o.Wheels} {
		if other := bucketARN(uri); uri != "" && other != mine {
			may = append(may, allow([]string{other, other + "/*"}, "s3:ListBucket", "s3:GetObject"))
		}
	}
	if o.HubTokenSecret != "" {
		may = append(may, allow([]string{o.HubTokenSecret}, "secretsmanager:GetSecretValue"))
	}
	if o.KMSKey != "" {
		key := o.KMSKey
		if !arn.IsARN(key) {
			key = in("kms", "key/"+strings.TrimPrefix(key, "key/"))
			if strings.HasPrefix(o.KMSKey, "alias/") {
				key = in("kms", "key/ID-OF-"+o.KMSKey) // policies do not take aliases
			}
		}
		may = append(may, allow([]string{key}, "kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey", "kms:DescribeKey", "kms:CreateGrant"))
	}
	if len(o.Subnets) > 0 {
		may = append(may, allow([]string{"*"}, "ec2:CreateNetworkInterface", "ec2:CreateNetworkInterfacePermission", "ec2:DeleteNetworkInterface",
			"ec2:DeleteNetworkInterfacePermission", "ec2:DescribeNetworkInterfaces", "ec2:DescribeVpcs", "ec2:DescribeDhcpOptions", "ec2:DescribeSubnets", "ec2:DescribeSecurityGroups"))
	}
	const version = "2012-10-17"
	service := "sagemaker.amazonaws.com"
	return Policies{
		Trust: Policy{version, []PolicyStatement{{Effect: "Allow", Principal: map[string]string{"Service": service}, Action: []string{"sts:AssumeRole"},
			Condition: map[string]map[string]string{"StringEquals": {"aws:SourceAccount": account}}}}},
		Permissions: Policy{version, may},
		Caller: Policy{version, []PolicyStatement{{Effect: "Allow", Action: []string{"iam:PassRole"}, Resource: []string{role},
			Condition: map[string]map[string]string{"StringEquals": {"iam:PassedToService": service}}}}},
	}
}
