package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Paths are the folders in which the program keeps things. They need not exist;
// see [Paths.Create].
type Paths struct {
	Config string // the configuration file and the user's themes
	State  string // what must survive: database, local account
	Cache  string // what can be made again
}

const program = "tunebench"

// DefaultPaths returns the folders: with a home everything lies in it (the
// configuration at HOME/config.toml, HOME/state, HOME/cache), without one in
// tunebench under the XDG folders. As the XDG rules want, variables that are
// not absolute paths are ignored.
func DefaultPaths(home string) (Paths, error) {
	if home != "" {
		abs, err := filepath.Abs(home)
		if err != nil {
			return Paths{}, fmt.Errorf("find the home folder %s: %w", home, err)
		}
		return Paths{Config: abs, State: filepath.Join(abs, "state"), Cache: filepath.Join(abs, "cache")}, nil
	}
	var p Paths
	var missing error
	set := func(to *string, variable string, under ...string) {
		base := os.Getenv(variable)
		if !filepath.IsAbs(base) {
			user, err := os.UserHomeDir()
			if err != nil || !filepath.IsAbs(user) {
				missing = errors.New("there is no home folder: set HOME, or say with --home where to keep things")
				return
			}
			base = filepath.Join(append([]string{user}, under...)...)
		}
		*to = filepath.Join(base, program)
	}
	set(&p.Config, "XDG_CONFIG_HOME", ".config")
	set(&p.State, "XDG_STATE_HOME", ".local", "state")
	set(&p.Cache, "XDG_CACHE_HOME", ".cache")
	if missing != nil {
		return Paths{}, missing
	}
	return p, nil
}

// ConfigFile is where the configuration is read from.
func (p Paths) ConfigFile() string { return filepath.Join(p.Config, "config.toml") }

// ThemesDir is where a user's own themes lie.
func (p Paths) ThemesDir() string { return filepath.Join(p.Config, "themes") }

// PresetsDir is where a user's own training presets lie.
func (p Paths) PresetsDir() string { return filepath.Join(p.Config, "presets") }

// PromptsDir is where a user's own prompts lie.
func (p Paths) PromptsDir() string { return filepath.Join(p.Config, "prompts") }

// Create makes the state and cache folders, readable by the user alone. The
// configuration folder is made when something is saved in it.
func (p Paths) Create() error {
	for _, dir := range []string{p.State, p.Cache} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("make the folder %s: %w; say with --home where else to keep things", dir, err)
		}
	}
	return nil
}
