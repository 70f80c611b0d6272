package spool

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// lockTime is how long a process that is about to end has to let go of the file.
const lockTime = time.Second

// options are bbolt's. The list of free pages is not written: it would be megabytes with every transaction after a backlog,
// and a start finds out by looking at each page.
func options() *bolt.Options {
	return &bolt.Options{Timeout: lockTime, NoFreelistSync: true, FreelistType: bolt.FreelistMapType}
}

// open opens the file, whole or not at all.
func open(path string) (*bolt.DB, error) {
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		if err := create(path); err != nil {
			return nil, err
		}
	}
	if err := check(path); err != nil {
		return nil, err
	}
	db, err := bolt.Open(path, 0o600, options())
	return db, explain(path, err)
}

// create makes an empty file that is there after a loss of power, or is not: one that is half there could not be told from
// one that was damaged.
func create(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	fresh := path + ".new"
	if err := os.RemoveAll(fresh); err != nil {
		return err
	}
	db, err := bolt.Open(fresh, 0o600, options())
	if err != nil {
		return fmt.Errorf("%s: %w", fresh, err)
	}
	if err := db.Close(); err != nil {
		return err
	}
	if err := os.Rename(fresh, path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}

// check finds damage before bbolt does, which would crash.
func check(path string) error {
	db, err := bolt.Open(path, 0o600, &bolt.Options{Timeout: lockTime, ReadOnly: true})
	if err != nil {
		return explain(path, err)
	}
	defer func() { _ = db.Close() }()
	return db.View(func(tx *bolt.Tx) error {
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		if info.Size() < tx.Size() {
			return explain(path, fmt.Errorf("it has %d bytes of %d", info.Size(), tx.Size()))
		}
		var damage error
		for err := range tx.Check() { // all of them, or its goroutine would stay
			if damage == nil {
				damage = explain(path, err)
			}
		}
		return damage
	})
}

func explain(path string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, bolterrors.ErrTimeout):
		return fmt.Errorf("%s: another process has it open", path)
	}
	if _, ok := errors.AsType[syscall.Errno](err); ok { // the disk's, or the machine's, and not the file's
		return err
	}
	return fmt.Errorf("%s is damaged: %w. Move it away to start with an empty one; what it holds has not reached every sink", path, err)
}
