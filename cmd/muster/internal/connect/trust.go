package connect

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"time"

	"github.com/spf13/pflag"
)

// DeclarePin adds the flag by which a first connection finds out whom to trust.
func (f *Flags) DeclarePin(flags *pflag.FlagSet) {
	flags.StringVar(&f.caPin, "ca-pin", "", "fingerprint of the fleet's certificate authority, ca_pin in the log of muster serve, instead of a file with it: the manager shows the authority, and it is kept beside the config file")
}

// pinned asks the manager for its authority, and puts the one that has the pin beside the config file.
func (f *Flags) pinned(ctx context.Context) error {
	pin, err := base64.RawURLEncoding.DecodeString(f.caPin)
	if err != nil || len(pin) != sha256.Size {
		return errors.New("ca-pin: must be 43 characters, which muster serve logs as ca_pin and muster ca show tells")
	}
	at, err := url.Parse(f.url)
	switch {
	case f.caFile != "":
		return errors.New("ca-file and ca-pin: only one of them can be given")
	case err != nil || at.Scheme != "https":
		return errors.New("ca-pin: needs a url with https://")
	}
	authority, err := find(ctx, at, pin)
	if err != nil {
		return fmt.Errorf("ca-pin: %w", err)
	}
	path := f.path()
	if path == "" {
		return errors.New("ca-pin: there is no home directory to keep the authority in: give ca-file")
	}
	if f.caFile, err = filepath.Abs(filepath.Join(filepath.Dir(path), "ca.pem")); err != nil {
		return fmt.Errorf("ca-pin: %w", err)
	}
	return write(f.caFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: authority.Raw}))
}

// find makes a connection that is good for nothing else, and gives the authority with that pin, if it is the one by which the server's
// certificate can be verified.
func find(ctx context.Context, at *url.URL, pin []byte) (found *x509.Certificate, err error) {
	port := at.Port()
	if port == "" {
		port = "443"
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	dialer := tls.Dialer{Config: &tls.Config{
		MinVersion: tls.VersionTLS12, ServerName: at.Hostname(),
		InsecureSkipVerify: true, // because the roots are among what comes: below is the verification
		VerifyConnection: func(state tls.ConnectionState) error {
			found, err = byPin(state.PeerCertificates, at.Hostname(), pin)
			return err
		},
	}}
	conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(at.Hostname(), port))
	if err != nil {
		return nil, err
	}
	return found, conn.Close()
}

func byPin(chain []*x509.Certificate, host string, pin []byte) (*x509.Certificate, error) {
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	var found *x509.Certificate
	for _, c := range chain[1:] {
		sum := sha256.Sum256(c.RawSubjectPublicKeyInfo)
		if c.IsCA && subtle.ConstantTimeCompare(sum[:], pin) == 1 {
			if found == nil || c.CheckSignatureFrom(c) == nil { // rather its own certificate than its predecessor's of it
				found = c
			}
			roots.AddCert(c)
		} else {
			between.AddCert(c)
		}
	}
	if found == nil {
		return nil, errors.New("the manager shows no certificate authority with this pin")
	}
	_, err := chain[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, DNSName: host})
	return found, err
}

// Explain adds what to do to an error about a certificate of an authority that is not known here.
func Explain(err error) error {
	if _, unknown := errors.AsType[x509.UnknownAuthorityError](err); unknown {
		return fmt.Errorf("%w (give ca-file, the file ca.pem of the manager's data directory, or ca-pin)", err)
	}
	return err
}
