package devices

import (
	"context"
	"errors"
	"maps"
	"time"

	"muster/manager/store"
)

// followHeads follows what the store has of devices in short.
func (f *Fleet) followHeads() *follower[store.DeviceHead] {
	return &follower[store.DeviceHead]{
		Fleet: f, what: "heads", touched: make(map[string]bool),
		all: func(ctx context.Context, after string, limit int) ([]store.DeviceHead, error) {
			return f.store.Heads(ctx, after, limit)
		},
		since: func(ctx context.Context, since time.Time, after string, limit int) ([]store.DeviceHead, error) {
			return f.store.ChangedSince(ctx, since, after, limit)
		},
		key:    func(h store.DeviceHead) (string, time.Time) { return h.Device, h.Changed },
		take:   func(h store.DeviceHead) bool { return f.census.head(h) },
		loaded: func() { f.loaded = true },
		before: f.verify,
	}
}

// ask has the store asked now. It does not block.
func (f *Fleet) ask() {
	select {
	case f.poke <- struct{}{}:
	default:
	}
}

// verify drops the devices whose status was cleared and of which the store has no row any more. A row that is still there is looked for
// again: whoever deletes a device clears its status first.
func (f *Fleet) verify(ctx context.Context) error {
	f.mu.RLock()
	cleared := maps.Clone(f.cleared)
	f.mu.RUnlock()
	for device, until := range cleared {
		_, err := f.row(ctx, device)
		gone := errors.Is(err, store.ErrNotFound)
		if err != nil && !gone {
			return err
		}
		f.mu.Lock()
		if r, known := f.census.devices[device]; gone && known && !r.heard {
			f.census.drop(device)
		}
		if gone || time.Now().After(until) {
			delete(f.cleared, device)
		}
		f.mu.Unlock()
	}
	return nil
}

// row reads all that the store has of a device. It fails with [store.ErrNotFound].
func (f *Fleet) row(ctx context.Context, device string) (store.Device, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return f.store.Get(ctx, device)
}
