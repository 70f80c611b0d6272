package authority

import (
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"muster/manager/store"
)

// An issuer is one authority.
type issuer struct {
	doc store.Authority
	// number is the ID's.
	number int
	cert   *x509.Certificate
	pool   *x509.CertPool
	// cross is nil for the first.
	cross *x509.Certificate
	// key is nil when it cannot be used, and unusable says why.
	key      *ecdsa.PrivateKey
	unusable error
}

// known is what there is in the store at one time. It does not change, but for warned.
type known struct {
	// all are in ascending order, at least one.
	all    []*issuer
	docs   []store.Authority
	warned atomic.Int64
}

// read makes sense of authorities, or fails: one that is left out would lock out devices.
func (f *Fleet) read(docs []store.Authority) (*known, error) {
	k := &known{docs: docs}
	for _, doc := range docs {
		a, err := f.readOne(doc)
		if err != nil {
			return k, fmt.Errorf("authority %q: %w", doc.ID, err)
		}
		k.all = append(k.all, a)
	}
	if len(k.all) == 0 {
		return k, errors.New("the store has no certificate authority any more")
	}
	slices.SortFunc(k.all, func(a, b *issuer) int { return a.number - b.number })
	if newest := k.all[len(k.all)-1]; !newest.doc.Retired.IsZero() {
		return k, fmt.Errorf("authority %q: retired: must not be set, for it is the newest", newest.doc.ID)
	}
	for n, a := range k.all {
		if a.cross == nil != (n == 0) {
			return k, fmt.Errorf("authority %q: cross: must be there for each authority but the first", a.doc.ID)
		}
		if n == 0 {
			continue
		}
		if err := a.cross.CheckSignatureFrom(k.all[n-1].cert); err != nil {
			return k, fmt.Errorf("authority %q: cross: is not signed by authority %q: %w", a.doc.ID, k.all[n-1].doc.ID, err)
		}
	}
	return k, nil
}

func (f *Fleet) readOne(doc store.Authority) (a *issuer, err error) {
	a = &issuer{doc: doc}
	if a.number, err = strconv.Atoi(doc.ID); err != nil || a.number < 1 || strconv.Itoa(a.number) != doc.ID {
		return nil, errors.New("id: must be a whole number from 1 on")
	}
	if a.cert, err = parseCertificate(doc.Certificate); err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	if err := a.cert.CheckSignatureFrom(a.cert); err != nil {
		return nil, fmt.Errorf("certificate: is not signed by its own key: %w", err)
	}
	a.pool = x509.NewCertPool()
	a.pool.AddCert(a.cert)
	if doc.Cross != "" {
		if a.cross, err = parseCertificate(doc.Cross); err != nil {
			return nil, fmt.Errorf("cross: %w", err)
		}
		if string(a.cross.RawSubject) != string(a.cert.RawSubject) || string(a.cross.RawSubjectPublicKeyInfo) != string(a.cert.RawSubjectPublicKeyInfo) {
			return nil, errors.New("cross: has another name or key than the certificate")
		}
	}
	a.key, a.unusable = openKey(f.o.Seals, doc.ID, doc.Key)
	if a.unusable == nil && !a.key.PublicKey.Equal(a.cert.PublicKey) {
		a.key, a.unusable = nil, errors.New("key: is not the one of the certificate")
	}
	return a, nil
}

func parseCertificate(text string) (*x509.Certificate, error) {
	block, rest := pem.Decode([]byte(text))
	if block == nil || block.Type != certificateBlock || strings.TrimSpace(string(rest)) != "" {
		return nil, errors.New("must be one certificate in PEM")
	}
	return x509.ParseCertificate(block.Bytes)
}

// unusable says which key that is still of use cannot be used, if any.
func (k *known) unusable() error {
	for _, a := range k.all {
		if a.unusable != nil && a.doc.Retired.IsZero() {
			return fmt.Errorf("authority %q: %w", a.doc.ID, a.unusable)
		}
	}
	return nil
}

// issuing is the authority that issues: the newest whose key can be used. After [Open] there is one: an older one lets
// this manager go on until it can use the key of the one that another manager made.
func (k *known) issuing() *issuer {
	for _, a := range slices.Backward(k.all) {
		if a.key != nil {
			return a
		}
	}
	return nil
}

// believed are those whose devices' certificates are believed.
func (k *known) believed() []*issuer {
	return slices.DeleteFunc(slices.Clone(k.all), func(a *issuer) bool { return !a.doc.Retired.IsZero() })
}

func (k *known) find(id string) *issuer {
	n := slices.IndexFunc(k.all, func(a *issuer) bool { return a.doc.ID == id })
	if n < 0 {
		return nil
	}
	return k.all[n]
}

// oldestAt is the first authority that has not ended.
func (k *known) oldestAt(now time.Time) *issuer {
	for _, a := range k.all {
		if now.Before(a.cert.NotAfter) {
			return a
		}
	}
	return k.issuing()
}

// same says whether these are the documents that it was made of.
func (k *known) same(docs []store.Authority) bool {
	return slices.EqualFunc(k.docs, docs, func(a, b store.Authority) bool {
		return a.ID == b.ID && a.Certificate == b.Certificate && a.Cross == b.Cross && a.Key == b.Key && a.Retired.Equal(b.Retired)
	})
}

const (
	// warnBefore is how long before its end an authority is worth a warning: devices that are seldom on need to hear of the next
	// one in time. warnEvery is how often.
	warnBefore = 2 * 365 * 24 * time.Hour
	warnEvery  = 7 * 24 * time.Hour
)

// warn logs that the issuing authority ends, now and then.
func (k *known) warn(log *slog.Logger, now time.Time) {
	ends := k.issuing().cert.NotAfter
	last := time.Unix(k.warned.Load(), 0)
	if ends.Sub(now) < warnBefore && now.Sub(last) >= warnEvery {
		k.warned.Store(now.Unix())
		log.Warn("fleet's certificate authority ends; muster ca roll makes the next one", "authority", k.issuing().doc.ID, "expires", ends)
	}
}
