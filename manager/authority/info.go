package authority

import (
	"fmt"
	"time"

	"muster/manager/store"
	"muster/topics/token"
)

// An Info is what may be known of an authority: everything but its key.
type Info struct {
	ID string `json:"id"`
	// Subject is its name in certificates.
	Subject string `json:"subject"`
	// Pin is that of its public key, as it is in enrollment tokens.
	Pin string `json:"pin"`
	// Issues says that it is the one that issues. Sealed says that its key is kept encrypted.
	Issues bool `json:"issues"`
	Sealed bool `json:"sealed"`
	// Created is when it was made and By whom, and NotAfter when it ends.
	Created  time.Time `json:"created"`
	By       string    `json:"by"`
	NotAfter time.Time `json:"not_after"`
	// Retired is since when devices' certificates of it are not believed; nil while they are.
	Retired *time.Time `json:"retired"`
	// Certificate is self-signed and Cross, empty for the first, the one that its predecessor has signed, in PEM.
	Certificate string `json:"certificate"`
	Cross       string `json:"cross"`
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
	i := Info{
		ID: a.doc.ID, Pin: token.PinOf(a.cert.RawSubjectPublicKeyInfo).String(), Subject: a.cert.Subject.CommonName,
		Certificate: a.doc.Certificate, Cross: a.doc.Cross, Created: a.doc.Created, By: a.doc.By, NotAfter: a.cert.NotAfter.UTC(),
		Issues: a == k.issuing(), Sealed: sealed(a.doc.Key),
	}
	if !a.doc.Retired.IsZero() {
		i.Retired = &a.doc.Retired
	}
	return i
}
