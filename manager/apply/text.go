package apply

import (
	"fmt"
	"strings"
)

// Text is the step for people: what it does, and a line for each field that differs.
func (s Step) Text() string {
	var b strings.Builder
	b.WriteString(s.String())
	for _, d := range s.Differences {
		fmt.Fprintf(&b, "\n    %s: ", d.Field)
		if d.Before == nil && d.After == nil {
			b.WriteString("differs (not shown)")
			continue
		}
		fmt.Fprintf(&b, "%s → %s", d.Before, d.After)
	}
	return b.String()
}

// Summary counts the steps.
func (p Plan) Summary() string {
	return fmt.Sprintf("%d to create, %d to change, %d to delete, %d as they should be", p.Count(Create), p.Count(Change), p.Count(Delete), p.Same)
}
