package keys

import (
	"fmt"
	"strings"
)

// Markdown writes tables as the key list of the documentation: one section for
// every scope, in the order of the tables, with the keys, the action's name
// and what it does. A scope that stands twice is written once.
func Markdown(tables []*Table) string {
	var b strings.Builder
	seen := map[string]bool{}
	for _, t := range tables {
		if seen[t.Scope] {
			continue
		}
		seen[t.Scope] = true
		fmt.Fprintf(&b, "\n## %s\n\n| keys | action | what it does |\n|---|---|---|\n", strings.ToUpper(t.Scope[:1])+t.Scope[1:])
		for i := range t.Bindings {
			k := &t.Bindings[i]
			var shown []string
			for _, s := range k.Keys {
				shown = append(shown, "`"+escape(ShowOne(s))+"`")
			}
			name := k.ID
			if k.Args != "" {
				name += " " + k.Args
			}
			fmt.Fprintf(&b, "| %s | `%s` | %s |\n", strings.Join(shown, " "), escape(name), escape(k.Help))
		}
	}
	return b.String()
}

// escape keeps a cell of a Markdown table together.
func escape(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
