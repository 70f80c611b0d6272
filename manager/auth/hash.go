package auth

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"

	"golang.org/x/crypto/bcrypt"
	"golang.org/x/sync/semaphore"
)

// MaxSecret is the length of the longest password or token, in bytes. bcrypt looks at no more.
const MaxSecret = 72

// maxCost is the highest bcrypt cost that is worked off: some two seconds. A document that names a higher
// one would otherwise keep a processor busy for hours, and nothing can stop that once it runs.
const maxCost = 15

// nobodysHash stands in for a user's hash where there are no users at all. Nobody knows what it was made
// of, and nothing that matches it is let in.
const nobodysHash = "$2a$10$W3oYE7hho635QsNlcWI8e.Hw6cSxMPPU0X9Wq.xrq33en35/u3s2a"

// IsHash reports whether s is a bcrypt hash in one of the forms that Nebula and Muster write.
func IsHash(s string) bool {
	if !strings.HasPrefix(s, "$2a$") && !strings.HasPrefix(s, "$2b$") && !strings.HasPrefix(s, "$2y$") {
		return false
	}
	_, err := bcrypt.Cost([]byte(s))
	return err == nil && len(s) == 60
}

// usable is the hash when credentials can be held against it, else empty.
func usable(hash string) string {
	if !IsHash(hash) {
		return ""
	}
	if cost, err := bcrypt.Cost([]byte(hash)); err != nil || cost > maxCost {
		return ""
	}
	return hash
}

// A bench is where bcrypt work is done, as many at a time as it has slots.
type bench struct {
	slots *semaphore.Weighted
	works atomic.Int64 // how often, for tests
	whole *bench       // what this is a part of; nil for the whole
}

func newBench() *bench { return &bench{slots: semaphore.NewWeighted(benchSlots())} }

// benchSlots is half of the processors: whoever guesses is not to slow down devices that check in.
func benchSlots() int64 { return int64(runtime.GOMAXPROCS(0)+1) / 2 }

// corner is a part of the bench, for one at a time.
func (b *bench) corner() *bench { return &bench{slots: semaphore.NewWeighted(1), whole: b} }

// work does f when a processor is free for it, unless ctx ends first. Who comes first is served first.
func (b *bench) work(ctx context.Context, f func() error) error {
	if err := b.slots.Acquire(ctx, 1); err != nil {
		return fmt.Errorf("wait to check credentials: %w", err)
	}
	defer b.slots.Release(1)
	if b.whole != nil {
		return b.whole.work(ctx, f)
	}
	b.works.Add(1)
	return f()
}

// matches reports whether the hash is of the secret. As with Nebula, no more than [MaxSecret] bytes count.
func matches(hash, secret string) bool {
	return bcrypt.CompareHashAndPassword([]byte(hash), []byte(secret)) == nil
}

// Hash makes a bcrypt hash of a password or token of 1 to [MaxSecret] bytes. It waits for a processor as
// long as ctx allows.
func (a *Authenticator) Hash(ctx context.Context, secret string) (hash string, err error) {
	if secret == "" {
		return "", errors.New("hash: the secret is empty")
	}
	err = a.bench.work(ctx, func() error {
		made, err := bcrypt.GenerateFromPassword([]byte(secret), a.cost)
		hash = string(made)
		return err
	})
	return hash, err
}
