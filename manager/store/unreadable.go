package store

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// An UnreadableError says that documents are there and make no sense: another program wrote them, or a newer
// Muster did. Nothing may be concluded about them; above all not that they are not there.
type UnreadableError struct {
	// Kind is the word for one such document ("app"). Docs has what is wrong with each, by name.
	Kind string
	Docs map[string]error
}

func (e *UnreadableError) Error() string {
	parts := make([]string, 0, len(e.Docs))
	for _, name := range slices.Sorted(maps.Keys(e.Docs)) {
		parts = append(parts, fmt.Sprintf("%s %q cannot be read: %v", e.Kind, name, e.Docs[name]))
	}
	return strings.Join(parts, "; ")
}
