package worker

import (
	"fmt"
	"path/filepath"

	"muster/topics"
)

// appliedFile is the file in the state directory that holds the last version that the containers were seen to
// follow. Without it a worker that starts would have to tell its managers that it follows none, or a newer
// one than it does.
const appliedFile = "applied.json"

type applied struct {
	DeviceGroup string `json:"device_group"`
	topics.Version
}

// loadApplied reads the version; zero when there is none for this group, or when err says why it is of no use.
func loadApplied(dir, group string) (topics.Version, error) {
	var a applied
	if err := readRecord(dir, appliedFile, &a); err != nil {
		return topics.Version{}, err
	}
	if a.DeviceGroup != group {
		return topics.Version{}, nil
	}
	if err := a.Version.Check(); err != nil {
		return topics.Version{}, fmt.Errorf("read %s: %w", filepath.Join(dir, appliedFile), err)
	}
	return a.Version, nil
}

func saveApplied(dir, group string, v topics.Version) error {
	return writeRecord(dir, appliedFile, applied{DeviceGroup: group, Version: v})
}

// follow notes that the containers follow that version. A failure costs no more than a status that names an older
// version, for a moment, after the next start.
func (l *loop) follow(v topics.Version) {
	if v == l.applied {
		return
	}
	l.applied = v
	if err := saveApplied(l.StateDir, l.Group, v); err != nil {
		l.Log.Warn("the version that was applied cannot be recorded", "error", err)
	}
}
