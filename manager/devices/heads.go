package devices

import (
	"context"
	"errors"
	"maps"
	"time"

	"github.com/cenkalti/backoff/v5"

	"muster/manager/store"
)

const (
	// headsPage is how many heads are read at a time.
	headsPage = 1000
	// overlap is how far back the store is asked again for what has changed: so much may the clocks of those who write to it
	// differ, and a write take.
	overlap = 30 * time.Second
	// patience is how long the store may take for one page.
	patience = 30 * time.Second
)

// follow reads all heads of the store, and then those that change, until ctx ends.
func (f *Fleet) follow(ctx context.Context) {
	pause := backoff.NewExponentialBackOff()
	pause.MaxInterval = max(f.o.CacheTime, pause.InitialInterval)
	load := f.load
	var since time.Time
	for {
		begun := time.Now()
		newest, err := load(ctx, since)
		wait := f.o.CacheTime
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			f.o.Log.Error("what the store knows of devices cannot be read", "error", err)
			wait = pause.NextBackOff()
		default:
			pause.Reset()
			load = f.update
			// Not later than what was read: the clock of who wrote it may be behind.
			if since = begun; newest.Before(begun) && !newest.IsZero() {
				since = newest
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		case <-f.poke:
		}
	}
}

// ask has the store asked now. It does not block.
func (f *Fleet) ask() {
	select {
	case f.poke <- struct{}{}:
	default:
	}
}

// load reads all heads, and returns when the newest one changed.
func (f *Fleet) load(ctx context.Context, _ time.Time) (newest time.Time, err error) {
	for after := ""; ; {
		heads, err := f.page(ctx, func(ctx context.Context) ([]store.DeviceHead, error) {
			return f.store.Heads(ctx, after, headsPage)
		})
		if err != nil {
			return newest, err
		}
		newest = latest(newest, heads)
		if len(heads) < headsPage {
			f.mu.Lock()
			f.loaded = true
			f.mu.Unlock()
			return newest, nil
		}
		after = heads[len(heads)-1].Device
	}
}

// update reads the heads that have changed since then, and looks after devices whose status was cleared. It returns when the newest
// one changed, not before since.
func (f *Fleet) update(ctx context.Context, since time.Time) (newest time.Time, err error) {
	if err := f.verify(ctx); err != nil {
		return since, err
	}
	newest = since
	for from, after := since.Add(-overlap), ""; ; {
		heads, err := f.page(ctx, func(ctx context.Context) ([]store.DeviceHead, error) {
			return f.store.ChangedSince(ctx, from, after, headsPage)
		})
		if err != nil {
			return since, err
		}
		newest = latest(newest, heads)
		if len(heads) < headsPage {
			return newest, nil
		}
		last := heads[len(heads)-1]
		from, after = last.Changed, last.Device
	}
}

// page reads a page of heads and takes it, but for the devices whose rows this manager has changed meanwhile.
func (f *Fleet) page(ctx context.Context, read func(context.Context) ([]store.DeviceHead, error)) ([]store.DeviceHead, error) {
	f.mu.Lock()
	clear(f.touched)
	f.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	heads, err := read(ctx)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, h := range heads {
		if !f.touched[h.Device] && !f.census.head(h) {
			f.o.Log.Warn("lists and counts leave out devices: there are too many", "limit", f.census.limit, "first", h.Device)
			break
		}
	}
	return heads, nil
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

func latest(newest time.Time, heads []store.DeviceHead) time.Time {
	for _, h := range heads {
		if h.Changed.After(newest) {
			newest = h.Changed
		}
	}
	return newest
}
