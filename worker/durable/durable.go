// Package durable writes files that a power cut leaves either as they were or as they were to be.
package durable

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// WriteFile replaces the file's content, mode 0600. When it returns nil, the new content is on the disk;
// when it fails or the machine dies in between, the old content is. It uses a second file, with ".tmp" at the
// end of its name, so that there must be only one writer at a time.
func WriteFile(path string, data []byte) error {
	if err := replace(path, data, (*os.File).Sync); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// MakeDir makes a directory, mode 0700, if there is none, and makes that last.
func MakeDir(path string) error {
	if err := os.Mkdir(path, 0o700); errors.Is(err, os.ErrExist) {
		return nil
	} else if err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// WriteLoose replaces the file's content as [WriteFile] does, but does not wait for the disk: after a power cut the
// file may have either content, or none. It is for what only people look at.
func WriteLoose(path string, data []byte) error {
	return replace(path, data, func(*os.File) error { return nil })
}

func replace(path string, data []byte, sync func(*os.File) error) error {
	tmp := path + ".tmp"
	if err := write(tmp, data, sync); err != nil {
		// A part of a file only takes space, which may be what was lacking.
		return errors.Join(fmt.Errorf("write %s: %w", path, err), remove(tmp))
	}
	if err := os.Rename(tmp, path); err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", path, err), remove(tmp))
	}
	return nil
}

func write(path string, data []byte, sync func(*os.File) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = sync(f)
	}
	return errors.Join(err, f.Close())
}

func remove(path string) error {
	if err := os.Remove(path); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// syncDir makes a rename in the directory last.
func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("sync directory: %w", err)
	}
	return errors.Join(dir.Sync(), dir.Close())
}
