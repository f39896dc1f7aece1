package tui_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"tunebench/backend/dataset"
	"tunebench/tui/uitest"
)

// TestRecipe: a filter in view becomes the recipe's, what is wrong is said at its
// field, and what is asked for is what is done.
func TestRecipe(t *testing.T) {
	play(t, uitest.Full, 80, 24, func(r *rig) {
		r.press("&")
		r.write("answer ~ months")
		r.press("enter")
		r.pass(time.Second)
		r.press("p")
		r.want("[ Prepare ]", "answer ~ months, no question twice", "0.9, 0.05, 0.05, seed 1")
		r.press("down", "enter", "down")
		r.want("> answer ~ months")
		r.write(" and len(answre) > 1")
		r.press("ctrl+s")
		r.want("there is no column \"answre\"")
		for range " and len(answre) > 1" {
			r.press("backspace")
		}
		r.press("down", "right", "right") // nearly the same
		r.press("down", "down")
		r.write("1,0x0")
		r.press("ctrl+s")
		r.want("a whole number is needed")
		r.press("backspace", "backspace")
		r.write("00")
		r.press("down", "right", "right") // each sub-mix its share
		r.press("down", "enter", "down", "right")
		r.press("ctrl+s")
		r.pass(time.Second)
		r.want("Prepared")
		want := `recipe {"filter":"answer ~ months","trim":true,"dedup":"near","sample":1000,"sample_by":"stratified"}`
		if did := r.world.Done(); !slices.Contains(did, want) {
			r.t.Errorf("asked for %q", did)
		}
	})
}

// TestPrepareAs: the splits are written in the format that was chosen.
func TestPrepareAs(t *testing.T) {
	play(t, uitest.Full, 80, 24, func(r *rig) {
		r.press("p")
		r.want("seed 1, JSON Lines")
		r.press("down", "down", "down", "enter", "down", "down", "down")
		r.want("training and evaluation read both")
		r.press("right", "ctrl+s")
		r.pass(time.Second)
		if did := r.world.Done(); !slices.Contains(did, "as parquet") {
			r.t.Errorf("asked for %q", did)
		}
	})
}

// TestRecipeFile: a recipe is kept as a file that the command line takes, and read
// back.
func TestRecipeFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "recipe.json")
	save := func(r *rig) {
		r.press("p", "down", "enter", "down")
		r.write("len(answer) > 3")
		r.press("up", "enter", "down", "down", "down", "down")
		r.want("as a file for git")
		r.press("enter")
		for range "recipe.json" {
			r.press("backspace")
		}
		r.write(path)
		r.press("enter")
		r.want("dataset prepare --recipe")
	}
	play(t, uitest.Full, 120, 40, save)
	got, err := dataset.ReadRecipe(path)
	if err != nil || got.Recipe != (dataset.Recipe{Filter: "len(answer) > 3"}) || got.Split != dataset.DefaultSplit || got.Seed != 1 || got.PromptFormat != "mistral-v3" {
		t.Fatalf("saved %+v, %v", got, err)
	}
	got.Recipe.MaxTokens, got.Seed = 64, 7
	if err := got.Write(path); err != nil {
		t.Fatal(err)
	}
	load := func(r *rig) {
		r.press("p", "up", "up", "up", "up")
		r.want("manifest of an earlier preparation")
		r.press("enter")
		r.write(path)
		r.press("enter")
	}
	play(t, uitest.Full, 120, 40, func(r *rig) {
		load(r)
		r.want("the recipe of", "len(answer) > 3, no question twice", "tokens up to 64", "seed 7")
	})
	if err := os.WriteFile(path, []byte(`{"recipe":{"fliter":"x"}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	play(t, uitest.Full, 120, 40, func(r *rig) {
		load(r)
		r.want("fliter")
	})
}
