package auth

import (
	"context"
	"time"
)

// Limits that tests go up to.
const (
	NameBurst    = nameBurst
	NameInterval = nameInterval
	AddrBurst    = addrBurst
	VerifiedFor  = verifiedFor
	StaleLimit   = staleLimit
)

// SetClock has a look at another clock. It must be called before a is used.
func (a *Authenticator) SetClock(now func() time.Time) { a.now = now }

// Works is how often bcrypt had to work.
func (a *Authenticator) Works() int64 { return a.bench.works.Load() }

// Occupy keeps all processors until release is called.
func (a *Authenticator) Occupy(ctx context.Context) (release func(), err error) {
	n := benchSlots()
	return func() { a.bench.slots.Release(n) }, a.bench.slots.Acquire(ctx, n)
}
