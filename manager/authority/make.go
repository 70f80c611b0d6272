package authority

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"

	"muster/manager/store"
)

const certificateBlock = "CERTIFICATE"

const (
	// authorityLife is how long an authority lasts.
	authorityLife = 20 * 365 * 24 * time.Hour
	// backdated is how long before they are made the certificates of authorities and servers begin. A device without a clock
	// takes the time that its program was built for now, and must not find that they begin in the future.
	backdated = 365 * 24 * time.Hour
)

// newAuthority makes an authority, with a certificate signed by the one before as well, if there is one.
func newAuthority(id string, before *issuer, now time.Time) (*issuer, *ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	publicKey, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return nil, nil, err
	}
	sum := sha256.Sum256(publicKey)
	template := &x509.Certificate{
		// A name of its own, because some clients look for an issuer by its name alone.
		Subject:               pkix.Name{CommonName: fmt.Sprintf("Muster CA %s %x", id, sum[:4])},
		SubjectKeyId:          sum[:20],
		NotBefore:             now.Add(-backdated),
		NotAfter:              now.Add(authorityLife),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	made := &issuer{}
	if made.cert, err = sign(template, template, key.Public(), key); err != nil {
		return nil, nil, err
	}
	if before != nil {
		template.NotAfter = earlier(template.NotAfter, before.cert.NotAfter)
		if made.cross, err = sign(template, before.cert, key.Public(), before.key); err != nil {
			return nil, nil, err
		}
	}
	if made.number, err = strconv.Atoi(id); err != nil {
		return nil, nil, err
	}
	return made, key, nil
}

// sign makes a certificate, with a random serial number.
func sign(template, parent *x509.Certificate, publicKey crypto.PublicKey, key *ecdsa.PrivateKey) (*x509.Certificate, error) {
	t := *template
	serial := make([]byte, 16)
	if _, err := rand.Read(serial); err != nil {
		return nil, err
	}
	serial[0] |= 0x40 // never shorter, never negative
	t.SerialNumber = new(big.Int).SetBytes(serial)
	der, err := x509.CreateCertificate(rand.Reader, &t, parent, publicKey, key)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

// document is how an authority is kept.
func (f *Fleet) document(a *issuer, key *ecdsa.PrivateKey, by string) (store.Authority, error) {
	doc := store.Authority{
		ID: strconv.Itoa(a.number), Certificate: inPEM(a.cert), Cross: inPEM(a.cross), Created: time.Now().UTC(), By: by,
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return store.Authority{}, err
	}
	doc.Key, err = keepKey(f.o.Seals, doc.ID, der)
	return doc, err
}

// inPEM is nothing for no certificate.
func inPEM(certs ...*x509.Certificate) string {
	var text strings.Builder
	for _, cert := range certs {
		if cert != nil {
			text.Write(pem.EncodeToMemory(&pem.Block{Type: certificateBlock, Bytes: cert.Raw}))
		}
	}
	return text.String()
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
