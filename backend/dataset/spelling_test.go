package dataset

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"tunebench/backend/dataset/bytemask"
)

// Rows that say the same in another spelling repeat each other, and no others do.
func TestRepetitionsHoweverSpelled(t *testing.T) {
	ctx := context.Background()
	rng := rand.New(rand.NewPCG(11, 12))
	texts := []string{`"plain"`, `"\u0070lain"`, `"a\/b"`, `"a/b"`, `"a\\/b"`, `"a\\b"`, `"a\u005cb"`, `"say \"so\""`, `"say \u0022so\u0022"`, `"é"`, `"\u00e9"`, `"\u00E9"`,
		`"\n"`, `"\u000a"`, `"\u000A"`, `"\\n"`, `"\u0001"`, `"\u001f"`, `"\u001F"`, `"😀"`, `"\ud83d\ude00"`, `"\ud83d"`, `"\ufffd"`, `""`, `null`, `5`, `"5"`, `true`, `"true"`, `[]`, `["a/b"]`, `["a\/b", 2]`, `{"text": "\u0070lain"}`, `{"a":1}`, `"{\"a\":1}"`, `"[]"`, `[[5]]`}
	for range 20 {
		texts = append(texts, `"`+strings.Repeat([]string{`word `, `\"so\" `, `\n`, `\\`, `\u0020`, `\/`, `é`}[rng.IntN(7)], 1+rng.IntN(160))+`"`)
	}
	var b strings.Builder
	pick := func() string { return texts[rng.IntN(len(texts))] }
	for i := range 20_000 {
		switch rng.IntN(40) {
		case 0:
			fmt.Fprintf(&b, "{\"question\":%s}\n", pick())
		case 1:
			fmt.Fprintf(&b, "{\"question\":%s,\"response\":%s\n", pick(), pick())
		case 2:
			fmt.Fprintf(&b, "{\"\\u0071uestion\":%s,\"id\":%d,\"response\":%s}\n", pick(), i, pick())
		case 3:
			fmt.Fprintf(&b, " { \"question\" : %s , \"response\" : %s , \"response\":\"twice\" } \r\n", pick(), pick())
		case 4:
			b.WriteString([]string{"\n", "[]\n", "{\"question\":\"\xff\",\"response\":\"\"}\n", "{\"question\":\"\\x\",\"response\":\"\"}\n", "{\"question\":\"a\tb\",\"response\":\"\"}\n"}[rng.IntN(5)])
		default:
			fmt.Fprintf(&b, "{\"id\":\"%d\",\"question\":%s,\"response\":%s}\n", i, pick(), pick())
		}
	}
	path := write(t, "x.jsonl", "{\"question\":\"first\",\"response\":\"row\"}\n"+b.String())
	var want []string
	d := open(t, path)
	seen := map[[2]string]bool{}
	err := d.Examples(ctx, 0, func(e Example) error {
		if key := [2]string{e.Question, e.Answer}; e.Err == "" {
			if seen[key] {
				want = append(want, fmt.Sprint(e.Index))
			}
			seen[key] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(want); n < 12_000 || n > 18_000 {
		t.Fatal(n, "repetitions")
	}
	lazy, err := Open(ctx, path, OpenOptions{Lazy: true})
	if err != nil {
		t.Fatal(err)
	}
	defer lazy.Close()
	for i, d := range []*Dataset{d, lazy} {
		if i == 0 {
			if err := d.WaitIndexed(ctx); err != nil {
				t.Fatal(err)
			}
		}
		if i == 1 && d.unindexed() == nil || !d.spelled() {
			t.Error("this does not try what it is to try")
		}
		l, err := d.Filter(ctx, "duplicate")
		if got := strings.Fields(found(t, l, err)); !slices.Equal(got, want) {
			for i := range min(len(got), len(want)) {
				if got[i] != want[i] {
					t.Fatalf("%d: row %s, want %s, of %d and %d", i, got[i], want[i], len(got), len(want))
				}
			}
			t.Fatalf("%d: %d rows, want %d", i, len(got), len(want))
		}
	}
}

func FuzzSpell(f *testing.F) {
	f.Add("plain \"so\" \\ / \n\x00\x1f é \u2028")
	f.Fuzz(func(t *testing.T, text string) {
		s := append(spell(nil, text), '"')
		if n, ok := bytemask.Spelled(s); !bytes.Contains(s, []byte(`\u`)) && (!ok || n != len(s)-1) {
			t.Fatalf("%q is spelled %q: %d, %v", text, s, n, ok)
		}
		var back string
		if err := json.Unmarshal([]byte(`"`+string(s)), &back); utf8.ValidString(text) && (err != nil || back != text) {
			t.Fatalf("%q is spelled %q: %q, %v", text, s, back, err)
		}
	})
}
