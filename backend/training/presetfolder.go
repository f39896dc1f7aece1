package training

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"tunebench/backend/files"
	"tunebench/backend/safetext"
)

// PresetFolder keeps presets of the user's own: each a file NAME.json of mode
// 0600, which may be edited by hand. "" keeps none.
type PresetFolder string

const (
	maxPresetFile = 1 << 16
	maxSummary    = 200
)

func (d PresetFolder) files() files.Folder {
	return files.Folder{Dir: string(d), Kind: "preset", Suffix: ".json", Most: maxPresetFile}
}

// presetFile is what such a file holds.
type presetFile struct {
	Summary   string   `json:"summary"`
	BaseModel string   `json:"base_model"`
	Settings  Settings `json:"settings"`
	Options   Options  `json:"options,omitzero"`
}

// ownName refuses names that no preset of the user's can have.
func ownName(name string) error {
	if slices.ContainsFunc(Presets(), func(p Preset) bool { return p.Name == name }) {
		return fmt.Errorf("%s is a preset that comes with the program; choose another name", name)
	}
	return nil
}

// List reads all presets, by name. Files that cannot be read are left out, and
// the error is about them.
func (d PresetFolder) List() ([]Preset, error) {
	names, err := d.files().Names()
	var all []Preset
	for _, name := range names {
		if ownName(name) != nil {
			continue
		}
		p, e := d.Read(name)
		if e != nil {
			err = errors.Join(err, e)
			continue
		}
		all = append(all, p)
	}
	return all, err
}

// Read reads one preset. The error of one that was never saved is
// fs.ErrNotExist.
func (d PresetFolder) Read(name string) (p Preset, err error) {
	if err := ownName(name); err != nil {
		return Preset{}, err
	}
	err = d.files().Read(name, func(b []byte) error {
		var f presetFile
		r := json.NewDecoder(bytes.NewReader(b))
		r.DisallowUnknownFields()
		if err := r.Decode(&f); err != nil {
			return err
		}
		p = Preset{Name: name, Summary: safetext.Line(f.Summary), Settings: f.Settings, Options: f.Options, BaseModel: safetext.Line(f.BaseModel), Own: true}
		return errors.Join(f.Settings.check(), f.Options.check())
	})
	if err != nil {
		return Preset{}, err
	}
	return p, nil
}

// Save writes a preset under its name. One that is there already is only
// replaced when that is wanted; the error is *files.ExistsError otherwise.
func (d PresetFolder) Save(p Preset, replace bool) error {
	p.Options.Checkpoints = "" // another job's
	switch err := ownName(p.Name); {
	case err != nil:
		return err
	case p.BaseModel == "":
		return fmt.Errorf("the preset %s has no base model", safetext.Line(p.Name))
	case len(p.Summary) > maxSummary:
		return fmt.Errorf("the summary of the preset %s is too long; at most %d characters", safetext.Line(p.Name), maxSummary)
	}
	if err := errors.Join(p.Settings.check(), p.Options.check()); err != nil {
		return err
	}
	b, err := json.MarshalIndent(presetFile{safetext.Line(p.Summary), p.BaseModel, p.Settings, p.Options}, "", "  ")
	if err != nil {
		return err
	}
	return d.files().Save(p.Name, append(b, '\n'), replace)
}

// Delete removes a preset.
func (d PresetFolder) Delete(name string) error {
	if err := ownName(name); err != nil {
		return err
	}
	err := d.files().Delete(name)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no preset named %s; `train presets` shows those there are", name)
	}
	return err
}

// Find returns a preset by name, of the program's or of the user's, for a base
// model; "" asks for the default.
func (d PresetFolder) Find(base, name string) (Preset, error) {
	fit := presetsFor(base)
	if name == "" {
		return fit[0], nil
	}
	for _, p := range fit {
		if p.Name == name {
			return p, nil
		}
	}
	own, err := d.Read(name)
	if err == nil && own.fits(base) {
		return own, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) && d.files().Check(name) == nil && ownName(name) == nil {
		return Preset{}, err
	}
	mine, _ := d.List() // what cannot be read is not on offer
	var names []string
	for _, p := range append(fit, mine...) {
		if p.fits(base) {
			names = append(names, p.Name)
		}
	}
	return Preset{}, fmt.Errorf("there is no preset %q for the base model %s; choose one of: %s", safetext.Line(name), base, strings.Join(names, ", "))
}

// fits reports whether a preset is for a base model: its numbers are for small or
// for big ones.
func (p Preset) fits(base string) bool {
	return !p.Own || (p.BaseModel == SmallBase) == (base == SmallBase)
}

// Presets lists the presets for the account's base model: the program's, the
// default first, and the user's own that can be read.
func (s *Service) Presets() []Preset {
	all := presetsFor(s.c.BaseModel)
	own, _ := s.c.Own.List() // Preset says what is wrong with one
	return append(all, slices.DeleteFunc(own, func(p Preset) bool { return !p.fits(s.c.BaseModel) })...)
}

// BrokenPresets says which of the user's presets cannot be read, and why; nil
// when all can.
func (s *Service) BrokenPresets() error {
	_, err := s.c.Own.List()
	return err
}

// Preset returns a preset for the account's base model; "" asks for the
// configured one, or the default where that is for another base model.
func (s *Service) Preset(name string) (Preset, error) {
	if name == "" {
		for _, p := range s.Presets() {
			if p.Name == s.c.Defaults.Preset {
				name = p.Name
			}
		}
	}
	return s.c.Own.Find(s.c.BaseModel, name)
}

// Portable is a spec that needs none of the user's own presets: it holds the
// settings of its plan itself.
func (s *Service) Portable(spec Spec, p Plan) Spec {
	if preset, err := s.Preset(spec.Preset); err == nil && preset.Own {
		spec.Preset, spec.Set = presetsFor(s.c.BaseModel)[0].Name, p.Config.Settings.Texts()
	}
	return spec
}

// SavePreset saves settings and options under a name, for the account's base
// model.
func (s *Service) SavePreset(p Preset, replace bool) error {
	p.BaseModel = s.c.BaseModel
	return s.c.Own.Save(p, replace)
}

// DeletePreset removes one of the user's own presets.
func (s *Service) DeletePreset(name string) error { return s.c.Own.Delete(name) }
