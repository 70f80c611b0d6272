// Package admission tells who connects to a broker: it makes a [topics.Subject] of what a CONNECT shows, a certificate, a token, a secret or
// a password, and ends the connections of those who are not let in any more. What the subject may do is the table's to
// say, [topics.Access].
//
// The store decides at every login. What it said is remembered, so that those who were let in before still are while it fails. See
// docs/decisions/security.md.
package admission

import (
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"muster/broker"
	"muster/manager/auth"
	"muster/manager/store"
	"muster/topics"
)

// DefaultGrace is how long after its end a certificate is good for asking for the next one.
const DefaultGrace = 365 * 24 * time.Hour

// Authorities tell whether a chain of certificates, the client's first, is a device's.
type Authorities interface {
	// Verify names the device. expired says that the certificate has ended, less than grace ago.
	Verify(chain []*x509.Certificate, now time.Time, grace time.Duration) (device string, expired bool, err error)
}

// People are the local admin, the users of the database and the API tokens; [auth.Authenticator] knows them.
type People interface {
	// Password tells whose user name and password these are.
	Password(ctx context.Context, remote, user, password string) (auth.Identity, error)
	// Standing is what a user may do now. It changes its mark when the password does. The error wraps [auth.ErrDenied] when there is no such
	// user any more.
	Standing(ctx context.Context, user string) (identity auth.Identity, mark string, err error)
	// Token tells whose token this is.
	Token(ctx context.Context, remote, text string) (auth.Identity, error)
	// Again is what somebody who has shown a token may do now. The error wraps [auth.ErrDenied] when the token is gone or has ended.
	Again(ctx context.Context, earlier auth.Identity) (auth.Identity, error)
	// Invalidate says that what the store has of them has changed.
	Invalidate()
}

// A Disconnecter ends connections; [broker.Server] does.
type Disconnecter interface {
	Disconnect(why broker.Reason, match func(topics.Subject) bool) int
}

// Options are whom a [Gate] knows. Identities, Tokens, Events, People and Log are required.
type Options struct {
	Identities store.Identities
	Events     Teller
	// Tokens has the enrollment tokens.
	Tokens store.Documents[store.Token]
	// Authorities vouch for certificates; without, there are none.
	Authorities Authorities
	People      People
	// DevicePassword, if there is one, lets in any device that has no identity of its own.
	DevicePassword string
	// Grace is by default [DefaultGrace].
	Grace time.Duration
	// CacheTime is how often the store is asked what other managers have changed; by default 10 s.
	CacheTime time.Duration
	Log       *slog.Logger
}

// A Gate lets clients in. It is safe for concurrent use.
type Gate struct {
	o      Options
	shared secret
	// memory has what was last known of devices, by name.
	memory    *lru.Cache[string, known]
	lookers   lookers
	takeovers takeovers
	// guarded is what Guard was told; nil before.
	guarded atomic.Pointer[guarded]
	// poke is a channel of one: what people may do has changed.
	poke chan struct{}
	// down is until when the store is not asked, in Unix nanoseconds: it has just failed.
	down atomic.Int64

	mu sync.Mutex
	// told is when it was last logged that the store fails.
	told time.Time
}

// New prepares a Gate. Whoever is let in is not looked after until [Gate.Run].
func New(o Options) (*Gate, error) {
	if o.Identities == nil || o.Tokens == nil || o.Events == nil || o.People == nil || o.Log == nil {
		return nil, errors.New("admission: identities, tokens, events, people and a log are required")
	}
	if o.Grace <= 0 {
		o.Grace = DefaultGrace
	}
	if o.CacheTime <= 0 {
		o.CacheTime = 10 * time.Second
	}
	return &Gate{
		o: o, shared: newSecret(o.DevicePassword), memory: newMemory(), poke: make(chan struct{}, 1),
		lookers: lookers{known: map[lookerKey]*looker{}}, takeovers: takeovers{queue: make(chan takeover, takeoverQueue)},
	}, nil
}

type guarded struct {
	broker Disconnecter
	group  func(device string) string
}

// Guard has the gate end connections there, and ask in which device_group a device is that has no identity: empty when that is not known. That is asked
// for messages that are delivered to viewers, and must be quick. Both may be nil.
func (g *Gate) Guard(d Disconnecter, group func(device string) string) {
	g.guarded.Store(&guarded{d, group})
}

// disconnect ends connections, if there is a broker that has them.
func (g *Gate) disconnect(why broker.Reason, match func(topics.Subject) bool) int {
	if guarded := g.guarded.Load(); guarded != nil && guarded.broker != nil {
		return guarded.broker.Disconnect(why, match)
	}
	return 0
}
