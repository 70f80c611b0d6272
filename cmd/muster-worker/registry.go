package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/pflag"

	"muster/cmd/internal/settings"
	"muster/worker/docker"
)

// registryFlags are the settings by which images are pulled: when, and with which credentials.
type registryFlags struct {
	host           string
	user           string
	password       string
	passwordFile   string
	configFile     string
	maxPulls       int
	maxRestartWait time.Duration
}

func (f *registryFlags) declare(flags *pflag.FlagSet) {
	flags.StringVar(&f.host, "registry-host", "", "image registry that registry-auth-user is for: HOST[:PORT] or a URL (default Docker Hub)")
	flags.StringVar(&f.user, "registry-auth-user", "", "user name at that registry; others are in docker-config")
	flags.StringVar(&f.password, "registry-auth-password", "", "password at that registry; on a command line others can read it")
	flags.StringVar(&f.passwordFile, "registry-auth-password-file", "", "file that holds it instead, read anew for each pull")
	flags.StringVar(&f.configFile, "docker-config", "", "Docker's config.json with credentials of registries, read anew for each pull (default that of the docker command, if there is one)")
	flags.IntVar(&f.maxPulls, "max-pulls", 2, "how many images are pulled at the same time")
	settings.DurationVar(flags, &f.maxRestartWait, "max-restart-wait", 0, "longest time that an app waits before what a config changes of it begins; each device draws its own at random")
}

// logins are the credentials. Whatever is wrong with them by now is refused.
func (f *registryFlags) logins() (docker.Logins, error) {
	switch {
	case f.password != "" && f.passwordFile != "":
		return docker.Logins{}, errors.New("registry-auth-password: is of no use beside registry-auth-password-file")
	case f.user == "" && f.password != "":
		return docker.Logins{}, errors.New("registry-auth-password: is of no use without registry-auth-user")
	case f.user == "" && f.passwordFile != "":
		return docker.Logins{}, errors.New("registry-auth-password-file: is of no use without registry-auth-user")
	case f.user != "" && f.password == "" && f.passwordFile == "":
		return docker.Logins{}, errors.New("registry-auth-user: needs registry-auth-password or registry-auth-password-file")
	}
	logins := docker.Logins{Host: f.host, User: f.user, Password: f.readPassword, ConfigFile: f.configFile}
	if f.user != "" {
		if _, err := f.readPassword(); err != nil {
			return docker.Logins{}, err
		}
	}
	if err := logins.Check(); err != nil {
		return docker.Logins{}, fmt.Errorf("docker-config: %w", err)
	}
	return logins, nil
}

func (f *registryFlags) readPassword() (string, error) {
	if f.passwordFile == "" {
		return f.password, nil
	}
	password, err := settings.SecretFile("registry-auth-password-file", f.passwordFile)
	return string(password), err
}
