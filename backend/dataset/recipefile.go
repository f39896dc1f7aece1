package dataset

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"tunebench/backend/files"
	"tunebench/backend/safetext"
)

// RecipeFile is a recipe as a file to keep beside the code: what Prepare is to
// do with any source. Its keys are those of the manifest, so that a manifest is
// a recipe file, too.
type RecipeFile struct {
	PromptFormat string     `json:"prompt_format,omitempty"`
	Seed         uint64     `json:"seed"`
	Split        [3]float64 `json:"split"`
	Recipe       Recipe     `json:"recipe"`
}

// maxRecipe bounds the size of a recipe file in bytes; a manifest lists files.
const maxRecipe = 4 << 20

// ReadRecipe reads a recipe file, or the recipe of a manifest. A key that is not
// known is an error, so that a slip does not go unseen.
func ReadRecipe(path string) (RecipeFile, error) {
	shown := safetext.Line(path)
	f, err := os.Open(path)
	if err != nil {
		return RecipeFile{}, fmt.Errorf("read the recipe %s: %w", shown, err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxRecipe+1))
	if err != nil {
		return RecipeFile{}, fmt.Errorf("read the recipe %s: %w", shown, err)
	}
	if len(b) > maxRecipe {
		return RecipeFile{}, fmt.Errorf("%s is larger than %d MiB and no recipe", shown, maxRecipe>>20)
	}
	var r RecipeFile
	var manifest struct {
		Version int             `json:"version"`
		Splits  json.RawMessage `json:"splits"`
	}
	if json.Unmarshal(b, &manifest) == nil && manifest.Version == 1 && manifest.Splits != nil {
		if err := json.Unmarshal(b, &r); err != nil {
			return RecipeFile{}, fmt.Errorf("the manifest %s cannot be read: %w", shown, err)
		}
	} else {
		d := json.NewDecoder(bytes.NewReader(b))
		d.DisallowUnknownFields()
		if err := d.Decode(&r); err != nil {
			return RecipeFile{}, fmt.Errorf("the recipe %s cannot be read: %w; its keys are prompt_format, seed, split and recipe, as in a manifest", shown, err)
		}
		if _, err := d.Token(); !errors.Is(err, io.EOF) {
			return RecipeFile{}, fmt.Errorf("the recipe %s goes on behind its end; it must be one JSON object", shown)
		}
	}
	if err := r.Recipe.check(); err != nil {
		return RecipeFile{}, fmt.Errorf("%s: %w", shown, err)
	}
	if r.Split, err = checkSplit(r.Split); err != nil {
		return RecipeFile{}, fmt.Errorf("%s: %w", shown, err)
	}
	return r, nil
}

// Write writes a recipe file, as a whole or not at all.
func (r RecipeFile) Write(path string) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // filters are full of < and >
	enc.SetIndent("", "  ")
	if err := enc.Encode(r); err != nil {
		return fmt.Errorf("write the recipe: %w", err)
	}
	if err := files.Write(path, b.Bytes(), 0o644); err != nil {
		return fmt.Errorf("write the recipe %s: %w", safetext.Line(path), err)
	}
	return nil
}
