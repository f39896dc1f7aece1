package widget

import (
	"reflect"
	"testing"
)

// TestCodeBlocks: blocks of code are taken out as they are drawn.
func TestCodeBlocks(t *testing.T) {
	for text, want := range map[string][]CodeBlock{
		"no `code` here": nil,
		"so:\n```go\nfunc f() {\n\treturn\n}\n```\nand\n~~~\nx\n```\n~~~\n": {{"go", "func f() {\n\treturn\n}"}, {"", "x\n```"}},
		"1. so:\n   ```sh -x\n   ls\n     -l\n   ````\n2. then":             {{"sh", "ls\n  -l"}},
		"```\nnever closed\n\n": {{"", "never closed\n"}},
		"```\n```":              {{"", ""}},
	} {
		if got := CodeBlocks(text); !reflect.DeepEqual(got, want) {
			t.Errorf("%q:\n got %q\nwant %q", text, got, want)
		}
	}
}
