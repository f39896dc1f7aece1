package account

// Operation is a request of an AWS API that this program sends.
type Operation struct {
	// Service is the API as the SDK names it, Name the operation.
	Service, Name string
	// Actions are what IAM asks for; nil where it asks for nothing.
	Actions []string
	// On is what the actions are allowed on; see resources.
	On string
	// Changes says that the request makes, changes or ends something in the
	// account. Questions to models do not, although they cost money.
	Changes bool
	// Only the local account is sent this one.
	local bool
}

// What operations work on; resources names it as ARNs.
const (
	onAll          = "all"
	onTrainingJobs = "training jobs"
	onModels       = "SageMaker models"
	onImportJobs   = "import jobs"
	onImported     = "imported models"
	onChat         = "models to ask"
	onLogs         = "logs of training jobs"
	onBucket       = "the bucket"
	onObjects      = "objects of the bucket"
)

// Operations is the one table of what is sent. A test holds it against the code,
// --read-only asks it, and the permissions to ask for are made of it. Source of
// the actions: Service Authorization Reference.
var Operations = []Operation{
	{"STS", "GetCallerIdentity", nil, "", false, false},

	{"SageMaker", "ListTrainingJobs", []string{"sagemaker:ListTrainingJobs"}, onAll, false, false},
	{"SageMaker", "DescribeTrainingJob", []string{"sagemaker:DescribeTrainingJob"}, onTrainingJobs, false, false},
	{"SageMaker", "ListTags", []string{"sagemaker:ListTags"}, onTrainingJobs, false, false},
	{"SageMaker", "CreateTrainingJob", []string{"sagemaker:CreateTrainingJob", "sagemaker:AddTags"}, onTrainingJobs, true, false},
	{"SageMaker", "StopTrainingJob", []string{"sagemaker:StopTrainingJob"}, onTrainingJobs, true, false},
	{"SageMaker", "DescribeModel", []string{"sagemaker:DescribeModel"}, onModels, false, false},

	{"CloudWatch Logs", "FilterLogEvents", []string{"logs:FilterLogEvents"}, onLogs, false, false},

	{"Bedrock", "ListFoundationModels", []string{"bedrock:ListFoundationModels"}, onAll, false, false},
	{"Bedrock", "ListInferenceProfiles", []string{"bedrock:ListInferenceProfiles"}, onAll, false, false},
	{"Bedrock", "ListImportedModels", []string{"bedrock:ListImportedModels"}, onAll, false, false},
	{"Bedrock", "ListModelImportJobs", []string{"bedrock:ListModelImportJobs"}, onAll, false, false},
	{"Bedrock", "GetModelImportJob", []string{"bedrock:GetModelImportJob"}, onImportJobs, false, false},
	{"Bedrock", "GetImportedModel", []string{"bedrock:GetImportedModel"}, onImported, false, false},
	{"Bedrock", "ListTagsForResource", []string{"bedrock:ListTagsForResource"}, onImported, false, false},
	{"Bedrock", "CreateModelImportJob", []string{"bedrock:CreateModelImportJob"}, onAll, true, false},
	{"Bedrock", "CreateModelImportJob", []string{"bedrock:TagResource"}, onImportJobs, true, false},
	{"Bedrock", "CreateModelImportJob", []string{"bedrock:TagResource"}, onImported, true, false},
	{"Bedrock", "DeleteImportedModel", []string{"bedrock:DeleteImportedModel"}, onImported, true, false},

	{"Bedrock Runtime", "InvokeModel", []string{"bedrock:InvokeModel"}, onChat, false, false},
	{"Bedrock Runtime", "Converse", []string{"bedrock:InvokeModel"}, onChat, false, false},
	{"Bedrock Runtime", "InvokeModelWithResponseStream", []string{"bedrock:InvokeModelWithResponseStream"}, onChat, false, false},
	{"Bedrock Runtime", "ConverseStream", []string{"bedrock:InvokeModelWithResponseStream"}, onChat, false, false},

	{"S3", "HeadBucket", []string{"s3:ListBucket"}, onBucket, false, false},
	{"S3", "ListObjectsV2", []string{"s3:ListBucket"}, onBucket, false, false},
	{"S3", "HeadObject", []string{"s3:GetObject", "s3:GetObjectVersion"}, onObjects, false, false},
	{"S3", "GetObject", []string{"s3:GetObject", "s3:GetObjectVersion"}, onObjects, false, false},
	{"S3", "ListMultipartUploads", []string{"s3:ListBucketMultipartUploads"}, onBucket, false, false},
	{"S3", "ListParts", []string{"s3:ListMultipartUploadParts"}, onObjects, false, false},
	{"S3", "PutObject", []string{"s3:PutObject"}, onObjects, true, false},
	{"S3", "CreateMultipartUpload", []string{"s3:PutObject"}, onObjects, true, false},
	{"S3", "UploadPart", []string{"s3:PutObject"}, onObjects, true, false},
	{"S3", "CompleteMultipartUpload", []string{"s3:PutObject"}, onObjects, true, false},
	{"S3", "AbortMultipartUpload", []string{"s3:AbortMultipartUpload"}, onObjects, true, false},
	{"S3", "CreateBucket", []string{"s3:CreateBucket"}, onBucket, true, true},
}

// operation finds what is known of a request.
func operation(service, name string) (Operation, bool) {
	for _, o := range Operations {
		if o.Service == service && o.Name == name {
			return o, true
		}
	}
	return Operation{}, false
}
