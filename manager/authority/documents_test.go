package authority_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"muster/manager/authority"
	"muster/manager/store"
	"muster/topics/token"
)

// documents are those of a store that can fail.
type documents struct {
	store.Documents[store.Authority]
	fail  atomic.Bool
	reads atomic.Int64
}

func (d *documents) All(ctx context.Context) ([]store.Authority, error) {
	d.reads.Add(1)
	if d.fail.Load() {
		return nil, errors.New("the disk is on fire")
	}
	return d.Documents.All(ctx)
}

// memory keeps authorities where time in a bubble is theirs as well.
type memory struct {
	store.Documents[store.Authority]
	mu   sync.Mutex
	docs map[string]store.Authority
}

func newMemory() *memory { return &memory{docs: map[string]store.Authority{}} }

func (m *memory) Names(context.Context) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.docs)), nil
}

func (m *memory) All(context.Context) ([]store.Authority, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Collect(maps.Values(m.docs)), nil
}

func (m *memory) Create(_ context.Context, a store.Authority) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, there := m.docs[a.ID]; there {
		return store.ErrExists
	}
	m.docs[a.ID] = a
	return nil
}

func tokenPin(t *testing.T, info authority.Info) token.Pin {
	t.Helper()
	return token.PinOf(certificates(t, info.Certificate)[0].RawSubjectPublicKeyInfo)
}
