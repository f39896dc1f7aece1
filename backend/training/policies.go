package training

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"tunebench/backend/account/iam"
)

// RolePolicies writes the policies of a role for training jobs of one account
// and region with these options; role is its ARN, or "" if there is none yet.
// Source: SageMaker developer guide, "CreateTrainingJob API: execution role
// permissions".
func RolePolicies(account, region, bucket, role string, o Options) iam.Role {
	at := iam.Place{Account: account, Region: region}
	bucketARN := func(uri string) string { // of s3://bucket/folder/ too
		name, _, _ := strings.Cut(strings.TrimPrefix(uri, "s3://"), "/")
		return at.Bucket(name)
	}
	if role == "" {
		role = at.Role("NAME-OF-THE-ROLE")
	}
	if bucket == "" {
		bucket = "NAME-OF-THE-BUCKET"
	}
	mine := bucketARN(bucket)
	may := []iam.Statement{
		iam.Allow([]string{mine, mine + "/*"}, "s3:ListBucket", "s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"),
		iam.Allow([]string{at.ARN("logs", "log-group:/aws/sagemaker/TrainingJobs*")}, "logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"),
		{Effect: "Allow", Action: []string{"cloudwatch:PutMetricData"}, Resource: []string{"*"},
			Condition: map[string]map[string]string{"StringLike": {"cloudwatch:namespace": "/aws/sagemaker/*"}}},
		iam.Allow([]string{"*"}, "ecr:GetAuthorizationToken", "ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage"),
	}
	for _, uri := range []string{o.BaseWeights, o.Wheels} {
		if other := bucketARN(uri); uri != "" && other != mine {
			may = append(may, iam.Allow([]string{other, other + "/*"}, "s3:ListBucket", "s3:GetObject"))
		}
	}
	if o.HubTokenSecret != "" {
		may = append(may, iam.Allow([]string{o.HubTokenSecret}, "secretsmanager:GetSecretValue"))
	}
	if o.KMSKey != "" {
		key := o.KMSKey
		if !arn.IsARN(key) {
			key = at.ARN("kms", "key/"+strings.TrimPrefix(key, "key/"))
			if strings.HasPrefix(o.KMSKey, "alias/") {
				key = at.ARN("kms", "key/ID-OF-"+o.KMSKey) // policies do not take aliases
			}
		}
		may = append(may, iam.Allow([]string{key}, "kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey", "kms:DescribeKey", "kms:CreateGrant"))
	}
	if len(o.Subnets) > 0 {
		may = append(may, iam.Allow([]string{"*"}, "ec2:CreateNetworkInterface", "ec2:CreateNetworkInterfacePermission", "ec2:DeleteNetworkInterface",
			"ec2:DeleteNetworkInterfacePermission", "ec2:DescribeNetworkInterfaces", "ec2:DescribeVpcs", "ec2:DescribeDhcpOptions", "ec2:DescribeSubnets", "ec2:DescribeSecurityGroups"))
	}
	const service = "sagemaker.amazonaws.com"
	return iam.Role{
		Trust:       iam.New(iam.Trust(service, map[string]map[string]string{"StringEquals": {"aws:SourceAccount": account}})),
		Permissions: iam.New(may...),
		Caller:      iam.New(iam.PassRole(role, service)),
	}
}
