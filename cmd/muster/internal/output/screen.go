package output

import (
	"fmt"
	"strings"
)

// A Screen is text for people: lines that have a name each, and tables. Whatever text it is given tells a terminal
// nothing. Its zero value is empty.
type Screen struct{ text strings.Builder }

// Line adds a line. Further lines under the same name have an empty one.
func (s *Screen) Line(name, format string, args ...any) {
	s.text.WriteString(harmless(strings.TrimRight(fmt.Sprintf("%-12s  %s", name, fmt.Sprintf(format, args...)), " ")) + "\n")
}

// Table adds an empty line and a table; nothing when it has no rows.
func (s *Screen) Table(header []string, rows [][]string) {
	if len(rows) > 0 {
		s.text.WriteString("\n" + render(header, rows))
	}
}

// String is what was added.
func (s *Screen) String() string { return s.text.String() }
