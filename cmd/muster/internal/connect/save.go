package connect

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"go.yaml.in/yaml/v3"

	"muster/manager/client"
)

// A saved file has the settings that say where the manager is and who one is there, in this order.
type saved struct {
	URL          string `yaml:"url"`
	Token        string `yaml:"token,omitempty"`
	User         string `yaml:"user,omitempty"`
	PasswordFile string `yaml:"password-file,omitempty"`
	CAFile       string `yaml:"ca-file,omitempty"`
	InsecureHTTP bool   `yaml:"insecure-http,omitempty"`
}

// New is a client with the settings of the command line and the environment alone. askToken is called for a token
// when neither has credentials, after it is clear whom to trust.
func (f *Flags) New(ctx context.Context, askToken func() (string, error)) (*client.Client, error) {
	if err := f.fromEnvironment(); err != nil {
		return nil, err
	}
	if f.caPin == "" {
		f.beside(false)
	} else if err := f.pinned(ctx); err != nil {
		return nil, err
	}
	if !f.HasCredentials() && f.passwordFile == "" {
		token, err := askToken()
		if err != nil {
			return nil, err
		}
		f.token = token
	}
	return f.client(nil)
}

// Save writes the settings into the file, in place of all that it held, for its owner alone, and says where it is.
func (f *Flags) Save() (path string, err error) {
	if path = f.path(); path == "" {
		return "", errors.New("config file: there is no home directory to put it into: name one with config")
	}
	s := saved{URL: f.url, Token: f.token, User: f.user, InsecureHTTP: f.insecureHTTP}
	for _, file := range []struct {
		from string
		to   *string
	}{{f.passwordFile, &s.PasswordFile}, {f.caFile, &s.CAFile}} {
		if file.from == "" {
			continue
		}
		if *file.to, err = filepath.Abs(file.from); err != nil {
			return "", fmt.Errorf("config file: %w", err)
		}
	}
	content, err := yaml.Marshal(s)
	if err != nil {
		return "", fmt.Errorf("config file: %w", err)
	}
	return path, write(path, content)
}

// write replaces the file in one step: whoever reads it sees the old one or the new one.
func write(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("config file: %w", err)
	}
	fresh, err := os.CreateTemp(filepath.Dir(path), ".config-*") // with mode 0600
	if err != nil {
		return fmt.Errorf("config file: %w", err)
	}
	_, err = fresh.Write(content)
	if err = errors.Join(err, fresh.Close()); err == nil {
		err = os.Rename(fresh.Name(), path)
	}
	if err != nil {
		_ = os.Remove(fresh.Name())
		return fmt.Errorf("config file: %w", err)
	}
	return nil
}
