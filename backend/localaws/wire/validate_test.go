package wire

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestEveryPatternCompiles(t *testing.T) {
	n := 0
	for _, s := range models().Services {
		for _, sh := range s.Shapes {
			if sh.Pattern != "" {
				sh.matches("x") // panics when the pattern does not compile
				n++
			}
		}
	}
	if n < 100 {
		t.Errorf("only %d patterns in the models", n)
	}
}

func TestRewrittenPatterns(t *testing.T) {
	for _, tc := range []struct {
		service, shape, text string
		want                 bool
	}{
		{SageMaker, "ArnOrName", "my-model", true},
		{SageMaker, "ArnOrName", "my-model-", false},
		{SageMaker, "ArnOrName", "-my-model", false},
		{SageMaker, "ArnOrName", "arn:aws:sagemaker:us-west-2:000000000000:algorithm/a", true},
		{SageMaker, "ArnOrName", strings.Repeat("a", 64), false},
		{SageMaker, "MetricsEndpointPath", "/metrics", true},
		{SageMaker, "MetricsEndpointPath", "/a/../b", false},
		{SageMaker, "RoleArn", "arn:aws:iam::000000000000:role/local", true},
		{Bedrock, "JobName", "a.b+c-1", true},
		{Bedrock, "JobName", "a_b", false},
	} {
		if got := models().Services[tc.service].Shapes[tc.shape].matches(tc.text); got != tc.want {
			t.Errorf("%s %q: %v", tc.shape, tc.text, got)
		}
	}
}

func TestValidation(t *testing.T) {
	for _, tc := range []struct{ service, op, in, code, message string }{
		{SageMaker, "CreateTrainingJob", `{"TrainingJobName":"j","RoleArn":"arn:aws:iam::000000000000:role/local","OutputDataConfig":{"S3OutputPath":"s3://b/o"}}`, "", ""},
		{SageMaker, "CreateTrainingJob", `{}`, "ValidationException",
			"3 validation errors detected: Value null at 'trainingJobName' failed to satisfy constraint: Member must not be null; Value null at 'roleArn' failed to satisfy constraint: Member must not be null; Value null at 'outputDataConfig' failed to satisfy constraint: Member must not be null"},
		{SageMaker, "DescribeTrainingJob", `{"TrainingJobName":"bad_name"}`, "ValidationException",
			"1 validation error detected: Value 'bad_name' at 'trainingJobName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}"},
		{SageMaker, "ListTrainingJobs", `{"MaxResults":0,"StatusEquals":"Done"}`, "ValidationException",
			"Value '0' at 'maxResults' failed to satisfy constraint: Member must have value greater than or equal to 1; Value 'Done' at 'statusEquals' failed to satisfy constraint: Member must satisfy enum value set: [InProgress, Completed, Failed, Stopping, Stopped"},
		{SageMaker, "ListTrainingJobs", `{"MaxResults":"ten"}`, "SerializationException", "STRING_VALUE cannot be converted to Integer"},
		{SageMaker, "DescribeTrainingJob", `{"TrainingJobName":["a"]}`, "SerializationException", "Start of list found where not expected."},
		{SageMaker, "CreateTrainingJob", `{"TrainingJobName":"j","RoleArn":"arn:aws:iam::000000000000:role/local","OutputDataConfig":{"S3OutputPath":"s3://b/o"},"HyperParameters":{"k":7}}`,
			"SerializationException", "NUMBER_VALUE cannot be converted to String"},
		{SageMaker, "CreateTrainingJob", `{"TrainingJobName":"j","RoleArn":"arn:aws:iam::000000000000:role/local","OutputDataConfig":{"S3OutputPath":"s3://b/o"},"InputDataConfig":[]}`,
			"ValidationException", "Value '[]' at 'inputDataConfig' failed to satisfy constraint: Member must have length greater than or equal to 1"},
		{Logs, "GetLogEvents", `{"logGroupName":"","logStreamName":"s"}`, "InvalidParameterException",
			"Value '' at 'logGroupName' failed to satisfy constraint: Member must have length greater than or equal to 1"},
		{Bedrock, "CreateModelImportJob", `{"jobName":"j","importedModelName":"Mistral-7B-v0.3","roleArn":"arn:aws:iam::000000000000:role/local","modelDataSource":{"s3DataSource":{"s3Uri":"s3://b/o"}}}`,
			"ValidationException", "at 'importedModelName' failed to satisfy constraint: Member must satisfy regular expression pattern: ([0-9a-zA-Z][_-]?)+"},
		{BedrockRuntime, "Converse", `{"modelId":"m","messages":[{"role":"user","content":[{"text":"hi"}]}],"inferenceConfig":{"temperature":2}}`,
			"ValidationException", "Value '2' at 'inferenceConfig.temperature' failed to satisfy constraint: Member must have value less than or equal to 1"},
		{BedrockRuntime, "Converse", `{"modelId":"m","messages":[{"role":"bot","content":[{"text":"hi"}]}]}`,
			"ValidationException", "at 'messages.1.member.role' failed to satisfy constraint: Member must satisfy enum value set: [user, assistant"},
	} {
		var in map[string]any
		if err := json.Unmarshal([]byte(tc.in), &in); err != nil {
			t.Fatal(err)
		}
		err := Validator{}.Check(tc.service, tc.op, in)
		if tc.code == "" {
			if err != nil {
				t.Errorf("%s %s: %v", tc.op, tc.in, err)
			}
			continue
		}
		wantCode(t, err, tc.code, tc.message)
	}
}

func FuzzValidate(f *testing.F) {
	f.Add(`{"TrainingJobName":"j","InputDataConfig":[{"ChannelName":null}],"Tags":[null]}`)
	f.Add(`{"HyperParameters":{"a":{"b":[]}}}`)
	f.Fuzz(func(_ *testing.T, text string) {
		var in map[string]any
		if json.Unmarshal([]byte(text), &in) == nil {
			_ = Validator{}.Check(SageMaker, "CreateTrainingJob", in)
		}
	})
}

func BenchmarkValidate(b *testing.B) {
	var in map[string]any
	text := `{"TrainingJobName":"j","RoleArn":"arn:aws:iam::000000000000:role/local","OutputDataConfig":{"S3OutputPath":"s3://b/o"},"ResourceConfig":{"InstanceType":"ml.g5.12xlarge","InstanceCount":1,"VolumeSizeInGB":30},"StoppingCondition":{"MaxRuntimeInSeconds":3600}}`
	if err := json.Unmarshal([]byte(text), &in); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := (Validator{}).Check(SageMaker, "CreateTrainingJob", in); err != nil {
			b.Fatal(err)
		}
	}
}
