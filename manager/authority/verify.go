package authority

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

	"muster/topics"
	"muster/topics/token"
)

// Why a device's certificate is refused.
var (
	ErrNoCertificate = errors.New("no certificate was shown")
	ErrUnknownIssuer = errors.New("the certificate was not issued by an authority of this fleet")
	ErrRetired       = errors.New("the authority that issued the certificate is retired")
	ErrExpired       = errors.New("the certificate has expired")
	ErrNotADevice    = errors.New("the certificate is not a device's")
)

// Verify tells which device a chain of certificates, as it was shown in a handshake that proved the first one's key, is the
// certificate of. expired says that it has ended, at most grace ago: its device may ask for the next one. Whether the device
// is still known, and by that key, is the caller's to ask.
func (f *Fleet) Verify(chain []*x509.Certificate, now time.Time, grace time.Duration) (device string, expired bool, err error) {
	if len(chain) == 0 {
		return "", false, ErrNoCertificate
	}
	cert := chain[0]
	// Every device's certificate is signed by an authority itself, so what else was shown is of no interest.
	by, err := f.known.Load().issuerOf(cert)
	if err != nil {
		return "", false, err
	}
	at := now
	if now.After(cert.NotAfter) {
		at, expired = cert.NotAfter, true
	}
	_, err = cert.Verify(x509.VerifyOptions{Roots: by.pool, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	if _, forged := errors.AsType[x509.UnknownAuthorityError](err); forged {
		return "", false, unknownIssuer(cert)
	}
	if err != nil {
		return "", false, fmt.Errorf("%w: %w", ErrNotADevice, err)
	}
	if now.After(cert.NotAfter.Add(grace)) {
		return "", false, fmt.Errorf("%w on %s", ErrExpired, cert.NotAfter.UTC().Format(time.RFC3339))
	}
	device = cert.Subject.CommonName
	if err := topics.CheckName(device); err != nil || cert.IsCA {
		return "", false, fmt.Errorf("%w: its common name is %.80q", ErrNotADevice, device)
	}
	return device, expired, nil
}

// issuerOf is the authority that a certificate says it was issued by.
func (k *known) issuerOf(cert *x509.Certificate) (*issuer, error) {
	n := slices.IndexFunc(k.all, func(a *issuer) bool { return bytes.Equal(cert.RawIssuer, a.cert.RawSubject) })
	if n < 0 {
		return nil, unknownIssuer(cert)
	}
	if a := k.all[n]; !a.doc.Retired.IsZero() {
		return nil, fmt.Errorf("%w: authority %q", ErrRetired, a.doc.ID)
	}
	return k.all[n], nil
}

func unknownIssuer(cert *x509.Certificate) error {
	return fmt.Errorf("%w, but by %.80q", ErrUnknownIssuer, cert.Issuer.CommonName)
}

// Roots are the certificates in PEM of the authorities that devices have to believe, oldest first.
func (f *Fleet) Roots() string {
	var roots []*x509.Certificate
	for _, a := range f.known.Load().believed() {
		roots = append(roots, a.cert)
	}
	return inPEM(roots...)
}

// Pin is that of the authority that issues. The chain of every server that has heard of it has its key.
func (f *Fleet) Pin() token.Pin {
	return token.PinOf(f.known.Load().issuing().cert.RawSubjectPublicKeyInfo)
}
