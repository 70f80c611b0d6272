package authority

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"time"

	"muster/manager/store"
)

// CRL makes the certificate revocation lists (RFC 5280) of all authorities whose certificates are believed, in PEM one after the
// other, for external brokers. They have the certificates of revoked devices that have not ended, and are good for that long: a
// broker that gets no later ones by then lets nobody in.
func (f *Fleet) CRL(ctx context.Context, life time.Duration) (string, error) {
	now := time.Now()
	revoked := map[string][]x509.RevocationListEntry{}
	var wrong error
	err := f.each(ctx, store.IdentityFilter{State: store.IdentityRevoked}, func(i store.Identity) {
		for _, cert := range i.Certificates {
			serial, ok := new(big.Int).SetString(cert.Serial, 16)
			if !ok {
				wrong = fmt.Errorf("identity %q: certificates: serial: must be hexadecimal, is %.80q", i.Device, cert.Serial)
			} else if now.Before(cert.NotAfter) {
				at := i.Revoked
				if at.IsZero() {
					at = now
				}
				revoked[cert.Authority] = append(revoked[cert.Authority], x509.RevocationListEntry{SerialNumber: serial, RevocationTime: at})
			}
		}
	})
	if err == nil {
		err = wrong
	}
	if err != nil {
		return "", err
	}
	var text strings.Builder
	for _, a := range f.known.Load().believed() {
		if a.key == nil {
			return "", fmt.Errorf("authority %q: %w", a.doc.ID, a.unusable)
		}
		der, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
			// Milliseconds rise from list to list, whichever manager makes it.
			Number: big.NewInt(now.UnixMilli()), ThisUpdate: now.Add(-skew), NextUpdate: now.Add(life),
			RevokedCertificateEntries: revoked[a.doc.ID],
		}, a.cert, a.key)
		if err != nil {
			return "", fmt.Errorf("authority %q: %w", a.doc.ID, err)
		}
		text.Write(pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der}))
	}
	return text.String(), nil
}
