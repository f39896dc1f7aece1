package modelimport

import "tunebench/backend/account/iam"

// RolePolicies writes the policies of a role for imports into one account and
// region from one bucket; kms is the ARN of the key that the bucket is encrypted
// with, or "", and role the role's ARN, or "" if it has none yet. Source: Bedrock user guide, "Create a service role for model
// import".
func RolePolicies(account, region, bucket, kms, role string) iam.Role {
	at := iam.Place{Account: account, Region: region}
	if role == "" {
		role = at.Role("NAME-OF-THE-ROLE")
	}
	read := iam.Allow([]string{at.Bucket(bucket), at.Bucket(bucket) + "/*"}, "s3:GetObject", "s3:ListBucket")
	read.Condition = map[string]map[string]string{"StringEquals": {"aws:ResourceAccount": account}}
	may := []iam.Statement{read}
	if kms != "" {
		may = append(may, iam.Allow([]string{kms}, "kms:Decrypt", "kms:DescribeKey"))
	}
	const service = "bedrock.amazonaws.com"
	return iam.Role{
		Trust: iam.New(iam.Trust(service, map[string]map[string]string{
			"StringEquals": {"aws:SourceAccount": account}, "ArnEquals": {"aws:SourceArn": at.ARN("bedrock", "model-import-job/*")}})),
		Permissions: iam.New(may...),
		Caller:      iam.New(iam.PassRole(role, service)),
	}
}
