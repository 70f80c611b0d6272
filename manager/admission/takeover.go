package admission

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"

	"muster/broker"
	"muster/manager/store"
	"muster/topics"
)

// Teller keeps events of devices; [store.Devices] does.
type Teller interface {
	Tell(ctx context.Context, device, group string, e store.Event, quiet time.Duration) error
}

const (
	// takeoverQuiet is how long nothing more is said of a device after a takeover: two machines that fight for its place do so all the time.
	takeoverQuiet = 10 * time.Minute
	// takeoverQueue is how many takeovers may wait for the store.
	takeoverQueue = 256
)

// takeovers are those that wait for the store.
type takeovers struct {
	queue   chan takeover
	dropped atomic.Int64
}

type takeover struct {
	device, group string
	event         store.Event
}

// TakenOver has a device's takeover be among its events, soon. It is the broker's TakenOver, and does not block.
func (g *Gate) TakenOver(t broker.Takeover) {
	if t.Subject.Role != topics.RoleDevice && t.Subject.Role != topics.RoleRenewing {
		return
	}
	group := t.Subject.Group
	if group == topics.AnyGroup {
		group = ""
	}
	event := store.Event{At: time.Now().UTC(), Kind: store.EventTakenOver, Text: fmt.Sprintf(
		"connected from %s while it was connected from %s: if these are two machines, one of them has the other's identity", t.New, t.Old)}
	select {
	case g.takeovers.queue <- takeover{t.Subject.Name, group, event}:
	default:
		g.takeovers.dropped.Add(1)
	}
}

// tellTakeovers writes them until ctx ends.
func (g *Gate) tellTakeovers(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case t := <-g.takeovers.queue:
			g.tell(ctx, t)
		}
		if n := g.takeovers.dropped.Swap(0); n > 0 {
			g.o.Log.Warn("takeovers of devices are not among their events, because there were too many", "dropped", n)
		}
	}
}

// tell writes one, again and again until the store takes it.
func (g *Gate) tell(ctx context.Context, t takeover) {
	pause := backoff.NewExponentialBackOff()
	for {
		err := g.tellOnce(ctx, t)
		if err == nil || ctx.Err() != nil {
			return
		}
		g.o.Log.Error("a device's event cannot be written, trying again", "device", t.device, "error", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause.NextBackOff()):
		}
	}
}

func (g *Gate) tellOnce(ctx context.Context, t takeover) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return g.o.Events.Tell(ctx, t.device, t.group, t.event, takeoverQuiet)
}
