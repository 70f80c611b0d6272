package main

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/spf13/pflag"

	"muster/cmd/internal/settings"
	"muster/manager/admission"
	"muster/manager/authority"
	"muster/manager/certificate"
)

// certificateFlags say which certificates the listeners with TLS have.
type certificateFlags struct {
	names             []string
	certFile, keyFile string
	acme              acmeFlags
	grace             time.Duration
}

func (f *certificateFlags) declare(flags *pflag.FlagSet) {
	flags.StringSliceVar(&f.names, "server-names", nil, "host names and addresses, comma separated, that certificates of the fleet's own authority are for, besides localhost; by default the host's name and all its addresses")
	flags.StringVar(&f.certFile, "tls-cert-file", "", "PEM file with another certificate for all listeners with TLS, and those it was issued by; read again when it changes")
	flags.StringVar(&f.keyFile, "tls-key-file", "", "PEM file with the key of that certificate")
	f.acme.declare(flags)
	settings.DurationVar(flags, &f.grace, "renewal-grace", admission.DefaultGrace, "how long after its end a device's certificate still lets the device in to renew it, and for nothing else")
}

func (f *certificateFlags) check(overTLS bool) error {
	for _, name := range f.names {
		if err := certificate.CheckName(name); err != nil {
			return fmt.Errorf("server-names: %w, one is %q", err, name)
		}
	}
	switch {
	case (f.certFile == "") != (f.keyFile == ""):
		return errors.New("tls-cert-file and tls-key-file: must be given together")
	case !overTLS && f.certFile != "":
		return errors.New("tls-cert-file and tls-key-file: are of no use without https-addr, mqtt-tls-addr or mqtt-wss-addr")
	}
	return f.acme.check(overTLS, f.certFile != "")
}

// files reads the certificate of the files, if there are any.
func (f *certificateFlags) files(log *slog.Logger) (*certificate.Certificate, error) {
	if f.certFile == "" {
		return nil, nil
	}
	read, err := certificate.Load(f.certFile, f.keyFile, log)
	if err != nil {
		return nil, fmt.Errorf("tls-cert-file and tls-key-file: %w", err)
	}
	return read, nil
}

// issue has the fleet's authority issue this server's certificate. The authorities are in a file for those on this machine.
func (f *certificateFlags) issue(fleet *authority.Fleet, dir *dataDir, log *slog.Logger) (*certificate.Issued, error) {
	names := certificate.MachineNames
	if len(f.names) > 0 {
		given := certificate.GivenNames(f.names)
		names = func() ([]string, error) { return given, nil }
	}
	return certificate.Issue(fleet, certificate.IssuedOptions{
		Names: names, Roots: func(pem string) error { return dir.write(rootsFile, pem) }, Log: log,
	})
}
