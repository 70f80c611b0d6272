// Package brokerflags declares the settings by which a program reaches an MQTT broker over the network.
package brokerflags

import (
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/spf13/pflag"

	"muster/broker/client/network"
	"muster/cmd/internal/settings"
)

// Flags are the settings, after the flags have been parsed.
type Flags struct {
	URL          string
	user         string
	passwordFile string
	caFile       string
	certFile     string
	keyFile      string
	keepAlive    time.Duration
	backoff      network.Backoff
}

// Declare adds the flags. usage describes --broker-url.
func (f *Flags) Declare(flags *pflag.FlagSet, usage string) {
	flags.StringVar(&f.URL, "broker-url", "", usage+": mqtt://, mqtts://, ws:// or wss://HOST[:PORT]")
	flags.StringVar(&f.user, "broker-user", "", "user name at the broker, when it is not in the URL")
	flags.StringVar(&f.passwordFile, "broker-password-file", "", "file that holds the password at the broker")
	flags.StringVar(&f.caFile, "broker-ca-file", "", "PEM file with the certificate authorities to trust for mqtts:// and wss://, instead of the system's")
	flags.StringVar(&f.certFile, "broker-cert-file", "", "PEM file with the certificate to show to the broker over mqtts:// and wss://, and those it was issued by; read again at each connection")
	flags.StringVar(&f.keyFile, "broker-key-file", "", "PEM file with the key of that certificate")
	settings.DurationVar(flags, &f.keepAlive, "broker-keep-alive", 60*time.Second, "how often an idle connection is proved to be alive")
	settings.DurationVar(flags, &f.backoff.Min, "reconnect-min", time.Second, "longest wait before the first attempt to reconnect; it doubles, and each wait is drawn at random below it")
	settings.DurationVar(flags, &f.backoff.Max, "reconnect-max", 10*time.Minute, "longest wait between two attempts to reconnect")
	settings.DurationVar(flags, &f.backoff.Stable, "reconnect-stable", 5*time.Minute, "how long a connection must last before the waits start small again")
}

// CheckUnused reports a setting that is given although there is no URL that it could be about.
func (f *Flags) CheckUnused() error {
	for _, given := range []struct{ flag, value string }{
		{"broker-user", f.user}, {"broker-password-file", f.passwordFile}, {"broker-ca-file", f.caFile},
		{"broker-cert-file", f.certFile}, {"broker-key-file", f.keyFile},
	} {
		if given.value != "" {
			return fmt.Errorf("%s: is of no use without broker-url", given.flag)
		}
	}
	return nil
}

// Options are the network client's options, without those that are the program's own: client id, will, log.
func (f *Flags) Options() (network.Options, error) {
	return f.OptionsFor(f.URL)
}

// OptionsFor are the Options with a URL that was learnt elsewhere.
func (f *Flags) OptionsFor(url string) (network.Options, error) {
	if url == "" {
		return network.Options{}, errors.New("broker-url: must be given, such as mqtt://127.0.0.1:1883")
	}
	if err := network.CheckURL(url); err != nil {
		return network.Options{}, fmt.Errorf("broker-url: %w", err)
	}
	config, err := f.tls(url)
	if err != nil {
		return network.Options{}, err
	}
	if f.backoff.Min > f.backoff.Max {
		return network.Options{}, fmt.Errorf("reconnect-min: must be at most reconnect-max (%v), is %v", f.backoff.Max, f.backoff.Min)
	}
	options := network.Options{URL: url, Username: f.user, KeepAlive: f.keepAlive, Backoff: f.backoff, TLS: config}
	if f.passwordFile != "" {
		password, err := settings.SecretFile("broker-password-file", f.passwordFile)
		if err != nil {
			return network.Options{}, err
		}
		options.Password = password
	}
	return options, nil
}

// Public is the URL without user name and password, for logs.
func (f *Flags) Public() string {
	u, err := url.Parse(f.URL)
	if err != nil {
		return ""
	}
	u.User = nil
	return u.String()
}
