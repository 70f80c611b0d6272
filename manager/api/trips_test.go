package api_test

import (
	"context"
	"sync/atomic"
	"testing"

	"muster/manager/store"
	"muster/topics"
)

// A askedStore is a real store that counts what is asked of its apps and device_groups.
type askedStore struct {
	store.Store
	calls *atomic.Int64
}

func (c askedStore) Apps() store.Documents[topics.App] {
	return askedDocuments[topics.App]{c.Store.Apps(), c.calls}
}

func (c askedStore) DeviceGroups() store.Documents[store.DeviceGroup] {
	return askedDocuments[store.DeviceGroup]{c.Store.DeviceGroups(), c.calls}
}

type askedDocuments[T any] struct {
	store.Documents[T]
	calls *atomic.Int64
}

func (c askedDocuments[T]) Create(ctx context.Context, doc T) error {
	c.calls.Add(1)
	return c.Documents.Create(ctx, doc)
}

func (c askedDocuments[T]) Get(ctx context.Context, name string) (T, error) {
	c.calls.Add(1)
	return c.Documents.Get(ctx, name)
}

func (c askedDocuments[T]) Some(ctx context.Context, names []string) ([]T, error) {
	c.calls.Add(1)
	return c.Documents.Some(ctx, names)
}

func (c askedDocuments[T]) Modify(ctx context.Context, name string, change func(*T) error) (T, error) {
	c.calls.Add(1)
	return c.Documents.Modify(ctx, name, change)
}

// A store may be far away, and changes wait for each other: each asks it for what it is made of, and writes. That the
// object is there, or is not, is found out by the write.
func TestAChangeAsksTheStoreTwice(t *testing.T) {
	c := askedStore{openStore(t), &atomic.Int64{}}
	m := newManagerAround(t, c)
	m.fill()
	m.do("POST", "/apps/web/restart", "") // after which it is known which device_groups list what
	for _, test := range []struct {
		method, path, body string
		calls              int64
	}{
		{"POST", "/apps/new", `{"docker_image": "i"}`, 1}, // which nobody lists
		{"PUT", "/apps/web/update", `{"docker_image": "i"}`, 2},
		{"POST", "/apps/web/update", `{"docker_image": "i"}`, 2},
		{"POST", "/apps/web/stop", "", 2},
		{"PUT", "/device_groups/fleet/update", `{"apps": ["web", "new"]}`, 2},
		{"POST", "/device_groups/other", `{"apps": ["web"]}`, 2},
		{"POST", "/device_groups/other/prune", "", 1},
	} {
		before := c.calls.Load()
		if w := m.do(test.method, test.path, test.body); w.Code >= 300 {
			t.Errorf("%s %s: %d %s", test.method, test.path, w.Code, w.Body)
		}
		if calls := c.calls.Load() - before; calls != test.calls {
			t.Errorf("%s %s asks the store %d times, want %d", test.method, test.path, calls, test.calls)
		}
	}
}
