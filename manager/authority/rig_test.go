package authority_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"muster/manager/authority"
	"muster/manager/store"
	"muster/manager/store/sqlite"
)

const (
	day   = 24 * time.Hour
	life  = 90 * day
	grace = 30 * day
)

// A rig is a store and those who use it.
type rig struct {
	*testing.T
	store store.Store
	log   lockedBuffer
}

// A lockedBuffer may be written to and read at the same time.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newRig(t *testing.T) *rig {
	t.Helper()
	s, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "muster.db"), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return &rig{T: t, store: s}
}

func (r *rig) options(seals ...*authority.Seal) authority.Options {
	return authority.Options{
		By: "m1", Seals: seals, Identities: r.store.Identities(), Grace: grace, Every: 10 * time.Second, Log: slog.New(slog.NewTextHandler(&r.log, nil)),
	}
}

// open is another manager, or the same one after a restart.
func (r *rig) open(seals ...*authority.Seal) *authority.Fleet {
	r.Helper()
	f, err := authority.Open(r.Context(), r.store.Authorities(), r.options(seals...))
	r.must(err)
	return f
}

func (r *rig) roll(f *authority.Fleet) {
	r.Helper()
	_, err := f.Roll(r.Context(), "ada")
	r.must(err)
}

func (r *rig) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// A device is one with a certificate.
type device struct {
	name   string
	key    *ecdsa.PrivateKey
	pem    string
	chain  []*x509.Certificate
	issued store.IssuedCertificate
}

func (r *rig) device(f *authority.Fleet, name string) device {
	r.Helper()
	key := newKey(r)
	text, issued, err := f.IssueDevice(name, key.Public(), life)
	r.must(err)
	return device{name, key, text, certificates(r, text), issued}
}

// identify puts the identity of a device with its certificates, newest first, into the store.
func (r *rig) identify(name string, state store.IdentityState, issued ...store.IssuedCertificate) {
	r.Helper()
	_, err := r.store.Identities().Create(context.Background(), store.Identity{Device: name, DeviceGroup: "g", State: state, Certificates: issued})
	r.must(err)
}

// tls is what the device shows to servers.
func (d device) tls() tls.Certificate {
	pair := tls.Certificate{PrivateKey: d.key}
	for _, cert := range d.chain {
		pair.Certificate = append(pair.Certificate, cert.Raw)
	}
	return pair
}

// certificates reads those of a PEM file.
func certificates(t testing.TB, text string) []*x509.Certificate {
	t.Helper()
	var certs []*x509.Certificate
	for rest := []byte(text); len(bytes.TrimSpace(rest)) > 0; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil || block.Type != "CERTIFICATE" {
			t.Fatalf("not a certificate: %.200s", text)
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		certs = append(certs, cert)
	}
	return certs
}

func pool(certs ...*x509.Certificate) *x509.CertPool {
	p := x509.NewCertPool()
	for _, cert := range certs {
		p.AddCert(cert)
	}
	return p
}
