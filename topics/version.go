package topics

import (
	"cmp"
	"fmt"
)

// A Version orders the configs of one device_group. Versions of different groups do not compare.
type Version struct {
	// Epoch names the life of the store that issued the config: a ULID in its canonical 26 characters,
	// made with the store. Later epochs sort after earlier ones. It is empty for "none".
	Epoch string `json:"epoch"`
	// ConfigID counts the configs of the group, from 1. It never goes back within an epoch.
	ConfigID int64 `json:"config_id"`
}

// IsZero reports whether v stands for "no config yet".
func (v Version) IsZero() bool { return v == Version{} }

// Compare is -1, 0 or +1 as v is older than, equal to or newer than w. Any version is newer than none.
func (v Version) Compare(w Version) int {
	return cmp.Or(cmp.Compare(v.Epoch, w.Epoch), cmp.Compare(v.ConfigID, w.ConfigID))
}

// Newer reports whether a device that has w takes v: the epoch is newer, or it is the same and the
// config_id is greater.
func (v Version) Newer(w Version) bool { return v.Compare(w) > 0 }

func (v Version) String() string {
	if v.IsZero() {
		return "none"
	}
	return fmt.Sprintf("%s/%d", v.Epoch, v.ConfigID)
}

// Check reports why v cannot stamp a config, nil when it can.
func (v Version) Check() error {
	if err := checkULID(v.Epoch); err != nil {
		return err
	}
	if v.ConfigID < 1 {
		return fieldErrorf("config_id", "must be 1 or more, is %d", v.ConfigID)
	}
	return nil
}

// checkULID accepts the canonical form of a ULID: 26 characters of Crockford's base 32 in upper case,
// the first one at most '7'. The alphabet sorts as bytes, so that versions compare as strings.
func checkULID(s string) error {
	if len(s) != 26 || s[0] > '7' {
		return fieldErrorf("epoch", "must be a ULID of 26 characters, is %.40q", s)
	}
	for i := range len(s) {
		c := s[i]
		upper := 'A' <= c && c <= 'Z' && c != 'I' && c != 'L' && c != 'O' && c != 'U'
		if !upper && (c < '0' || c > '9') {
			return fieldErrorf("epoch", "must be a ULID of 26 characters, is %.40q", s)
		}
	}
	return nil
}
