// Package storetest is the contract of a store: one suite of tests that every implementation passes.
package storetest

import (
	"context"
	"sync"
	"testing"
	"time"

	"muster/manager/store"
)

// patience bounds every test of the suite, so that a store that hangs fails it.
const patience = 2 * time.Minute

// A Backend is where one store is kept, such as a file or a database.
type Backend struct {
	// Open opens a handle on the store, as another manager would, or the same one after a restart. It may be
	// called several times, also at once and while other handles are open.
	Open func(context.Context) (store.Store, error)
	// Plant puts a document into the store behind its back, as another program might: a JSON object that
	// carries the name, in the table or collection of a kind. It is called while a handle is open.
	Plant func(ctx context.Context, plural, name, doc string) error
}

// Run runs the suite. fresh prepares a new, empty store for a test; whatever it needs to clean up it
// registers with t. The suite closes the handles that it opens.
func Run(t *testing.T, fresh func(t *testing.T) Backend) {
	t.Run("apps", func(t *testing.T) { documents(t, fresh, apps()) })
	t.Run("cron_jobs", func(t *testing.T) { documents(t, fresh, cronJobs()) })
	t.Run("device_groups", func(t *testing.T) { documents(t, fresh, deviceGroups()) })
	t.Run("users", func(t *testing.T) { documents(t, fresh, users()) })
	t.Run("user_groups", func(t *testing.T) { documents(t, fresh, userGroups()) })
	t.Run("tokens", func(t *testing.T) { documents(t, fresh, tokens()) })
	t.Run("authorities", func(t *testing.T) { documents(t, fresh, authorities()) })
	t.Run("acme", func(t *testing.T) { documents(t, fresh, acmeEntries()) })
	t.Run("ten thousand apps", func(t *testing.T) { testTenThousand(setUp(t, fresh), apps()) })
	t.Run("ten thousand device_groups", func(t *testing.T) { testTenThousand(setUp(t, fresh), deviceGroups()) })
	t.Run("kinds do not mix", func(t *testing.T) { testKindsDoNotMix(setUp(t, fresh)) })
	t.Run("snapshots", func(t *testing.T) { each(t, fresh, snapshots) })
	t.Run("audit", func(t *testing.T) { each(t, fresh, audit) })
	t.Run("reports", func(t *testing.T) { each(t, fresh, reports) })
	t.Run("devices", func(t *testing.T) { each(t, fresh, devices) })
	t.Run("identities", func(t *testing.T) { each(t, fresh, identities) })
	t.Run("life", func(t *testing.T) { each(t, fresh, life) })
}

// each runs tests by their names, each on a store of its own.
func each(t *testing.T, fresh func(t *testing.T) Backend, tests map[string]func(rig)) {
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { test(setUp(t, fresh)) })
	}
}

// A rig is one fresh store and what is needed to use it.
type rig struct {
	*testing.T
	Backend
	ctx context.Context
}

func setUp(t *testing.T, fresh func(t *testing.T) Backend) rig {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return rig{T: t, Backend: fresh(t), ctx: ctx}
}

// handle opens the store and closes it when the test ends.
func (r rig) handle() store.Store {
	r.Helper()
	st, err := r.Open(r.ctx)
	if err != nil {
		r.Fatalf("open: %v", err)
	}
	r.Cleanup(func() {
		if err := st.Close(); err != nil {
			r.Errorf("close: %v", err)
		}
	})
	return st
}

// restart closes a handle and opens another one.
func (r rig) restart(st store.Store) store.Store {
	r.Helper()
	if err := st.Close(); err != nil {
		r.Fatalf("close: %v", err)
	}
	return r.handle()
}

// must fails the test unless err is nil.
func (r rig) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

// together calls f for 0 to n-1 at once and waits for all of them.
func together(n int, f func(i int)) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-start
			f(i)
		})
	}
	close(start)
	wg.Wait()
}
