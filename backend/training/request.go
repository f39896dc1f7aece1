package training

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"tunebench/backend/dataset"
	"tunebench/backend/safetext"
)

const (
	// inputPrefix is where inputs lie: <prefix>/<hash of the content>/<file>.
	inputPrefix = "tunebench/inputs"
	// volumeGB holds a 7B model twice and its checkpoints. Types with disks of
	// their own ignore it.
	volumeGB = 100
	// secretVariable tells the container where the hub's token is.
	secretVariable = "TUNEBENCH_HF_TOKEN_SECRET"
)

// input is one object that a job reads.
type input struct {
	key  string
	size int64
	open func(ctx context.Context, w io.Writer) error // writes the content
}

// Request is the CreateTrainingJob request that Start would send, as JSON with
// the field names of SageMaker's API. It reads the dataset, because inputs are
// addressed by their content; nothing is sent.
func (s *Service) Request(ctx context.Context, p Plan) (json.RawMessage, error) {
	if err := s.ready(p); err != nil {
		return nil, err
	}
	in, _, _, err := s.request(ctx, p)
	if err != nil {
		return nil, err
	}
	raw, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	var m map[string]any
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, err
	}
	return json.Marshal(withoutEmpty(m))
}

// withoutEmpty leaves out what the SDK does not send.
func withoutEmpty(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			e = withoutEmpty(e)
			if e == nil || e == "" {
				delete(v, k)
				continue
			}
			v[k] = e
		}
	case []any:
		for i := range v {
			v[i] = withoutEmpty(v[i])
		}
	}
	return v
}

// request makes the request, what has to be uploaded before it is sent, and
// job.json.
func (s *Service) request(ctx context.Context, p Plan) (*sagemaker.CreateTrainingJobInput, []input, []byte, error) {
	config, err := json.MarshalIndent(p.Config, "", "  ")
	if err != nil {
		return nil, nil, nil, err
	}
	inputs, code, err := codeInputs(s.c.Container, config)
	if err != nil {
		return nil, nil, nil, err
	}
	channels := []types.Channel{s.channel("code", "s3://"+s.c.Bucket+"/"+code)}
	train, validation, _, err := dataset.OpenSplits(p.Dataset)
	if err != nil {
		return nil, nil, nil, err
	}
	splits := [][3]string{{"training", dataset.Train, train}}
	if p.ValidationRows > 0 && validation != "" {
		splits = append(splits, [3]string{"validation", dataset.Validation, validation})
	}
	for _, split := range splits {
		in, prefix, err := rowsInput(ctx, split[1]+".jsonl", split[2])
		if err != nil {
			return nil, nil, nil, err
		}
		inputs = append(inputs, in)
		channels = append(channels, s.channel(split[0], "s3://"+s.c.Bucket+"/"+prefix))
	}
	o := p.Options
	if o.BaseWeights != "" {
		channels = append(channels, s.channel("model", o.BaseWeights))
	}
	if o.Wheels != "" {
		channels = append(channels, s.channel("wheels", o.Wheels))
	}
	name := filepath.Base(strings.TrimPrefix(p.Dataset, dataset.SamplePrefix))
	r := &sagemaker.CreateTrainingJobInput{
		TrainingJobName: &p.Name,
		RoleArn:         &p.RoleARN,
		AlgorithmSpecification: &types.AlgorithmSpecification{
			TrainingImage:       &p.Image,
			TrainingInputMode:   types.TrainingInputModeFile,
			ContainerEntrypoint: []string{"python3"},
			ContainerArguments:  []string{"/opt/ml/input/data/code/launch.py"},
			MetricDefinitions: []types.MetricDefinition{
				{Name: aws.String("train:loss"), Regex: aws.String(`"loss":([0-9.eE+-]+)`)},
				{Name: aws.String("eval:loss"), Regex: aws.String(`"eval_loss":([0-9.eE+-]+)`)},
			},
		},
		InputDataConfig: channels,
		// Uncompressed, so that an import job can read it where it lies.
		OutputDataConfig: &types.OutputDataConfig{S3OutputPath: &p.Output, CompressionType: types.OutputCompressionTypeNone},
		ResourceConfig: &types.ResourceConfig{InstanceType: types.TrainingInstanceType(p.Instance), InstanceCount: aws.Int32(int32(p.InstanceCount)),
			VolumeSizeInGB: aws.Int32(volumeGB)},
		StoppingCondition: &types.StoppingCondition{MaxRuntimeInSeconds: seconds(o.runtimeHours())},
		CheckpointConfig:  &types.CheckpointConfig{S3Uri: &p.Checkpoints},
		HyperParameters: map[string]string{
			paramPreset: p.Config.Preset, paramFormat: p.Config.Settings.PromptFormat, paramBase: p.Config.BaseModel, paramDataset: short(safetext.Line(name)),
		},
		Tags: []types.Tag{{Key: aws.String(tagCreatedBy), Value: aws.String("tunebench")}},
	}
	o.apply(r)
	return r, inputs, config, nil
}

// apply puts those options into a request that a plain job lacks.
func (o Options) apply(r *sagemaker.CreateTrainingJobInput) {
	if o.Spot {
		r.EnableManagedSpotTraining = aws.Bool(true)
		r.StoppingCondition.MaxWaitTimeInSeconds = seconds(o.waitHours())
	}
	if len(o.Subnets) > 0 {
		r.VpcConfig = &types.VpcConfig{Subnets: o.Subnets, SecurityGroupIds: o.SecurityGroups}
	}
	if o.NetworkIsolation {
		r.EnableNetworkIsolation = aws.Bool(true)
	}
	if o.HubTokenSecret != "" {
		r.Environment = map[string]string{secretVariable: o.HubTokenSecret}
	}
	if o.KMSKey != "" {
		r.OutputDataConfig.KmsKeyId = &o.KMSKey
		// Types with disks of their own encrypt them themselves and refuse a key.
		if !ownDisks(string(r.ResourceConfig.InstanceType)) {
			r.ResourceConfig.VolumeKmsKeyId = &o.KMSKey
		}
	}
	for _, k := range slices.Sorted(maps.Keys(o.Tags)) {
		r.Tags = append(r.Tags, types.Tag{Key: aws.String(k), Value: aws.String(o.Tags[k])})
	}
}

// ownDisks reports whether an instance type comes with NVMe disks, which
// SageMaker uses in place of a volume.
func ownDisks(instance string) bool {
	for _, family := range []string{"ml.g4dn.", "ml.g5.", "ml.g6.", "ml.g6e.", "ml.p4d.", "ml.p4de.", "ml.p5.", "ml.p5e.", "ml.p5en."} {
		if strings.HasPrefix(instance, family) {
			return true
		}
	}
	return false
}

func seconds(hours float64) *int32 {
	return aws.Int32(int32(max(1, time.Duration(hours*float64(time.Hour))/time.Second)))
}

func (s *Service) channel(name, uri string) types.Channel {
	return types.Channel{ChannelName: &name, InputMode: types.TrainingInputModeFile, DataSource: &types.DataSource{S3DataSource: &types.S3DataSource{
		S3DataType: types.S3DataTypeS3Prefix, S3Uri: &uri, S3DataDistributionType: types.S3DataDistributionFullyReplicated}}}
}

// codeInputs are job.json and the container's files, and the prefix that holds
// them, which their content names.
func codeInputs(files fs.FS, config []byte) (inputs []input, prefix string, err error) {
	h := sha256.New()
	add := func(name string, b []byte) {
		fmt.Fprintf(h, "%q %d\n", name, len(b))
		h.Write(b)
		inputs = append(inputs, input{key: name, size: int64(len(b)), open: func(_ context.Context, w io.Writer) error {
			_, err := w.Write(b)
			return err
		}})
	}
	add("job.json", config)
	if files != nil {
		err = fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			b, err := fs.ReadFile(files, path)
			if err == nil {
				add(path, b)
			}
			return err
		})
	}
	prefix = address("code", h.Sum(nil))
	for i := range inputs {
		inputs[i].key = prefix + inputs[i].key
	}
	return inputs, prefix, err
}

// rowsInput is a split in the form that training code reads. It is converted
// once to learn its address, and again when it is uploaded.
func rowsInput(ctx context.Context, name, path string) (in input, prefix string, err error) {
	h := sha256.New()
	done, err := dataset.Convert(ctx, path, h)
	if err != nil {
		return in, "", err
	}
	prefix = address("data", h.Sum(nil))
	return input{key: prefix + name, size: done.Bytes, open: func(ctx context.Context, w io.Writer) error {
		again := sha256.New()
		_, err := dataset.Convert(ctx, path, io.MultiWriter(w, again))
		if err == nil && !slices.Equal(again.Sum(nil), h.Sum(nil)) {
			err = fmt.Errorf("%s was changed while it was uploaded; plan the job again", cmp.Or(safetext.Line(path), name))
		}
		return err
	}}, prefix, nil
}

func address(kind string, sum []byte) string {
	return inputPrefix + "/" + kind + "-" + hex.EncodeToString(sum[:16]) + "/"
}
