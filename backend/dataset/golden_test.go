package dataset

import (
	"context"
	"os"
	"path/filepath"
	"testing"
)

// TestSplitIsTheSameEverywhere holds the splits of the sample against what
// another run, on another machine, has written: the same rows in the same bytes,
// whatever the number of processors, the platform or the format of the source.
func TestSplitIsTheSameEverywhere(t *testing.T) {
	recipes := map[string]struct {
		o    PrepareOptions
		want [3]string
	}{
		"split": {PrepareOptions{Seed: 1}, [3]string{
			"1c7eb851e1b59380666a76376532854cf2d4ba31923cc68808df4e4fd8f2bb85",
			"1590d8269f6dcfc41e3560ca7405b536612fe9b1dd170182c47f8af9cb6333d1",
			"5b80f393671718402928a992526f5eea18114bcf2bd8512351126cd5e62f878f",
		}},
		"recipe": {PrepareOptions{Seed: 20261127, Split: [3]float64{0.7, 0.2, 0.1}, Recipe: Recipe{
			Filter: "len(question) > 20", Trim: true, LineEnds: true, Unescape: true, Dedup: DedupRow, Sample: 300, SampleBy: SampleStratified,
			Against: "../../testdata/heldout.jsonl",
		}}, [3]string{
			"c5253be9175d4ea70649f824d6c00298d953de5a5f9dee197032c0642ecf291c",
			"41ca0574724902e9e83a8ac69e7656c9d7f9cae846608efa38e8016cc8c42a96",
			"d3564b6e54c0eb08531976225b5714074062c6505f821f1d3b05a72a7395c377",
		}},
	}
	for name, tc := range recipes {
		for _, source := range []string{"openorca-sample.jsonl", "openorca-sample.csv", "openorca-sample.parquet"} {
			o := tc.o
			o.Out = filepath.Join(t.TempDir(), "out")
			m, err := Prepare(context.Background(), filepath.Join("../../testdata", source), o, nil)
			if err != nil {
				t.Fatal(err)
			}
			if against := tc.o.Recipe.Against; against != "" && (len(m.Against) != 1 || len(m.Against[0].SHA256) != 64 || m.Against[0].Path != against) {
				t.Errorf("%s: the evaluation file is recorded as %+v", name, m.Against)
			}
			for i, s := range m.Splits {
				if s.SHA256 != tc.want[i] {
					t.Errorf("%s of %s: %s has %d rows and the hash %s, want %s", name, source, s.Name, s.Rows, s.SHA256, tc.want[i])
				}
				if st, err := os.Stat(filepath.Join(o.Out, s.File)); err != nil || st.Size() != s.Bytes {
					t.Errorf("%s: %v", s.File, err)
				}
			}
		}
	}
}
