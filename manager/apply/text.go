package apply

import (
	"encoding/json"
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
		fmt.Fprintf(&b, "%s → %s", shown(d.Before), shown(d.After))
	}
	return b.String()
}

// shown is a field's value, which optional ones need not have.
func shown(value json.RawMessage) string {
	if value == nil {
		return "(none)"
	}
	return string(value)
}

// Summary counts the steps.
func (p Plan) Summary() string {
	return fmt.Sprintf("%d to create, %d to change, %d to delete, %d as they should be", p.Count(Create), p.Count(Change), p.Count(Delete), p.Same)
}
