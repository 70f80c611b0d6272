package enroll

import (
	"crypto"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"muster/manager/enroll/enrolltest"
	"muster/manager/store"
	"muster/manager/store/sqlite"
	"muster/topics"
	"muster/topics/token"
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
		Tokens: s.Tokens(), Identities: s.Identities(), Devices: s.Devices(), Audit: s.Audit(), Authority: enrolltest.NewAuthority(t),
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
	return r.check(want, r.Enroll(r.Context(), device, enrolltest.Request(r, device, key, t.Text())))
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
