package docker

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/credentials"
)

// helperTime is how long a credential helper, which is another program, may take.
const helperTime = 30 * time.Second

// Logins are the credentials for registries: those of one that the settings name, and those of Docker's own
// config file. Both are read anew for each pull, because others renew them.
type Logins struct {
	// Host is the registry that User and Password are for, as people write it: host[:port], or a URL. Empty is
	// Docker Hub.
	Host string
	// User is empty when only the config file is to be used.
	User string
	// Password reads the password of User.
	Password func() (string, error)
	// ConfigFile is a config.json of Docker's own tools, with auths, credHelpers and credsStore. When it is empty,
	// the one that those tools would use is read, if there is one.
	ConfigFile string
}

// hub are the names of Docker Hub, the one under which Docker keeps its credentials first.
var hub = []string{"https://index.docker.io/v1/", "index.docker.io", "docker.io", "registry-1.docker.io"}

// Credential is what to show to a registry, a host[:port]; empty without credentials for it. Errors say which
// file or helper program is to blame, and never what is secret. It is an [auth.CredentialFunc].
func (l Logins) Credential(ctx context.Context, registry string) (auth.Credential, error) {
	names := aliases(registry)
	if l.User != "" && slices.Contains(names, aliases(bare(l.Host))[0]) {
		password, err := l.Password()
		if err != nil {
			return auth.EmptyCredential, err
		}
		return auth.Credential{Username: l.User, Password: password}, nil
	}
	path := l.file()
	if path == "" {
		return auth.EmptyCredential, nil
	}
	store, err := credentials.NewStore(path, credentials.StoreOptions{})
	if err != nil {
		return auth.EmptyCredential, fileError(path, err)
	}
	ctx, cancel := context.WithTimeout(ctx, helperTime)
	defer cancel()
	for _, name := range names {
		found, err := store.Get(ctx, name)
		if err != nil {
			return auth.EmptyCredential, fileError(path, err)
		}
		if found != auth.EmptyCredential {
			return found, nil
		}
	}
	return auth.EmptyCredential, nil
}

// Check reports what is wrong with a config file that the settings name. One that is there by custom is not of
// their making.
func (l Logins) Check() error {
	if l.ConfigFile == "" {
		return nil
	}
	if _, err := os.Stat(l.ConfigFile); err != nil {
		return err
	}
	if _, err := credentials.NewStore(l.ConfigFile, credentials.StoreOptions{}); err != nil {
		return fileError(l.ConfigFile, err)
	}
	return nil
}

// file is the config file's path; empty when there can be none.
func (l Logins) file() string {
	if l.ConfigFile != "" {
		return l.ConfigFile
	}
	if dir := os.Getenv("DOCKER_CONFIG"); dir != "" {
		return filepath.Join(dir, "config.json")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	return filepath.Join(home, ".docker", "config.json")
}

// fileError is about a config file, or a helper that it names. What the library says of a file that makes no
// sense can quote the password.
func fileError(path string, err error) error {
	if strings.Contains(err.Error(), "invalid config format") {
		return fmt.Errorf("the Docker config file %s is not valid", path)
	}
	return fmt.Errorf("the Docker config file %s: %w", path, err)
}

// aliases are the names under which credentials of a registry are kept.
func aliases(registry string) []string {
	if registry == "" || slices.Contains(hub, registry) {
		return hub
	}
	return []string{registry}
}

// bare takes scheme and path off a registry's address.
func bare(address string) string {
	if _, rest, found := strings.Cut(address, "://"); found {
		address = rest
	}
	host, _, _ := strings.Cut(address, "/")
	return host
}

// hide takes the secrets of a credential out of what others said.
func hide(said string, c auth.Credential) string {
	encoded := base64.StdEncoding.EncodeToString([]byte(c.Username + ":" + c.Password))
	for _, secret := range []string{c.Password, c.RefreshToken, c.AccessToken, encoded} {
		if secret != "" {
			said = strings.ReplaceAll(said, secret, "***")
		}
	}
	return said
}
