package authority

import (
	"fmt"
	"time"

	"muster/manager/store"
	"muster/manager/token"
)

// An Info is what may be known of an authority: everything but its key.
type Info struct {
	ID string
	// Pin is that of its public key, as it is in enrollment tokens.
	Pin string
	// Subject is its name in certificates.
	Subject string
	// Certificate is self-signed and Cross the one that its predecessor has signed, in PEM.
	Certificate string
	Cross       string
	Created     time.Time
	By          string
	NotAfter    time.Time
	// Retired is since when devices' certificates of it are not believed; zero while they are.
	Retired time.Time
	// Issues says that it is the one that issues. Sealed says that its key is kept encrypted.
	Issues bool
	Sealed bool
}

// List tells of all authorities, oldest first.
func (f *Fleet) List() []Info {
	k := f.known.Load()
	infos := make([]Info, 0, len(k.all))
	for _, a := range k.all {
		infos = append(infos, k.info(a))
	}
	return infos
}

// Get tells of one. It fails with [store.ErrNotFound].
func (f *Fleet) Get(id string) (Info, error) {
	k := f.known.Load()
	a := k.find(id)
	if a == nil {
		return Info{}, fmt.Errorf("authority %q: %w", id, store.ErrNotFound)
	}
	return k.info(a), nil
}

func (k *known) info(a *issuer) Info {
	return Info{
		ID: a.doc.ID, Pin: token.PinOf(a.cert.RawSubjectPublicKeyInfo).String(), Subject: a.cert.Subject.CommonName,
		Certificate: a.doc.Certificate, Cross: a.doc.Cross, Created: a.doc.Created, By: a.doc.By, NotAfter: a.cert.NotAfter.UTC(),
		Retired: a.doc.Retired, Issues: a == k.issuing(), Sealed: sealed(a.doc.Key),
	}
}
