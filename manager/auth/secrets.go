package auth

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// AdminPasswordFile is the file in the data directory that holds the password made at the first start.
const AdminPasswordFile = "admin-password"

// maxSecretFile is the largest password file in bytes. A larger one is something else by mistake.
const maxSecretFile = 4096

// LoadOrCreate is the local admin's password: the configured one, or, when that is empty, the one in the data directory, which is made
// with a random password if it is missing. When it is configured, its file is neither read nor written. created says whether it was
// made, so that nobody knows it yet.
//
// Two processes that start at the same time agree: one makes the file and the other reads it. A file that
// is empty, or that others than its owner may read, is an error that says what to do about it.
func LoadOrCreate(dataDir, configured string) (password string, created bool, err error) {
	if err := os.MkdirAll(dataDir, 0o700); err != nil {
		return "", false, fmt.Errorf("make data directory: %w", err)
	}
	if configured != "" {
		return configured, false, nil
	}
	return loadOrCreateFile(filepath.Join(dataDir, AdminPasswordFile))
}

func loadOrCreateFile(path string) (password string, created bool, err error) {
	password, err = load(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return password, false, err
	}
	created, err = create(path, rand.Text())
	if err != nil {
		return "", false, fmt.Errorf("make password file: %w", err)
	}
	// What counts is what the file says, whoever made it.
	password, err = load(path)
	return password, created, err
}

func load(path string) (string, error) {
	// Looked at before it is opened: opening a pipe would wait for a writer.
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("read password file: %w", err)
	}
	if !info.Mode().IsRegular() || info.Size() > maxSecretFile {
		return "", fmt.Errorf("password file %s: is not a regular file of at most %d bytes", path, maxSecretFile)
	}
	// Narrowing the mode here would hide that the password may be known already.
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return "", fmt.Errorf("password file %s: has mode %#o and may have been read by others: "+
			"replace the password if so, then chmod 600 it", path, mode)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read password file: %w", err)
	}
	data = bytes.TrimSuffix(bytes.TrimSuffix(data, []byte("\n")), []byte("\r"))
	switch {
	case len(data) == 0:
		return "", fmt.Errorf("password file %s: is empty: write a password into it, or remove it to have one made", path)
	case bytes.ContainsAny(data, "\r\n\x00"):
		return "", fmt.Errorf("password file %s: must hold one line of text", path)
	}
	return string(data), nil
}

// create writes a file that is complete, durable and readable by its owner only from the moment it is
// seen under its name. It reports false when another process was faster, whose file is left alone.
func create(path, password string) (created bool, err error) {
	dir := filepath.Dir(path)
	tmp, err := os.CreateTemp(dir, "."+filepath.Base(path)+"-*") // mode 0600
	if err != nil {
		return false, err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.WriteString(password + "\n")
	if err == nil {
		err = tmp.Sync()
	}
	if err := errors.Join(err, tmp.Close()); err != nil {
		return false, err
	}
	// A rename would replace the file of a faster process; a link fails.
	if err := os.Link(tmp.Name(), path); errors.Is(err, fs.ErrExist) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	return true, syncDir(dir)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
