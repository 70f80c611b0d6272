package certificate

import (
	"context"
	"errors"
	"time"

	"golang.org/x/crypto/acme/autocert"

	"muster/manager/store"
)

// A cache keeps what autocert has in the store.
type cache struct {
	entries store.Documents[store.ACMEEntry]
}

func (c cache) Get(ctx context.Context, name string) ([]byte, error) {
	e, err := c.entries.Get(ctx, name)
	if errors.Is(err, store.ErrNotFound) {
		return nil, autocert.ErrCacheMiss
	}
	return e.Data, err
}

func (c cache) Put(ctx context.Context, name string, data []byte) error {
	return put(ctx, c.entries, store.ACMEEntry{Name: name, Data: data}, func(*store.ACMEEntry) error { return nil })
}

func (c cache) Delete(ctx context.Context, name string) error {
	if err := c.entries.Delete(ctx, name); !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return nil
}

// put writes an entry, in place of one of the same name unless may has something against that.
func put(ctx context.Context, entries store.Documents[store.ACMEEntry], e store.ACMEEntry, may func(*store.ACMEEntry) error) error {
	for {
		err := entries.Create(ctx, e)
		if !errors.Is(err, store.ErrExists) {
			return err
		}
		_, err = entries.Modify(ctx, e.Name, func(there *store.ACMEEntry) error {
			if err := may(there); err != nil {
				return err
			}
			*there = e
			return nil
		})
		if !errors.Is(err, store.ErrNotFound) { // or else it was deleted in between
			return err
		}
	}
}

// turns let one manager at a time ask for the first certificate of a name: servers allow a few a week.
type turns struct {
	entries store.Documents[store.ACMEEntry]
	me      string
}

var errNotMyTurn = errors.New("another manager is asking for it")

// take fails with errNotMyTurn. A manager that dies loses its turn when nobody could still be waiting for an answer.
func (t turns) take(ctx context.Context, name string) (release func(), err error) {
	name = "turn " + name // no host name, nor anything of autocert's, has a space
	err = put(ctx, t.entries, store.ACMEEntry{Name: name, Data: []byte(t.me), Until: time.Now().Add(issueTime).UTC()}, func(there *store.ACMEEntry) error {
		if string(there.Data) != t.me && time.Now().Before(there.Until) {
			return errNotMyTurn
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return func() {
		// When it fails, the turn ends by itself.
		_ = cache{t.entries}.Delete(context.WithoutCancel(ctx), name)
	}, nil
}
