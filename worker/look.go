package worker

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"

	"muster/topics"
)

// Running reports whether a worker has the state directory. It changes nothing there.
func Running(dir string) (bool, error) {
	l := flock.New(filepath.Join(dir, lockFile), flock.SetFlag(os.O_RDONLY))
	free, err := l.TryRLock()
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look at the lock of the state directory: %w", err)
	}
	return !free, l.Close()
}

// LoadConfig reads the config that a worker of that state directory holds; zero when there is none. The error wraps
// [ErrCorrupt] when the file is not what a worker wrote.
func LoadConfig(dir string) (topics.Config, error) {
	held, err := loadState(dir)
	return held.config, err
}
