package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"muster/cmd/internal/settings"
	"muster/manager/certificate"
	"muster/manager/store"
)

// acmeFlags say what certificates an ACME server is asked for.
type acmeFlags struct {
	domains   []string
	email     string
	directory string
	caFile    string
}

func (f *acmeFlags) declare(flags *pflag.FlagSet) {
	flags.StringSliceVar(&f.domains, "acme-domains", nil, "host names, comma separated, for which an ACME server issues certificates; it must reach this manager's TLS under them on port 443. That you agree to its terms of service is taken for granted")
	flags.StringVar(&f.email, "acme-email", "", "address that the ACME server may write to")
	flags.StringVar(&f.directory, "acme-directory", "", "URL of the ACME server's directory, by default Let's Encrypt's")
	flags.StringVar(&f.caFile, "acme-ca-file", "", "PEM file with the certificate authorities to trust for that URL, instead of the system's")
}

func (f *acmeFlags) check(overTLS, files bool) error {
	if len(f.domains) == 0 {
		if f.email+f.directory+f.caFile != "" {
			return errors.New("acme-email, acme-directory and acme-ca-file: are of no use without acme-domains")
		}
		return nil
	}
	for _, domain := range f.domains {
		if err := certificate.CheckDomain(domain); err != nil {
			return fmt.Errorf("acme-domains: %w, one is %q", err, domain)
		}
	}
	switch {
	case files:
		return errors.New("acme-domains and tls-cert-file: must not both be given")
	case !overTLS:
		return errors.New("acme-domains: are of no use without https-addr, mqtt-tls-addr or mqtt-wss-addr")
	case strings.ContainsAny(f.email, " <>,") || f.email != "" && !strings.Contains(f.email, "@"):
		return fmt.Errorf("acme-email: must be one address such as ops@example.com, is %q", f.email)
	}
	if u, err := url.Parse(f.directory); f.directory != "" && (err != nil || u.Scheme != "https" || u.Host == "") {
		return errors.New("acme-directory: must be https://HOST[:PORT]/PATH")
	}
	return nil
}

// open is nil without domains.
func (f *acmeFlags) open(entries store.Documents[store.ACMEEntry], log *slog.Logger) (*certificate.ACME, error) {
	if len(f.domains) == 0 {
		return nil, nil
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if f.caFile != "" {
		roots, err := settings.CAFile("acme-ca-file", f.caFile)
		if err != nil {
			return nil, err
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	}
	return certificate.NewACME(entries, certificate.ACMEOptions{
		Domains: f.domains, Email: f.email, Directory: f.directory, Log: log,
		HTTP: &http.Client{Transport: transport, Timeout: time.Minute},
	}), nil
}
