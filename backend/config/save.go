package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"

	"tunebench/backend/files"
)

// SaveTheme writes the choice of a theme into the configuration file at path
// and leaves everything else in it as it is, comments too. The file is replaced
// in one step, or not at all.
func SaveTheme(path, theme string) error {
	raw, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("save the theme: %w", err)
	}
	text, err := setTheme(string(raw), theme)
	if err != nil {
		return fmt.Errorf("save the theme in %s: %w", path, err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("save the theme: %w", err)
	}
	if err := files.Write(path, []byte(text), 0o600); err != nil {
		return fmt.Errorf("save the theme: %w", err)
	}
	return nil
}

// setTheme edits the text of a file and makes sure that nothing but the theme
// has changed.
func setTheme(src, theme string) (string, error) {
	var before, after map[string]any
	if _, err := toml.Decode(src, &before); err != nil {
		return "", fmt.Errorf("the file has an error, correct it first: %w", err)
	}
	setting := "theme = " + strconv.Quote(theme)
	lines := strings.SplitAfter(src, "\n")
	header, place := -1, -1
	table := ""
	for i, line := range lines {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			table = bare(strings.Trim(strings.SplitN(line, "#", 2)[0], "[] \t"))
			if table == "ui" {
				header = i
			}
			continue
		}
		k, v, ok := strings.Cut(line, "=")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		if k = bare(k); table == "ui" && k == "theme" || table == "" && k == "ui.theme" {
			place = i
			if k == "ui.theme" {
				setting = "ui." + setting
			}
			if _, comment, ok := strings.Cut(v, " #"); ok {
				setting += " #" + comment
			}
			break
		}
	}
	var out string
	switch {
	case place >= 0:
		lines[place] = setting + "\n"
		out = strings.Join(lines, "")
	case header >= 0:
		if !strings.HasSuffix(lines[header], "\n") {
			lines[header] += "\n"
		}
		lines[header] += setting + "\n"
		out = strings.Join(lines, "")
	default:
		out = src
		if out != "" {
			out = strings.TrimRight(out, "\n") + "\n\n"
		}
		out += "[ui]\n" + setting + "\n"
	}

	by := errors.New(`its form is too unusual to be edited by the program; set theme = ` + strconv.Quote(theme) + " in [ui] yourself")
	if _, err := toml.Decode(out, &after); err != nil {
		return "", by
	}
	ui, _ := after["ui"].(map[string]any)
	if ui == nil || ui["theme"] != theme {
		return "", by
	}
	delete(ui, "theme")
	if old, ok := before["ui"].(map[string]any); ok {
		delete(old, "theme")
	} else if len(ui) == 0 {
		delete(after, "ui")
	}
	if len(before) != len(after) || len(before) > 0 && !reflect.DeepEqual(before, after) {
		return "", by
	}
	return out, nil
}
