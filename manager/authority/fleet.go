package authority

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"muster/manager/store"
)

// first is the ID of the first authority.
const first = "1"

// Options say how a manager uses the authorities.
type Options struct {
	// By says who makes the first authority when there is none.
	By string
	// Seals seal and unseal the keys in the store: the first one seals, all of them unseal. Without any, keys are kept as they are.
	Seals []*Seal
	// Identities are those of the devices; Retire and CRL look into them.
	Identities store.Identities
	// Grace is how long after its end a device's certificate may still be renewed: Retire waits for it.
	Grace time.Duration
	// Every is how often [Fleet.Follow] looks for what other managers changed.
	Every time.Duration
	// Log must not be nil.
	Log *slog.Logger
}

// A Fleet is the certificate authorities of a fleet, as this manager knows them. It is made by [Open] and safe for
// concurrent use.
type Fleet struct {
	store store.Documents[store.Authority]
	o     Options
	known atomic.Pointer[known]

	replacing sync.Mutex // held while known is replaced, and the store read for it

	mu      sync.Mutex
	changed chan struct{}
	failure string
}

// Open reads the authorities, and makes the first one when there is none: of several managers that start at once only one does. It
// fails when an authority cannot be read, or its key not be used: whoever went on without it would lock out devices.
func Open(ctx context.Context, authorities store.Documents[store.Authority], o Options) (*Fleet, error) {
	f := &Fleet{store: authorities, o: o, changed: make(chan struct{})}
	names, err := authorities.Names(ctx)
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		if err := f.begin(ctx); err != nil {
			return nil, err
		}
	}
	docs, err := authorities.All(ctx)
	if err != nil {
		return nil, err
	}
	if err := f.reseal(ctx, docs); err != nil {
		return nil, err
	}
	k, err := f.read(docs)
	if err := cmp.Or(err, k.unusable()); err != nil {
		return nil, err
	}
	f.known.Store(k)
	k.warn(o.Log, time.Now())
	return f, nil
}

// begin makes the first authority, unless somebody else has by now.
func (f *Fleet) begin(ctx context.Context) error {
	made, key, err := newAuthority(first, nil, time.Now())
	if err != nil {
		return err
	}
	doc, err := f.document(made, key, f.o.By)
	if err != nil {
		return err
	}
	switch err := f.store.Create(ctx, doc); {
	case errors.Is(err, store.ErrExists):
		return nil
	case err != nil:
		return err
	}
	f.o.Log.Info("fleet's certificate authority made", "authority", first, "expires", made.cert.NotAfter)
	return nil
}

// Refresh reads what other managers have changed. When it fails, all stays as it was.
func (f *Fleet) Refresh(ctx context.Context) error {
	f.replacing.Lock()
	defer f.replacing.Unlock()
	return f.refresh(ctx)
}

func (f *Fleet) refresh(ctx context.Context) error {
	docs, err := f.store.All(ctx)
	if err != nil {
		return err
	}
	before := f.known.Load()
	if before.same(docs) {
		return before.unusable()
	}
	k, err := f.read(docs)
	if err != nil {
		return err
	}
	for _, a := range before.all {
		now := k.find(a.doc.ID)
		if now == nil || now.doc.Certificate != a.doc.Certificate {
			// Not taken over: devices that believe it alone would be locked out, and whoever restores an old backup by
			// mistake should have a chance to put this right.
			return fmt.Errorf("authority %q: is gone from the store, or another one is in its place; a restart takes over what is there now", a.doc.ID)
		}
		if now.key == nil {
			now.key = a.key // another manager has sealed it by what this one has not been given
		}
	}
	f.known.Store(k)
	f.tell()
	f.o.Log.Info("fleet's certificate authorities have changed", "issuing", k.issuing().doc.ID, "believed", len(k.believed()))
	// It goes on without a key that it cannot use, because what other managers issue by it can be believed all the same.
	return k.unusable()
}

// tell wakes up those who wait for a change.
func (f *Fleet) tell() {
	f.mu.Lock()
	defer f.mu.Unlock()
	close(f.changed)
	f.changed = make(chan struct{})
}

// Changed is closed when the authorities change after the call.
func (f *Fleet) Changed() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.changed
}

// Follow looks into the store for what other managers have changed, until the context ends.
func (f *Fleet) Follow(ctx context.Context) {
	tick := time.NewTicker(f.o.Every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			err := f.Refresh(ctx)
			if ctx.Err() != nil {
				return
			}
			f.note(err)
			f.known.Load().warn(f.o.Log, now)
		}
	}
}

// note logs a failure once, and its end.
func (f *Fleet) note(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	text := ""
	if err != nil {
		text = err.Error()
	}
	if text == f.failure {
		return
	}
	f.failure = text
	if err != nil {
		f.o.Log.Error("fleet's certificate authorities stay as they were known", "error", err)
	} else {
		f.o.Log.Info("fleet's certificate authorities can be read again")
	}
}
