package authority

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"muster/manager/store"
	"muster/topics"
)

// skew is how far behind another manager's clock may be when it sees a certificate that this one has just issued.
const skew = time.Hour

// IssueDevice issues a device's certificate, which is good for showing to servers and nothing else, and ends with its authority
// at the latest. It returns it in PEM, followed by the certificates that lead from it to the oldest authority that
// is believed, for external brokers that know of no newer one.
func (f *Fleet) IssueDevice(device string, publicKey crypto.PublicKey, life time.Duration) (string, store.IssuedCertificate, error) {
	if err := topics.CheckName(device); err != nil {
		return "", store.IssuedCertificate{}, fmt.Errorf("device %.80q: %w", device, err)
	}
	k := f.known.Load()
	by, now := k.issuing(), time.Now()
	cert, err := by.issue(&x509.Certificate{
		Subject:     pkix.Name{CommonName: device},
		NotBefore:   now.Add(-skew),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, publicKey, now, life)
	if err != nil {
		return "", store.IssuedCertificate{}, fmt.Errorf("certificate of device %q: %w", device, err)
	}
	oldest := k.believed()[0]
	issued := store.IssuedCertificate{Serial: cert.SerialNumber.Text(16), Authority: by.doc.ID, NotAfter: cert.NotAfter}
	return inPEM(cert) + inPEM(k.crosses(oldest, by)...), issued, nil
}

// IssueServer issues a certificate for a server that is reached by these DNS names and IP addresses, with a new key. Its chain
// has all cross certificates and the first root, so that whoever believes any of the fleet's authorities, or has its
// pin, can verify it.
func (f *Fleet) IssueServer(names []string, life time.Duration) (*tls.Certificate, error) {
	k := f.known.Load()
	by, now := k.issuing(), time.Now()
	template := &x509.Certificate{NotBefore: now.Add(-backdated), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	for _, name := range names {
		if name == "" {
			return nil, errors.New("certificate of a server: a name must not be empty")
		}
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	if len(names) == 0 {
		return nil, errors.New("certificate of a server: needs at least one name or address")
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	cert, err := by.issue(template, key.Public(), now, life)
	if err != nil {
		return nil, fmt.Errorf("certificate of a server for %q: %w", names, err)
	}
	pair := &tls.Certificate{PrivateKey: key, Leaf: cert, Certificate: [][]byte{cert.Raw}}
	oldest := k.oldestAt(now)
	for _, cross := range k.crosses(oldest, by) {
		pair.Certificate = append(pair.Certificate, cross.Raw)
	}
	pair.Certificate = append(pair.Certificate, oldest.cert.Raw)
	return pair, nil
}

// crosses are the certificates that lead from one authority back to another, newest first.
func (k *known) crosses(oldest, newest *issuer) []*x509.Certificate {
	var certs []*x509.Certificate
	for _, a := range slices.Backward(k.all) {
		if a.number > oldest.number && a.number <= newest.number {
			certs = append(certs, a.cross)
		}
	}
	return certs
}

// issue signs a certificate that is no authority's. It does not outlive the one that signs it.
func (a *issuer) issue(template *x509.Certificate, publicKey crypto.PublicKey, now time.Time, life time.Duration) (*x509.Certificate, error) {
	template.NotAfter = earlier(now.Add(life), a.cert.NotAfter)
	if life <= 0 || !template.NotAfter.After(now) {
		return nil, fmt.Errorf("would have ended on %s already, its authority %q ends on %s",
			template.NotAfter.Format(time.DateOnly), a.doc.ID, a.cert.NotAfter.Format(time.DateOnly))
	}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.BasicConstraintsValid = true
	return sign(template, a.cert, publicKey, a.key)
}
