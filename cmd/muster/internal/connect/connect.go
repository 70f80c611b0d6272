// Package connect is how the admin's commands find a manager: from flags, the environment and a file, or beside it.
//
// What the file says besides its timeout belongs to the file's url: a token is not sent to another manager because
// --url names one.
package connect

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"muster/cmd/internal/program"
	"muster/cmd/internal/settings"
	"muster/manager/client"
)

const defaultURL = "http://127.0.0.1:8080"

// Flags are the settings, after the flags have been parsed.
type Flags struct {
	configFile   string
	url          string
	token        string
	user         string
	passwordFile string
	caFile       string
	caPin        string
	insecureHTTP bool
	timeout      time.Duration

	set *pflag.FlagSet // all but configFile
}

// Declare adds the flags.
func (f *Flags) Declare(flags *pflag.FlagSet) {
	flags.StringVar(&f.configFile, settings.ConfigFlag, "", "YAML file with these settings, flag names without the dashes as keys, instead of ~/.config/muster/config.yaml")
	flags.AddFlagSet(f.declare())
}

func (f *Flags) declare() *pflag.FlagSet {
	f.set = pflag.NewFlagSet("connection", pflag.ContinueOnError)
	f.set.StringVar(&f.url, "url", defaultURL, "http:// or https://HOST[:PORT] of the manager's REST API; not given, the manager is asked over https that has its data in ./muster-data, if there is one")
	f.set.StringVar(&f.token, "token", "", "bearer token; other users of this machine can read it in the process list, unlike the environment and the file")
	f.set.StringVar(&f.user, "user", "", "user name, instead of a token")
	f.set.StringVar(&f.passwordFile, "password-file", "", "file that holds the user's password")
	f.set.StringVar(&f.caFile, "ca-file", "", "PEM file with the certificate authorities to trust for https://, instead of the system's")
	f.set.BoolVar(&f.insecureHTTP, "insecure-http", false, "send credentials over http:// to another machine, for everyone on the way to read")
	settings.DurationVar(f.set, &f.timeout, "timeout", client.DefaultTimeout, "how long one request may take")
	f.set.VisitAll(func(flag *pflag.Flag) { flag.Usage += " [$" + settings.Env(flag.Name) + "]" })
	return f.set
}

// Client is a client with the settings. change, unless nil, has the last word.
func (f *Flags) Client(change func(*client.Options)) (*client.Client, error) {
	if err := f.fromEnvironment(); err != nil {
		return nil, err
	}
	if err := f.fromFile(); err != nil {
		return nil, err
	}
	f.beside(true)
	return f.client(change)
}

func (f *Flags) fromEnvironment() error { return settings.Load(f.set, nil, os.LookupEnv) }

func (f *Flags) client(change func(*client.Options)) (*client.Client, error) {
	o := client.Options{
		URL: f.url, Token: f.token, User: f.user, PlainHTTP: f.insecureHTTP, Timeout: f.timeout,
		UserAgent: "muster/" + program.Version(),
	}
	if (f.user == "") != (f.passwordFile == "") {
		return nil, errors.New("user and password-file: must be given together")
	}
	if f.passwordFile != "" {
		password, err := settings.SecretFile("password-file", f.passwordFile)
		if err != nil {
			return nil, err
		}
		o.Password = string(password)
	}
	if f.caFile != "" {
		roots, err := settings.CAFile("ca-file", f.caFile)
		if err != nil {
			return nil, err
		}
		o.RootCAs = roots
	}
	if change != nil {
		change(&o)
	}
	c, err := client.New(o)
	if errors.Is(err, client.ErrPlainHTTP) {
		err = fmt.Errorf("%w (insecure-http would allow it)", err)
	}
	return c, err
}

// HasCredentials reports whether a token or user is set.
func (f *Flags) HasCredentials() bool { return f.token != "" || f.user != "" }

// same reports whether two URLs are of one manager.
func same(a, b string) bool { return strings.TrimRight(a, "/") == strings.TrimRight(b, "/") }
