package iam

import (
	"encoding/json"
	"testing"
)

// TestDocuments holds the form against what IAM takes, in each partition.
func TestDocuments(t *testing.T) {
	for region, want := range map[string]string{
		"us-east-1":     "arn:aws:bedrock:us-east-1:111122223333:x/* arn:aws:iam::111122223333:role/r arn:aws:s3:::b",
		"us-gov-west-1": "arn:aws-us-gov:bedrock:us-gov-west-1:111122223333:x/* arn:aws-us-gov:iam::111122223333:role/r arn:aws-us-gov:s3:::b",
		"cn-north-1":    "arn:aws-cn:bedrock:cn-north-1:111122223333:x/* arn:aws-cn:iam::111122223333:role/r arn:aws-cn:s3:::b",
	} {
		p := Place{"111122223333", region}
		if got := p.ARN("bedrock", "x/*") + " " + p.Role("r") + " " + p.Bucket("b"); got != want {
			t.Errorf("%s: %s", region, got)
		}
	}
	b, err := json.Marshal(New(Trust("bedrock.amazonaws.com", nil), PassRole("arn:r", "bedrock.amazonaws.com")))
	const want = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"bedrock.amazonaws.com"},"Action":["sts:AssumeRole"]},` +
		`{"Effect":"Allow","Action":["iam:PassRole"],"Resource":["arn:r"],"Condition":{"StringEquals":{"iam:PassedToService":"bedrock.amazonaws.com"}}}]}`
	if err != nil || string(b) != want {
		t.Errorf("%s (%v)", b, err)
	}
}
