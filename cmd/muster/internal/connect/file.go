package connect

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"

	"muster/cmd/internal/settings"
)

// path is the file's: the one that was asked for, or else the user's own. It is empty without a home.
func (f *Flags) path() string {
	if f.configFile != "" {
		return f.configFile
	}
	dir := os.Getenv("XDG_CONFIG_HOME")
	if !filepath.IsAbs(dir) { // a relative one is to be ignored, says the specification
		home, err := os.UserHomeDir()
		if err != nil {
			return ""
		}
		dir = filepath.Join(home, ".config")
	}
	return filepath.Join(dir, "muster", "config.yaml")
}

// fromFile sets what neither the command line nor the environment did, from the file if there is one.
func (f *Flags) fromFile() error {
	path := f.path()
	if path == "" {
		return nil
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) && f.configFile == "" {
		return nil
	}
	if err != nil {
		return fmt.Errorf("config file: %w", err)
	}
	var file Flags
	all := file.declare()
	all.String(settings.ConfigFlag, path, "")
	if err := settings.Load(all, nil, func(string) (string, bool) { return "", false }); err != nil {
		return err
	}
	if mode := info.Mode().Perm(); file.token != "" && mode&0o077 != 0 {
		return fmt.Errorf("config file %s: holds a token and others may use it, its mode is %04o: run chmod 600 on it, and think of a new token", path, mode)
	}
	taken := f.taken(&file)
	file.set.VisitAll(func(flag *pflag.Flag) {
		if flag.Changed && !f.set.Changed(flag.Name) && taken(flag.Name) {
			err = errors.Join(err, f.set.Set(flag.Name, flag.Value.String()))
		}
	})
	return err
}

// taken says which settings of the file have a meaning beside those of the command line and the environment: to
// another manager, or for another login, only some.
func (f *Flags) taken(file *Flags) func(flag string) bool {
	elsewhere := f.set.Changed("url") && !same(f.url, file.url)
	token, known := f.token != "", f.HasCredentials()
	return func(flag string) bool {
		switch flag {
		case "timeout":
			return true
		case "token", "user":
			return !elsewhere && !known
		case "password-file":
			return !elsewhere && !token
		}
		return !elsewhere
	}
}
