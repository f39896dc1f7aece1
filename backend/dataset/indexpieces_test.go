package dataset

import (
	"bytes"
	"context"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
)

// The index of pieces is the one that reading byte after byte makes, whatever
// quotes, carriage returns and stray quotes stand where pieces and blocks meet.
func TestIndexOfPieces(t *testing.T) {
	ctx := context.Background()
	rng := rand.New(rand.NewPCG(7, 8))
	for round, words := range [][]string{
		{"a,b\n", "\"x\ny\",c\n", "\"say \"\"so\"\"\",d\n", strings.Repeat("long ", 40)},
		{"5\" nail,\"\n", "\"\"", "\"", ",", "\n", "\r\n", "\r", "word", "\"\r\"", "x\"\"\n"},
		{"\"open ", "never closed\n", "\n", ","},
		{strings.Repeat("\r", 70_000), "\"", "a,b\r\n", "\"q\"\r\r"},
		{strings.Repeat("no end of line, ", 9_000), "a,b\n"},
	} {
		var b bytes.Buffer
		for b.Len() < 3<<20 {
			if round == 2 && rng.IntN(50_000) > 0 {
				b.WriteString(words[1+rng.IntN(3)])
			} else {
				b.WriteString(words[rng.IntN(len(words))])
			}
		}
		for _, split := range []splitter{delimited{','}, delimited{'\t'}, lines{}} {
			for _, start := range []int64{0, 3, 70_001} {
				if _, ok := split.(lines); !ok && start == 0 {
					continue // a header stands before
				}
				content := bytes.Clone(b.Bytes())
				if start > 0 {
					content[start-1] = '\n'
				}
				content = append(content, "x"...)
				fresh := func() *text { return textOf(t, content, split, start) }
				one, all := fresh(), fresh()
				buf := [readSize]byte{}
				for more := true; more; {
					var err error
					if more, err = one.extend(buf[:]); err != nil {
						t.Fatal(err)
					}
				}
				if _, err := all.extend(buf[:]); err != nil { // as Open does
					t.Fatal(err)
				}
				if err := all.indexPieces(ctx, func() {}); err != nil {
					t.Fatal(err)
				}
				if !all.ended || one.rows != all.rows || one.open != all.open || one.atSt != all.atSt || !reflect.DeepEqual(one.blocks, all.blocks) {
					for i := range min(len(one.blocks), len(all.blocks)) {
						if one.blocks[i] != all.blocks[i] {
							t.Errorf("block %d: %+v, want %+v", i, all.blocks[i], one.blocks[i])
							break
						}
					}
					t.Fatalf("round %d, %T from %d: %d rows in %d blocks, want %d in %d", round, split, start, all.rows, len(all.blocks), one.rows, len(one.blocks))
				}
			}
		}
	}
}

// textOf is the text of records in content, nothing of it indexed.
func textOf(tb testing.TB, content []byte, split splitter, start int64) *text {
	tb.Helper()
	x, err := newText(newSource("x", bytes.NewReader(content), int64(len(content)), true, func() error { return nil }), split, start, state{})
	if err != nil {
		tb.Fatal(err)
	}
	return x
}
