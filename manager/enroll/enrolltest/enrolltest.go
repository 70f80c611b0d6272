// Package enrolltest has what a desk needs in tests, and what devices ask it for.
package enrolltest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"testing"
	"time"

	"muster/manager/store"
	"muster/topics"
)

// An Authority issues certificates that nobody has to believe.
type Authority struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	// Fail, if set, is why it does not issue.
	Fail error
}

// NewAuthority makes one.
func NewAuthority(t testing.TB) *Authority {
	t.Helper()
	a := &Authority{key: Key(t), cert: &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}}
	der, err := x509.CreateCertificate(rand.Reader, a.cert, a.cert, a.key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return a
}

// IssueDevice is that of enroll.Authority.
func (a *Authority) IssueDevice(device string, publicKey crypto.PublicKey, life time.Duration) (string, store.IssuedCertificate, error) {
	if a.Fail != nil {
		return "", store.IssuedCertificate{}, a.Fail
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<60))
	if err != nil {
		return "", store.IssuedCertificate{}, err
	}
	template := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: device}, NotAfter: time.Now().Add(life)}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, publicKey, a.key)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		store.IssuedCertificate{Serial: fmt.Sprintf("%x", serial), Authority: "1", NotAfter: template.NotAfter.UTC()}, err
}

// Roots is that of enroll.Authority.
func (a *Authority) Roots() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw}))
}

// Key makes a device's key.
func Key(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// Request is what a device asks for that has the key and shows the token.
func Request(t testing.TB, device string, key crypto.Signer, token string) topics.CertificateRequest {
	t.Helper()
	return topics.CertificateRequest{RequestID: "r1", Token: token, CSR: CSR(t, x509.CertificateRequest{Subject: pkix.Name{CommonName: device}}, key)}
}

// CSR is a certificate request in PEM.
func CSR(t testing.TB, template x509.CertificateRequest, key crypto.Signer) string {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, &template, key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
}
