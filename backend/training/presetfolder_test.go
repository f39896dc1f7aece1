package training

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"tunebench/backend/files"
)

const big = "mistralai/Mistral-7B-v0.3"

func TestPresetFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "config", "presets")
	s := New(Config{BaseModel: big, Own: PresetFolder(dir), Bucket: "b", RoleARN: "r", Region: "us-east-1", Now: clock})
	p, err := s.Preset("notebook")
	if err != nil {
		t.Fatal(err)
	}
	p.Name, p.Summary = "mine", "what I use"
	p.Settings.LearningRate, p.Settings.Packing = 5e-5, new(false)
	p.Options.Spot, p.Options.Tags, p.Options.Checkpoints = true, map[string]string{"team": "a"}, "s3://b/another-job/"
	if err := s.SavePreset(p, false); err != nil {
		t.Fatal(err)
	}
	var exists *files.ExistsError
	if err := s.SavePreset(p, false); !errors.As(err, &exists) {
		t.Errorf("saved twice: %v", err)
	}
	if err := s.SavePreset(p, true); err != nil {
		t.Error(err)
	}
	for path, mode := range map[string]fs.FileMode{dir: 0o700, filepath.Join(dir, "mine.json"): 0o600} {
		if i, err := os.Stat(path); err != nil || i.Mode().Perm() != mode {
			t.Errorf("%s: %v %v", path, i, err)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v %v", left, err)
	}
	got, err := s.Preset("mine")
	want := p
	want.Options.Checkpoints, want.BaseModel, want.Own = "", big, true
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v\ngot  %+v\nwant %+v", err, got, want)
	}
	var names []string
	for _, p := range s.Presets() {
		names = append(names, p.Name)
	}
	if all := strings.Join(names, " "); all != "qlora-7b notebook mine" {
		t.Error(all)
	}

	// A plan names it; a plan file does not need it.
	spec := Spec{Dataset: rowsFile(t, 100), Preset: "mine", Options: got.Options}
	plan, err := s.Plan(context.Background(), spec)
	if err != nil || plan.Config.Preset != "mine" || plan.Config.Settings.LearningRate != 5e-5 {
		t.Fatalf("%+v %v", plan, err)
	}
	spec = s.Portable(spec, plan)
	if err := s.DeletePreset("mine"); err != nil {
		t.Fatal(err)
	}
	again, err := s.Plan(context.Background(), spec)
	if err != nil || !reflect.DeepEqual(again.Config.Settings, plan.Config.Settings) || !reflect.DeepEqual(again.Options, plan.Options) {
		t.Errorf("%v\ngot  %+v\nwant %+v", err, again, plan)
	}
	if err := s.DeletePreset("mine"); err == nil || !strings.Contains(err.Error(), "there is no preset named mine") {
		t.Error(err)
	}
	if _, err := s.Preset("mine"); err == nil || !strings.Contains(err.Error(), "choose one of: qlora-7b, notebook") {
		t.Error(err)
	}
}

func TestPresetFolderRefuses(t *testing.T) {
	dir := t.TempDir()
	s := New(Config{BaseModel: SmallBase, Own: PresetFolder(dir)})
	good, err := s.Preset("")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"": "cannot be named", "../x": "cannot be named", "Mine": "cannot be named", ".x": "cannot be named", strings.Repeat("a", 41): "cannot be named",
		"style": "comes with the program", "notebook": "comes with the program",
	} {
		p := good
		p.Name = name
		if err := s.SavePreset(p, true); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", name, err)
		}
	}
	bad := good
	bad.Name, bad.Settings.BatchRows = "bad", 0
	if err := s.SavePreset(bad, true); err == nil || !strings.Contains(err.Error(), "batch_rows") {
		t.Error(err)
	}
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name+".json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("broken", `{"settings": {"learning_rat": 1}}`)
	write("large", strings.Repeat(" ", maxPresetFile+1))
	good.Name = "good"
	if err := s.SavePreset(good, false); err != nil {
		t.Fatal(err)
	}
	if all := s.Presets(); len(all) != 3 || all[2].Name != "good" {
		t.Errorf("%+v", all)
	}
	if err := s.BrokenPresets(); err == nil || !strings.Contains(err.Error(), `unknown field "learning_rat"`) || !strings.Contains(err.Error(), "large") {
		t.Error(err)
	}
	if _, err := s.Preset("broken"); err == nil || !strings.Contains(err.Error(), "correct "+filepath.Join(dir, "broken.json")) {
		t.Error(err)
	}
	// One saved for the small model is not offered for a big one.
	if _, err := New(Config{BaseModel: big, Own: PresetFolder(dir)}).Preset("good"); err == nil || !strings.Contains(err.Error(), "there is no preset") {
		t.Error(err)
	}
}

// TestTextsGiveTheSameSettings: settings that were told as text come back as they
// were.
func TestTextsGiveTheSameSettings(t *testing.T) {
	for _, p := range Presets() {
		for _, base := range Presets() {
			s := base.Settings
			if err := s.Override(p.Settings.Texts()); err != nil || !reflect.DeepEqual(s, p.Settings) {
				t.Errorf("%s over %s: %v\n%+v", p.Name, base.Name, err, s)
			}
		}
	}
}

func TestOptionsAsText(t *testing.T) {
	o := Options{Instance: "ml.g5.12xlarge", InstanceCount: 2, Spot: true, MaxRuntimeHours: 1.5, MaxWaitHours: 3, Subnets: []string{"subnet-a", "subnet-b"},
		SecurityGroups: []string{"sg-a"}, NetworkIsolation: true, BaseWeights: "s3://b/w/", Tags: map[string]string{"team": "a", "b": "c d"}}
	var got Options
	if err := got.Override(o.Texts()); err != nil || !reflect.DeepEqual(got, o) {
		t.Errorf("%v\ngot  %+v\nwant %+v", err, got, o)
	}
	for want, set := range map[string]map[string]string{
		`there is no job option "colour"`:                        {"colour": "red"},
		"job option spot cannot be \"perhaps\"":                  {"spot": "perhaps"},
		"job option instance_count cannot be \"x\"":              {"instance_count": "x"},
		"job option max_runtime_hours cannot be \"x\"":           {"max_runtime_hours": "x"},
		"job option tags cannot be \"a\"; it is a list such as":  {"tags": "a"},
		"needs both subnets and security_groups":                 {"subnets": "subnet-a"},
		"max_wait_hours is for spot capacity":                    {"max_wait_hours": "3"},
		"instance cannot be \"g5\"; it is an instance type such": {"instance": "g5"},
	} {
		var o Options
		if err := o.Override(set); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v", set, err)
		}
	}
}
