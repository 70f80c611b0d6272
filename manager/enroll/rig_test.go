package enroll

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"muster/manager/store"
	"muster/manager/store/sqlite"
	"muster/manager/token"
	"muster/topics"
)

// A rig is a desk on a store of its own.
type rig struct {
	testing.TB
	*Desk
	store *sqlite.Store
	log   *logged

	mu      sync.Mutex
	changed []store.Identity
}

// logged is what was logged.
type logged struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// newRig makes one; alter may change the options.
func newRig(t testing.TB, alter ...func(*Options)) *rig {
	t.Helper()
	s, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "store.db"), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	r := &rig{TB: t, store: s, log: new(logged)}
	o := Options{
		Tokens: s.Tokens(), Identities: s.Identities(), Devices: s.Devices(), Audit: s.Audit(), Authority: newFakeAuthority(t),
		BrokerURL: "mqtts://muster.example:8883", CacheTime: time.Hour, Log: slog.New(slog.NewTextHandler(r.log, nil)),
		Changed: func(i store.Identity) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.changed = append(r.changed, i)
		},
	}
	for _, a := range alter {
		a(&o)
	}
	if r.Desk, err = New(o); err != nil {
		t.Fatal(err)
	}
	return r
}

// token makes an enrollment token of device_group "shops" for one device, unless alter says otherwise.
func (r *rig) token(alter ...func(*store.Token)) token.Token {
	r.Helper()
	made := token.New(token.PinOf([]byte("a key")))
	t := store.Token{
		ID: made.ID, Name: "for a test", Kind: store.TokenEnroll, Hash: made.Hash(), Created: time.Now(), By: "admin",
		Expires: time.Now().Add(time.Hour), DeviceGroup: "shops", Uses: 1,
	}
	for _, a := range alter {
		a(&t)
	}
	r.must(r.store.Tokens().Create(r.Context(), t))
	r.TokensChanged()
	return made
}

func (r *rig) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

func (r *rig) identity(device string) store.Identity {
	r.Helper()
	i, err := r.store.Identities().Get(r.Context(), device)
	r.must(err)
	return i
}

// used is how many uses of the token were taken.
func (r *rig) used(t token.Token) int64 {
	r.Helper()
	row, err := r.store.Tokens().Get(r.Context(), t.ID)
	r.must(err)
	return row.Used
}

// ask enrolls a device with the key and checks what the answer is.
func (r *rig) ask(want string, device string, key crypto.Signer, t token.Token) topics.CertificateReply {
	r.Helper()
	return r.check(want, r.Enroll(r.Context(), device, request(r, device, key, t.Text())))
}

// check fails unless the reply is of that state and can be sent.
func (r *rig) check(want string, reply topics.CertificateReply) topics.CertificateReply {
	r.Helper()
	if reply.State != want || reply.RequestID != "r1" {
		r.Fatalf("the answer to %q is %q (%s), want %q", reply.RequestID, reply.State, reply.Error, want)
	}
	if _, err := reply.Encode(); err != nil {
		r.Fatalf("the answer cannot be sent: %v", err)
	}
	return reply
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func request(t testing.TB, device string, key crypto.Signer, shown string) topics.CertificateRequest {
	t.Helper()
	return topics.CertificateRequest{RequestID: "r1", Token: shown, CSR: requestPEM(t, x509.CertificateRequest{Subject: pkix.Name{CommonName: device}}, key)}
}

func requestPEM(t testing.TB, template x509.CertificateRequest, key crypto.Signer) string {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, &template, key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
}

// A fakeAuthority is a real one without a store.
type fakeAuthority struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	// fail, if set, is why it does not issue.
	fail error
}

func newFakeAuthority(t testing.TB) *fakeAuthority {
	a := &fakeAuthority{key: newKey(t), cert: &x509.Certificate{
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

func (a *fakeAuthority) IssueDevice(device string, publicKey crypto.PublicKey, life time.Duration) (string, store.IssuedCertificate, error) {
	if a.fail != nil {
		return "", store.IssuedCertificate{}, a.fail
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<60))
	if err != nil {
		return "", store.IssuedCertificate{}, err
	}
	template := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: device}, NotAfter: time.Now().Add(life)}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, publicKey, a.key)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		store.IssuedCertificate{Serial: fmt.Sprintf("%x", serial), Authority: "1", NotAfter: template.NotAfter}, err
}

func (a *fakeAuthority) Roots() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw}))
}
