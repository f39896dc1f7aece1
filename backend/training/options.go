package training

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"tunebench/backend/safetext"
	"tunebench/backend/training/container"
)

// Limits of CreateTrainingJob.
const (
	defaultRuntimeHours = 24
	maxRuntimeHours     = 28 * 24
	maxInstances        = 100
	mostSubnets         = 16
	mostGroups          = 5
	mostTags            = 49 // of 50; one is ours
	tagCreatedBy        = "created-by"
)

var (
	instanceForm = regexp.MustCompile(`^ml\.[a-z0-9-]+\.[a-z0-9]+$`)
	subnetForm   = regexp.MustCompile(`^[-0-9a-zA-Z]{1,32}$`)
	secretForm   = regexp.MustCompile(`^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:\S+$`)
)

// check refuses options that SageMaker would not take, or with which a job
// cannot work.
func (o Options) check() error {
	bad := func(name, value, want string) error {
		return fmt.Errorf("the job option %s cannot be %q; it is %s", name, safetext.Line(value), want)
	}
	switch {
	case o.Instance != "" && !instanceForm.MatchString(o.Instance):
		return bad("instance", o.Instance, "an instance type such as ml.g5.12xlarge")
	case o.InstanceCount < 0 || o.InstanceCount > maxInstances:
		return bad("instance_count", fmt.Sprint(o.InstanceCount), fmt.Sprintf("1 to %d", maxInstances))
	case len(o.Image) > 255 || strings.ContainsAny(o.Image, " \t\r\n"):
		return bad("image", o.Image, "the name of a container image, of at most 255 characters")
	case !(o.MaxRuntimeHours >= 0 && o.MaxRuntimeHours <= maxRuntimeHours):
		return bad("max_runtime_hours", fmt.Sprint(o.MaxRuntimeHours), fmt.Sprintf("above 0 and at most %d", maxRuntimeHours))
	case o.MaxWaitHours != 0 && !o.Spot:
		return errors.New("the job option max_wait_hours is for spot capacity; set spot too, or leave it out")
	case o.MaxWaitHours != 0 && !(o.MaxWaitHours >= o.runtimeHours() && o.MaxWaitHours <= maxRuntimeHours):
		return bad("max_wait_hours", fmt.Sprint(o.MaxWaitHours), fmt.Sprintf("at least max_runtime_hours (%g), because it holds waiting and running, and at most %d", o.runtimeHours(), maxRuntimeHours))
	case (len(o.Subnets) == 0) != (len(o.SecurityGroups) == 0):
		return errors.New("a job in a VPC needs both subnets and security_groups")
	case len(o.Subnets) > mostSubnets || len(o.SecurityGroups) > mostGroups:
		return fmt.Errorf("a job takes at most %d subnets and %d security groups", mostSubnets, mostGroups)
	case o.HubTokenSecret != "" && !secretForm.MatchString(o.HubTokenSecret):
		return bad("hub_token_secret", o.HubTokenSecret, "the ARN of a Secrets Manager secret, never the token itself")
	case len(o.KMSKey) > 2048 || strings.ContainsAny(o.KMSKey, " \t\r\n"):
		return bad("kms_key", o.KMSKey, "the id, alias or ARN of a key")
	case len(o.Tags) > mostTags:
		return fmt.Errorf("a job takes at most %d tags of yours", mostTags)
	}
	for _, id := range append(append([]string{}, o.Subnets...), o.SecurityGroups...) {
		if !subnetForm.MatchString(id) {
			return bad("subnets or security_groups", id, "ids such as subnet-0abc or sg-0abc")
		}
	}
	for k, v := range o.Tags {
		if k == "" || len(k) > 128 || len(v) > 256 || strings.HasPrefix(strings.ToLower(k), "aws:") || k == tagCreatedBy {
			return bad("tags", k+"="+v, "a key of 1 to 128 characters that does not begin with aws:, and a value of at most 256; created-by is taken")
		}
	}
	for name, uri := range map[string]string{"base_weights": o.BaseWeights, "wheels": o.Wheels, "checkpoints": o.Checkpoints} {
		if bucket, _, ok := strings.Cut(strings.TrimPrefix(uri, "s3://"), "/"); uri != "" && (!strings.HasPrefix(uri, "s3://") || bucket == "" || !ok || strings.ContainsAny(uri, " \t\r\n")) {
			return bad(name, uri, "a prefix in S3, such as s3://bucket/folder/")
		}
	}
	return nil
}

func (o Options) runtimeHours() float64 {
	if o.MaxRuntimeHours == 0 {
		return defaultRuntimeHours
	}
	return o.MaxRuntimeHours
}

// waitHours bounds waiting and running on spot capacity together.
func (o Options) waitHours() float64 {
	if o.MaxWaitHours != 0 {
		return o.MaxWaitHours
	}
	return min(2*o.runtimeHours(), maxRuntimeHours)
}

// image is the container image a job runs in, and what speaks against it. The
// default for big models is the table's, whose packages equal the versions that
// Bedrock's import documents.
func (s *Service) image(wanted string) (uri, warning string, err error) {
	if wanted == "" {
		wanted = s.c.Defaults.Image
	}
	if s.c.BaseModel == SmallBase {
		return SmallBase + ":1", "", nil
	}
	table, err := container.Images()
	if err != nil {
		return "", "", err
	}
	chosen := table.Default()
	for _, i := range table.Images {
		if i.Name == wanted || strings.HasSuffix(wanted, "/"+i.Repository+":"+i.Tag) {
			chosen = i
		}
	}
	if wanted != "" && wanted != chosen.Name && !strings.HasSuffix(wanted, "/"+chosen.Repository+":"+chosen.Tag) {
		return wanted, "", nil // one of the user's own
	}
	if !chosen.Patched(s.c.Now()) {
		day := chosen.EndOfPatch
		if day == "" {
			day = "a day before " + table.Checked
		}
		warning = fmt.Sprintf("the image %s gets no security fixes any more since %s (table of %s); the job's packages are tested with it all the same", chosen.Name, day, table.Checked)
	}
	if wanted != "" && wanted != chosen.Name {
		return wanted, warning, nil
	}
	uri, err = table.URI(chosen, s.c.Region)
	return uri, warning, err
}

// optionWarnings say what the options of a plan lead to.
func (s *Service) optionWarnings(p Plan, image string) []string {
	var w []string
	if image != "" {
		w = append(w, image)
	}
	if large := p.Memory.tooLarge(); large != "" {
		w = append(w, large)
	}
	o, set := p.Options, p.Config.Settings
	small := s.c.BaseModel == SmallBase
	if o.Spot && set.CheckpointEvery == 0 {
		w = append(w, "spot capacity without checkpoints begins again at step 0 when it is taken back; set checkpoint_every")
	}
	if !small && o.NetworkIsolation && (o.BaseWeights == "" || o.Wheels == "") {
		w = append(w, "with network isolation the job can fetch nothing: give base_weights and wheels as prefixes in S3")
	}
	if !small && !o.NetworkIsolation && o.BaseWeights == "" && o.HubTokenSecret == "" {
		w = append(w, fmt.Sprintf("%s comes from the hub without a token, which a gated model refuses; give hub_token_secret or base_weights", p.Config.BaseModel))
	}
	if small && (set.Strategy != "" || set.MicroBatchRows != 0 || set.GradientCheckpointing != nil || set.Packing != nil || set.Export != "") {
		w = append(w, "strategy, micro_batch_rows, gradient_checkpointing, packing and export have no effect on "+SmallBase)
	}
	return w
}
