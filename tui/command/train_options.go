package command

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"

	"github.com/spf13/cobra"

	"tunebench/backend/safetext"
	"tunebench/backend/training"
)

// maxPlanFile bounds what is read as a plan file.
const maxPlanFile = 1 << 20

// trainRequest is what the flags of plan and start ask for.
type trainRequest struct {
	given training.Spec
	set   []string
	tags  map[string]string
	file  string
}

func (r *trainRequest) flags(g *globals, c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&r.given.Dataset, "dataset", "", "file of examples, or a folder made by dataset prepare")
	f.StringVar(&r.given.Name, "name", "", "name of the job (default: a proposed one)")
	f.StringVar(&r.file, "plan", "", "file that a plan was written to with train plan --write; other flags change it")
	r.optionFlags(g, c)
}

// optionFlags are those that a preset can hold too.
func (r *trainRequest) optionFlags(g *globals, c *cobra.Command) {
	f, o := c.Flags(), &r.given.Options
	f.StringVar(&r.given.Preset, "preset", "", "set of settings and options to start from (see train presets)")
	f.StringArrayVar(&r.set, "set", nil, "override one setting, as name=value (repeat)")
	_ = c.RegisterFlagCompletionFunc("preset", g.presetNames)
	f.StringVar(&o.Instance, "instance", "", "instance type (default: the configuration's)")
	f.IntVar(&o.InstanceCount, "instances", 0, "how many instances (default 1)")
	f.StringVar(&o.Image, "image", "", "container image, by its name in the table of images or its full name")
	f.BoolVar(&o.Spot, "spot", false, "run on spot capacity; the job goes on from its last checkpoint when it is taken back")
	f.Float64Var(&o.MaxRuntimeHours, "max-runtime", 0, "hours after which the job is ended (default 24)")
	f.Float64Var(&o.MaxWaitHours, "max-wait", 0, "hours of waiting and running on spot capacity (default: twice the run time)")
	f.StringSliceVar(&o.Subnets, "subnet", nil, "subnet of a VPC (repeat)")
	f.StringSliceVar(&o.SecurityGroups, "security-group", nil, "security group of a VPC (repeat)")
	f.BoolVar(&o.NetworkIsolation, "network-isolation", false, "no network for the container; needs --base-weights and --wheels")
	f.StringVar(&o.BaseWeights, "base-weights", "", "prefix in S3 of the base model's files, in place of the hub")
	f.StringVar(&o.Wheels, "wheels", "", "prefix in S3 of the packages that the image lacks")
	f.StringVar(&o.HubTokenSecret, "hub-token-secret", "", "ARN of the Secrets Manager secret with the hub's token")
	f.StringVar(&o.KMSKey, "kms-key", "", "key that encrypts the artifact")
	f.StringToStringVar(&r.tags, "tag", nil, "tag of the job, as key=value (repeat)")
}

// spec is what a preset holds, changed by what a plan file says, changed by the
// flags that were given.
func (r *trainRequest) spec(g *globals, c *cobra.Command) (training.Spec, error) {
	s, err := r.asked(g, c)
	if err == nil {
		err = finishSpec(&s, r.set)
	}
	return s, err
}

func (r *trainRequest) asked(g *globals, c *cobra.Command) (training.Spec, error) {
	file := training.Spec{}
	if r.file != "" {
		if err := readPlanFile(r.file, &file); err != nil {
			return file, err
		}
	}
	preset, err := g.preset(cmp.Or(r.given.Preset, file.Preset))
	if err != nil {
		return file, err
	}
	s := training.Spec{Options: preset.Options}
	s.Options.Tags = maps.Clone(s.Options.Tags)
	if r.file != "" {
		if err := readPlanFile(r.file, &s); err != nil { // over what the preset holds
			return s, err
		}
	}
	given, o, to := r.given, r.given.Options, &s.Options
	for name, take := range map[string]func(){
		"dataset": func() { s.Dataset = given.Dataset }, "preset": func() { s.Preset = given.Preset }, "name": func() { s.Name = given.Name },
		"instance": func() { to.Instance = o.Instance }, "instances": func() { to.InstanceCount = o.InstanceCount },
		"image": func() { to.Image = o.Image }, "spot": func() { to.Spot = o.Spot },
		"max-runtime": func() { to.MaxRuntimeHours = o.MaxRuntimeHours }, "max-wait": func() { to.MaxWaitHours = o.MaxWaitHours },
		"subnet": func() { to.Subnets = o.Subnets }, "security-group": func() { to.SecurityGroups = o.SecurityGroups },
		"network-isolation": func() { to.NetworkIsolation = o.NetworkIsolation },
		"base-weights":      func() { to.BaseWeights = o.BaseWeights }, "wheels": func() { to.Wheels = o.Wheels },
		"hub-token-secret": func() { to.HubTokenSecret = o.HubTokenSecret }, "kms-key": func() { to.KMSKey = o.KMSKey },
	} {
		if c.Flags().Changed(name) {
			take()
		}
	}
	for k, v := range r.tags {
		if to.Tags == nil {
			to.Tags = map[string]string{}
		}
		to.Tags[k] = v
	}
	return s, nil
}

// readPlanFile reads a plan file; a name that it misspells is an error and not
// a job with a default.
func readPlanFile(path string, s *training.Spec) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxPlanFile+1))
	if err != nil {
		return err
	}
	if len(b) > maxPlanFile {
		return fmt.Errorf("%s is too large to be a plan file", safetext.Line(path))
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(s); err != nil {
		return fmt.Errorf("%s is not a plan file: %s; train plan --write makes one", safetext.Line(path), safetext.Line(err.Error()))
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s is not a plan file: something follows after the plan", safetext.Line(path))
	}
	return nil
}

// writePlanFile writes what was asked for, to be kept and started again. A name
// is left out unless it was given, because names are used once.
func writePlanFile(path string, s training.Spec) error {
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%s exists already; name another file", safetext.Line(path))
	}
	if err != nil {
		return err
	}
	_, err = f.Write(append(b, '\n'))
	return errors.Join(err, f.Close())
}
