package devices

import (
	"context"
	"time"

	"muster/manager/store"
)

// followIdentities follows what devices are known by.
func (f *Fleet) followIdentities() *follower[store.Identity] {
	return &follower[store.Identity]{
		Fleet: f, what: "identities", since: f.o.Identities.ChangedSince, touched: make(map[string]bool),
		all: func(ctx context.Context, after string, limit int) ([]store.Identity, error) {
			return f.o.Identities.List(ctx, store.IdentityFilter{}, after, limit)
		},
		key:    func(i store.Identity) (string, time.Time) { return i.Device, i.Changed },
		take:   func(i store.Identity) bool { return f.census.identity(i) },
		loaded: func() {},
		before: func(context.Context) error { return nil },
	}
}

// Identified says what a device is known by from now on; without a State it is known by nothing any more. It costs next to
// nothing.
func (f *Fleet) Identified(i store.Identity) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.identities != nil {
		f.identities.touched[i.Device] = true
	}
	f.census.identity(i)
}
