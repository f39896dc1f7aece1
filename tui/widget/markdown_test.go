package widget

import (
	"math/rand"
	"regexp"
	"strings"
	"testing"

	"tunebench/backend/safetext"
	"tunebench/themes"
)

var sgrSequence = regexp.MustCompile(`\x1b\[[0-9;]*m`)

func testLook(t testing.TB) *Look {
	t.Helper()
	th, err := themes.NewSet(nil).Load(themes.DefaultDark)
	if err != nil {
		t.Fatal(err)
	}
	return NewLook(th)
}

func bare(lines []string) string {
	var b strings.Builder
	for _, s := range lines {
		b.WriteString(strings.TrimRight(sgrSequence.ReplaceAllString(s, ""), " ") + "\n")
	}
	return b.String()
}

func TestMarkdown(t *testing.T) {
	l := testLook(t)
	for _, c := range []struct{ name, in, want string }{
		{"paragraph", "The tent is sold in brown,\nand it is covered.", "The tent is sold in brown,\nand it is covered.\n"},
		{"wrap", "The tent is sold in brown, and it is covered for six months.", "The tent is sold in brown, and it is\ncovered for six months.\n"},
		{"emphasis", "**bold** and *slanted* and ~~gone~~ and ***both*** and __too__ and _so_", "bold and slanted and gone and both and\ntoo and so\n"},
		{"not emphasis", "2 * 3 * 4, a_b_c, 5*6, *alone, \\*escaped\\*", "2 * 3 * 4, a_b_c, 5*6, *alone,\n*escaped*\n"},
		{"code", "use `a*b*c` and ``x ` y``, not `open", "use a*b*c and x ` y, not `open\n"},
		{"headings", "# One\n## Two ##\n#hash\n####### seven", "One\nTwo\n#hash\n####### seven\n"},
		{"list", "- one\n* two\n  - under\n10. ten is longer than one line of this width\n- [x] done", "- one\n- two\n  - under\n10. ten is longer than one line of this\n    width\n- [x] done\n"},
		{"quote", "> said\n>> twice", "│ said\n│ │ twice\n"},
		{"rule", "a\n\n\n---\nb", "a\n\n────────────────────────────────────────\nb\n"},
		{"fence", "```go\nfunc *f*() {\n\treturn\n```\nafter", "┌─ go\n│ func *f*() {\n│     return\n└─\nafter\n"},
		{"open fence", "~~~\nx := \"a\"\n```", "┌─\n│ x := \"a\"\n│ ```\n"},
		{"fence in a list", "1. so:\n   ```sh\n   ls\n   ```\n2. then", "1. so:\n┌─ sh\n│ ls\n└─\n2. then\n"},
		{"long code is kept", "```\n" + strings.Repeat("abcdefghij", 5) + "\n```", "┌─\n│ abcdefghijabcdefghijabcdefghijabcdefgh\n│ ijabcdefghij\n└─\n"},
		{"table", "| name | n |\n|---|--:|\n| one | 1 |\n| *twelve* | 12 |\nend", "name   │  n\n───────┼───\none    │  1\ntwelve │ 12\nend\n"},
		{"narrow table", "a|b\n-|-\na text that is longer than its column can be|x", "a                                    │ b\n─────────────────────────────────────┼──\na text that is longer than its       │ x\ncolumn can be                        │\n"},
		{"no table", "a | b\nc | d", "a | b\nc | d\n"},
		{"link", "see [the docs](https://x.example/a) and <https://y.example> and ![pic](p.png)", "see the docs (https://x.example/a) and\nhttps://y.example and pic (p.png)\n"},
		{"entities", "&lt;b&gt; &amp;&#65; &unknown; AT&T", "<b> &A &unknown; AT&T\n"},
		{"hostile entities", "a&#27;]0;owned&#7;b &#x9d;52;c;x&#x9c; &#155;2J&NewLine;&#0;c", "a␛]0;owned␇b \uFFFD52;c;xœ ›2J\uFFFDc\n"},
		{"break", "one<br>two<br/>three", "one two three\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var m Markdown
			lines := m.Lines(l, safetext.Text(c.in), 40)
			if got := bare(lines); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
			for _, s := range lines {
				if w := l.Width(sgrSequence.ReplaceAllString(s, "")); w != 40 {
					t.Errorf("%d cells: %q", w, s)
				}
			}
		})
	}
}

// corpus is Markdown of all kinds, and what only looks like it.
const corpus = "# Head\n\nSome *text* with `code` and **more\n\n- a\n  - b | c\n\n| a | b |\n|:--|--:|\n| 1 | 2 |\n| **x** | `y|z` |\n\nafter | not\na table\n\n```go\nx := 1 | 2\n\n```\n> q &amp; &#27;]0;x&#7;\n\n1. one\n2. two\n\n~~~ | odd\n|-|-|\n~~~\n | lone\n--|--\n漢字 | 한국어 👍\n\n\n---\n[l](u) ***z*** *_*_ ` `` ` \\"

// TestMarkdownPieces: a text that arrives in pieces is drawn as the whole is, and
// every line of it has the same width.
func TestMarkdownPieces(t *testing.T) {
	l := testLook(t)
	rnd := rand.New(rand.NewSource(1))
	for range 300 {
		parts := strings.SplitAfter(corpus, "\n")
		rnd.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
		text := safetext.Text(strings.Join(parts, ""))
		width := 8 + rnd.Intn(60)
		var whole, grown Markdown
		for at := 0; at < len(text); {
			at = min(len(text), at+1+rnd.Intn(40))
			grown.Lines(l, text[:at], width)
		}
		got, want := grown.Lines(l, text, width), whole.Lines(l, text, width)
		if bare(got) != bare(want) {
			t.Fatalf("width %d, in pieces\n%s\nwhole\n%s\nof %q", width, bare(got), bare(want), text)
		}
	}
}

func FuzzMarkdown(f *testing.F) {
	f.Add(corpus, 30, 7)
	f.Add("a*b*|c\n-|-\n&#27;[2J|\n```x\n", 12, 3)
	f.Fuzz(func(t *testing.T, text string, width, cut int) {
		width, text = 8+max(width, -width)%100, safetext.Text(text)
		if width < 8 {
			return
		}
		l := testLook(t)
		var whole, grown Markdown
		want := whole.Lines(l, text, width)
		for _, s := range want {
			plainText := sgrSequence.ReplaceAllString(s, "")
			if w := l.Width(plainText); w != width {
				t.Fatalf("%d cells, not %d: %q", w, width, s)
			}
			if safetext.Text(plainText) != plainText {
				t.Fatalf("not clean: %q", plainText)
			}
		}
		if cut > 0 && cut < len(text) {
			grown.Lines(l, text[:cut], width)
			if got := grown.Lines(l, text, width); bare(got) != bare(want) {
				t.Fatalf("in pieces\n%s\nwhole\n%s", bare(got), bare(want))
			}
		}
	})
}

// TestMarkdownCost: a mark without a partner is looked for once, not from every
// place; and what has been drawn is not drawn again.
func TestMarkdownCost(t *testing.T) {
	l := testLook(t)
	for _, s := range []string{"*a ", "**a ", "`a ", "[a ", "_a ", "***", "[a](", "| ", "&a;", "<a>"} {
		var m Markdown
		m.Lines(l, strings.Repeat(s, 1<<20/len(s)), 60)
	}
	var m Markdown
	text := strings.Repeat("A line of *text* with a **mark** or two.\n", 5000)
	m.Lines(l, text, 60)
	more := text
	if n := testing.AllocsPerRun(50, func() { more += "x"; m.Lines(l, more, 60) }); n > 30 {
		t.Errorf("%.0f allocations for one more letter", n)
	}
}

func BenchmarkMarkdown(b *testing.B) {
	l := testLook(b)
	b.SetBytes(int64(len(corpus)))
	b.ReportAllocs()
	for b.Loop() {
		var m Markdown
		m.Lines(l, corpus, 47)
	}
}
