package certificate

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"
)

// An Issuer issues certificates of servers, as the fleet's authorities do.
type Issuer interface {
	// IssueServer makes a key, and a certificate for it and those host names and addresses. It comes with the certificates by
	// which whoever believes any of the Roots can verify it.
	IssueServer(names []string, life time.Duration) (*tls.Certificate, error)
	// Roots are the authorities' own certificates in PEM. They change when the next certificate would be another authority's.
	Roots() string
	// Changed is closed when the Roots change after the call.
	Changed() <-chan struct{}
}

// DefaultLife is how long certificates of servers last. Nobody has to care: each start makes a new one, and so does
// whoever runs for long.
const DefaultLife = 90 * 24 * time.Hour

// IssuedOptions say what [Issue] asks for. Names is required; other zero values stand for the default named with them.
type IssuedOptions struct {
	// Names gives the host names and addresses at the time.
	Names func() ([]string, error)
	// Life is how long certificates last, by default [DefaultLife]. A new one is made after two thirds of it.
	Life time.Duration
	// Every is how often the names are looked at, by default a minute.
	Every time.Duration
	// Roots is called with the authorities' certificates when they have changed, and before [Issue] returns.
	Roots func(pem string) error
	// Log is where changes are noted; by default nowhere.
	Log *slog.Logger
}

// Issued is a server certificate of the fleet's own, whose key is only ever in memory. It is made by [Issue] and safe for
// concurrent use.
type Issued struct {
	issuer  Issuer
	o       IssuedOptions
	current atomic.Pointer[issue]
	told    string // the roots that Roots was last called with
	failure string // the last one, as logged
	changed <-chan struct{}
}

// An issue is a certificate and what it was made from.
type issue struct {
	certificate *tls.Certificate
	names       []string
	roots       string
	renew       time.Time
}

// Issue has a first certificate made.
func Issue(issuer Issuer, o IssuedOptions) (*Issued, error) {
	o.Life, o.Every = cmp.Or(o.Life, DefaultLife), cmp.Or(o.Every, time.Minute)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	i := &Issued{issuer: issuer, o: o}
	i.current.Store(&issue{})
	if err := i.follow(time.Now()); err != nil {
		return nil, err
	}
	return i, nil
}

// Latest is the certificate for handshakes from now on.
func (i *Issued) Latest() *tls.Certificate { return i.current.Load().certificate }

// Run has a new certificate made whenever it is time, or names or authorities have changed, until ctx ends. What fails is
// tried again, and the certificate there is stays.
func (i *Issued) Run(ctx context.Context) {
	ticker := time.NewTicker(i.o.Every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-i.changed:
		case <-ticker.C:
		}
		err := i.follow(time.Now()) // by the wall clock: the machine may have slept
		switch {
		case err == nil:
			i.failure = ""
		case err.Error() != i.failure:
			i.failure = err.Error()
			i.o.Log.Error("certificate of this server: trying again", "error", err, "expires", i.Latest().Leaf.NotAfter)
		}
	}
}

// follow makes a certificate if the one there is, if any, does not fit any more. The new one counts even when nobody can be told of
// the roots, because a disk is full: devices that come with tokens of a new authority look for that one.
func (i *Issued) follow(now time.Time) error {
	was := i.current.Load()
	i.changed = i.issuer.Changed() // before the roots are read: what changes from then on is seen the next time
	names, err := i.o.Names()
	if err != nil {
		return fmt.Errorf("names of this server: %w", err)
	}
	roots := i.issuer.Roots()
	if roots != was.roots || !slices.Equal(names, was.names) || !now.Before(was.renew) {
		made, err := i.issuer.IssueServer(names, i.o.Life)
		if err != nil {
			return fmt.Errorf("certificate of this server: %w", err)
		}
		i.current.Store(&issue{certificate: made, names: names, roots: roots, renew: now.Add(made.Leaf.NotAfter.Sub(now) * 2 / 3)})
		i.o.Log.Info("this server has a certificate of the fleet's authority", "names", names, "expires", made.Leaf.NotAfter)
	}
	if roots == i.told || i.o.Roots == nil {
		return nil
	}
	if err := i.o.Roots(roots); err != nil {
		return fmt.Errorf("authorities for those on this machine: %w", err)
	}
	i.told = roots
	return nil
}
