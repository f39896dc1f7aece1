// Package container holds the Python that runs inside a training job's
// container, and the table of images that it runs in.
//
// The files are data here: this package embeds them and reads the table, and
// training uploads them as the job's code channel. What the code does and how
// it is tested is in the README beside it; no Python is needed to build or to
// test the Go side.
package container

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"time"
)

//go:embed launch.py images.json tb/*.py tb/templates/*.jinja requirements/*.txt
var files embed.FS

// Files are the files of a job's code channel, besides job.json: launch.py,
// which the container starts, the package tb and the pinned requirements.
func Files() fs.FS { return files }

// Image is a container image whose PyTorch and CUDA the requirements fit.
type Image struct {
	Name         string `json:"name"`
	Repository   string `json:"repository"`
	Tag          string `json:"tag"`
	Torch        string `json:"torch"`
	CUDA         string `json:"cuda"`
	Requirements string `json:"requirements"` // file of Files
	// EndOfPatch is the day (2006-01-02) from which the image gets no more
	// security fixes; "" when that has passed on a day that is not known here.
	EndOfPatch string `json:"end_of_patch"`
	Default    bool   `json:"default"`
}

// Table is what is known about images, as of the day Checked.
type Table struct {
	Checked string `json:"checked"`
	// Registries are the accounts that hold the images, by region. They are the
	// regions in which Bedrock imports models.
	Registries map[string]string `json:"registries"`
	Images     []Image           `json:"images"`
}

// Images returns the table of images.
func Images() (Table, error) {
	var t Table
	b, err := files.ReadFile("images.json")
	if err != nil {
		return t, err
	}
	if err := json.Unmarshal(b, &t); err != nil {
		return t, fmt.Errorf("images.json is not valid: %w", err)
	}
	return t, nil
}

// URI is the image's name in a region's registry. The error says where there
// is one.
func (t Table) URI(i Image, region string) (string, error) {
	account, ok := t.Registries[region]
	if !ok {
		return "", fmt.Errorf("no registry of training images is known for the region %q; choose a region in which Bedrock imports models (us-east-1, us-east-2, us-west-2, eu-central-1) or name the image yourself", region)
	}
	return account + ".dkr.ecr." + region + ".amazonaws.com/" + i.Repository + ":" + i.Tag, nil
}

// Default is the image for those who choose none.
func (t Table) Default() Image {
	for _, i := range t.Images {
		if i.Default {
			return i
		}
	}
	return t.Images[0]
}

// Patched reports whether the image still gets security fixes on a day.
func (i Image) Patched(day time.Time) bool {
	end, err := time.Parse(time.DateOnly, i.EndOfPatch)
	return err == nil && day.Before(end)
}
