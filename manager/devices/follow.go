package devices

import (
	"context"
	"time"

	"github.com/cenkalti/backoff/v5"
)

const (
	// rowsPage is how many rows are read at a time.
	rowsPage = 1000
	// overlap is how far back the store is asked again for what has changed: so much may the clocks of those who write to it
	// differ, and a write take.
	overlap = 30 * time.Second
	// patience is how long the store may take for one page.
	patience = 30 * time.Second
)

// A follower reads all rows of one sort from the store, and then those that change.
type follower[T any] struct {
	*Fleet
	// what they are, for the log.
	what string
	// all and since read the rows after a name, and those that changed since then, as the store does.
	all   func(ctx context.Context, after string, limit int) ([]T, error)
	since func(ctx context.Context, since time.Time, after string, limit int) ([]T, error)
	// key is the device of a row, and when it changed.
	key func(T) (device string, changed time.Time)
	// take is called with mu held. It reports whether there was room.
	take func(T) bool
	// touched are the devices whose rows this manager has changed since the store was last asked. mu protects it.
	touched map[string]bool
	// loaded is called, with mu held, when all rows were read, and before each time before it is read what has changed.
	loaded func()
	before func(ctx context.Context) error
}

// run reads all rows, and then those that change, until ctx ends; at once when poke says so.
func (f *follower[T]) run(ctx context.Context, poke <-chan struct{}) {
	pause := backoff.NewExponentialBackOff()
	pause.MaxInterval = max(f.o.CacheTime, pause.InitialInterval)
	read := f.load
	var since time.Time
	for {
		begun := time.Now()
		newest, err := read(ctx, since)
		wait := f.o.CacheTime
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			f.o.Log.Error("what the store knows of devices cannot be read", "rows", f.what, "error", err)
			wait = pause.NextBackOff()
		default:
			pause.Reset()
			read = f.update
			// Not later than what was read: the clock of who wrote it may be behind.
			if since = begun; newest.Before(begun) && !newest.IsZero() {
				since = newest
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		case <-poke:
		}
	}
}

// load reads all rows, and returns when the newest one changed.
func (f *follower[T]) load(ctx context.Context, _ time.Time) (newest time.Time, err error) {
	for after := ""; ; {
		rows, err := f.page(ctx, func(ctx context.Context) ([]T, error) { return f.all(ctx, after, rowsPage) })
		if err != nil {
			return newest, err
		}
		newest = f.latest(newest, rows)
		if len(rows) < rowsPage {
			f.mu.Lock()
			f.loaded()
			f.mu.Unlock()
			return newest, nil
		}
		after, _ = f.key(rows[len(rows)-1])
	}
}

// update reads the rows that have changed since then. It returns when the newest one changed, not before since.
func (f *follower[T]) update(ctx context.Context, since time.Time) (newest time.Time, err error) {
	if err := f.before(ctx); err != nil {
		return since, err
	}
	newest = since
	for from, after := since.Add(-overlap), ""; ; {
		rows, err := f.page(ctx, func(ctx context.Context) ([]T, error) { return f.since(ctx, from, after, rowsPage) })
		if err != nil {
			return since, err
		}
		newest = f.latest(newest, rows)
		if len(rows) < rowsPage {
			return newest, nil
		}
		after, from = f.key(rows[len(rows)-1])
	}
}

// page reads a page and takes it, but for the devices whose rows this manager has changed meanwhile.
func (f *follower[T]) page(ctx context.Context, read func(context.Context) ([]T, error)) ([]T, error) {
	f.mu.Lock()
	clear(f.touched)
	f.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	rows, err := read(ctx)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, row := range rows {
		if device, _ := f.key(row); !f.touched[device] && !f.take(row) {
			f.o.Log.Warn("lists and counts leave out devices: there are too many", "limit", f.census.limit, "first", device)
			break
		}
	}
	return rows, nil
}

func (f *follower[T]) latest(newest time.Time, rows []T) time.Time {
	for _, row := range rows {
		if _, changed := f.key(row); changed.After(newest) {
			newest = changed
		}
	}
	return newest
}
