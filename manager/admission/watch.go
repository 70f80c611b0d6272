package admission

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"

	"muster/broker"
	"muster/manager/store"
	"muster/topics"
)

const (
	// pageSize is how many identities are read at a time.
	pageSize = 1000
	// overlap is how far back the store is asked again for what has changed: so much may the clocks of managers differ, and a write take.
	overlap = 30 * time.Second
	// pageTime is how long the store may take for a page.
	pageTime = 30 * time.Second
	// sweepEvery is how often all identities are gone through, for those that another manager has deleted: these are not among those that
	// changed.
	sweepEvery = 5 * time.Minute
)

// Run follows the store until ctx ends: whoever is not let in any more, or not like before, is disconnected. It must be called
// once.
func (g *Gate) Run(ctx context.Context) {
	var parts sync.WaitGroup
	parts.Go(func() { g.tellTakeovers(ctx) })
	g.follow(ctx)
	parts.Wait()
}

func (g *Gate) follow(ctx context.Context) {
	pause := backoff.NewExponentialBackOff()
	pause.MaxInterval = max(g.o.CacheTime, pause.InitialInterval)
	since, swept := time.Now(), time.Now()
	for {
		begun := time.Now()
		newest, err := g.look(ctx, since.Add(-overlap))
		if err == nil {
			// Not later than what was read: the clock of who wrote it may be behind.
			if since = begun; newest.Before(begun) && !newest.IsZero() {
				since = newest
			}
			err = g.lookAtLookers(ctx)
		}
		if err == nil && begun.Sub(swept) >= sweepEvery {
			if err = g.sweep(ctx); err == nil {
				swept = begun
			}
		}
		wait := g.o.CacheTime
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			g.o.Log.Error("cannot tell who is not let in any more", "error", err)
			wait = pause.NextBackOff()
		default:
			pause.Reset()
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		case <-g.poke:
		}
	}
}

// look takes the identities that have changed since then, and returns when the newest one did.
func (g *Gate) look(ctx context.Context, since time.Time) (newest time.Time, err error) {
	for after := ""; ; {
		page, err := g.page(ctx, func(ctx context.Context) ([]store.Identity, error) {
			return g.o.Identities.ChangedSince(ctx, since, after, pageSize)
		})
		if err != nil {
			return newest, err
		}
		g.take(page)
		for _, i := range page {
			if i.Changed.After(newest) {
				newest = i.Changed
			}
		}
		if len(page) < pageSize {
			return newest, nil
		}
		last := page[len(page)-1]
		since, after = last.Changed, last.Device
	}
}

func (g *Gate) page(ctx context.Context, read func(context.Context) ([]store.Identity, error)) ([]store.Identity, error) {
	ctx, cancel := context.WithTimeout(ctx, pageTime)
	defer cancel()
	return read(ctx)
}

// take has identities count as they are now.
func (g *Gate) take(changed []store.Identity) {
	out, moved := map[string]bool{}, map[string]bool{}
	for _, i := range changed {
		now := knownOf(i)
		before, there := g.memory.Peek(i.Device)
		switch {
		case now.state != store.IdentityActive:
			out[i.Device] = true
		case there && now.differs(before): // as one differs that was let in without an identity
			moved[i.Device] = true
		}
		// What a login reads at this moment is as new as this, or newer: then the next look says so.
		if there || now.state == store.IdentityRevoked {
			g.memory.Add(i.Device, now)
		}
	}
	g.putOutDevices(broker.NotAuthorized, out)
	g.putOutDevices(broker.AdministrativeAction, moved)
}

// putOutDevices ends the connections of devices.
func (g *Gate) putOutDevices(why broker.Reason, names map[string]bool) {
	if len(names) == 0 {
		return
	}
	n := g.disconnect(why, func(s topics.Subject) bool { return isDevice(s) && names[s.Name] })
	if n == 0 {
		return
	}
	some := ""
	for some = range names {
		break
	}
	g.o.Log.Info("devices disconnected, because their identities have changed", "reason", int(why), "connections_ended", n, "one", some)
}

func isDevice(s topics.Subject) bool {
	return s.Role == topics.RoleDevice || s.Role == topics.RoleRenewing
}

// gone has a device without an identity count as such.
func (g *Gate) gone(device string) {
	g.memory.Remove(device)
	n := g.disconnect(broker.NotAuthorized, func(s topics.Subject) bool {
		return isDevice(s) && s.Name == device && s.Group != topics.AnyGroup
	})
	if n > 0 {
		g.o.Log.Info("device disconnected, because its identity was deleted", "device", device)
	}
}

// sweep looks for identities that are remembered and not there any more.
func (g *Gate) sweep(ctx context.Context) error {
	missing := map[string]bool{}
	for _, device := range g.memory.Keys() {
		if k, there := g.memory.Peek(device); there && k.state != "" {
			missing[device] = true
		}
	}
	for after := ""; len(missing) > 0; {
		page, err := g.page(ctx, func(ctx context.Context) ([]store.Identity, error) {
			return g.o.Identities.List(ctx, store.IdentityFilter{}, after, pageSize)
		})
		if err != nil {
			return err
		}
		for _, i := range page {
			delete(missing, i.Device)
		}
		if len(page) < pageSize {
			break
		}
		after = page[len(page)-1].Device
	}
	for device := range missing {
		if err := g.recheck(ctx, device); err != nil {
			return err
		}
	}
	return nil
}

// recheck asks for one identity, and has it count as it is now.
func (g *Gate) recheck(ctx context.Context, device string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	row, err := g.o.Identities.Get(ctx, device)
	switch {
	case errors.Is(err, store.ErrNotFound):
		g.gone(device)
		return nil
	case err != nil:
		return err
	}
	g.take([]store.Identity{row})
	return nil
}
