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

// An Open opens a handle on one store, as another manager would, or the same one after a restart. It may
// be called several times, also at once and while other handles are open.
type Open func(context.Context) (store.Store, error)

// Run runs the suite. fresh prepares a new, empty store for a test and returns how to open it; whatever
// it needs to clean up it registers with t. The suite closes the handles that it opens.
func Run(t *testing.T, fresh func(t *testing.T) Open) {
	t.Run("apps", func(t *testing.T) { documents(t, fresh, apps()) })
	t.Run("device_groups", func(t *testing.T) { documents(t, fresh, deviceGroups()) })
	t.Run("kinds do not mix", func(t *testing.T) { testKindsDoNotMix(t, fresh) })
	t.Run("snapshots", func(t *testing.T) { snapshots(t, fresh) })
	t.Run("life", func(t *testing.T) { life(t, fresh) })
}

// A rig is one fresh store and what is needed to use it.
type rig struct {
	*testing.T
	ctx  context.Context
	open Open
}

func setUp(t *testing.T, fresh func(t *testing.T) Open) rig {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return rig{T: t, ctx: ctx, open: fresh(t)}
}

// handle opens the store and closes it when the test ends.
func (r rig) handle() store.Store {
	r.Helper()
	st, err := r.open(r.ctx)
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
