package apply

import (
	"encoding/json"
	"fmt"
)

// A Fleet is what the files say: objects by name, of each kind.
type Fleet struct {
	sections map[string]section
}

// A section has the objects of one kind. There is none for a kind that no file has a key for.
type section map[string]object

// An object is one object as a file gives it.
type object struct {
	// fields is the JSON object of the fields that the file gives.
	fields json.RawMessage
	// from is the file and line, for errors.
	from string
}

// Empty reports whether no file names a kind.
func (f Fleet) Empty() bool { return len(f.sections) == 0 }

// add takes in what another file says. Nothing may be said twice.
func (f *Fleet) add(kind string, objects section) error {
	if f.sections == nil {
		f.sections = map[string]section{}
	}
	if f.sections[kind] == nil {
		f.sections[kind] = section{}
	}
	for name, o := range objects {
		if other, twice := f.sections[kind][name]; twice {
			return fmt.Errorf("%s: %s %q is in %s already", o.from, kind, name, other.from)
		}
		f.sections[kind][name] = o
	}
	return nil
}
