package widget

import "strings"

// CodeBlock is a fenced block of code in a text of Markdown, as Markdown draws it.
type CodeBlock struct {
	Word string // behind the fence: what language it is in; "" for none
	Text string // without the fences; ends without a line feed
}

// CodeBlocks are the blocks of code in a text, in their order. One that is not
// closed goes to the end.
func CodeBlocks(text string) []CodeBlock {
	var all []CodeBlock
	fence, indent := "", ""
	var lines []string
	end := func() {
		all[len(all)-1].Text = strings.Join(lines, "\n")
		fence, lines = "", nil
	}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		in := indentOf(line)
		body := line[len(in):]
		if fence == "" {
			word := ""
			if fence, word = opening(body); fence != "" {
				all, indent = append(all, CodeBlock{Word: word}), in
			}
			continue
		}
		if t := strings.TrimRight(body, " "); len(t) >= len(fence) && strings.Trim(t, fence[:1]) == "" {
			end()
			continue
		}
		lines = append(lines, strings.TrimPrefix(line, indent))
	}
	if fence != "" {
		end()
	}
	return all
}
