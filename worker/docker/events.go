package docker

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/filters"
)

// How long to wait before the engine is asked for its events again. It is local, so asking is cheap.
const (
	firstPause   = 100 * time.Millisecond
	longestPause = 10 * time.Second
)

// Events implements [worker.Engine]. A value is also sent after the first connection, so that what happened
// before is not missed.
func (e *Engine) Events(ctx context.Context) <-chan struct{} {
	wake := make(chan struct{}, 1)
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(e.closing, cancel)
	e.running.Go(func() {
		defer cancel()
		defer stop()
		e.watch(ctx, wake)
	})
	return wake
}

// watch listens until ctx ends, over and over.
func (e *Engine) watch(ctx context.Context, wake chan<- struct{}) {
	pauses := backoff.ExponentialBackOff{
		InitialInterval: firstPause, MaxInterval: longestPause, Multiplier: 2, RandomizationFactor: 0.5,
	}
	lost := false
	for {
		start := time.Now()
		err := e.listen(ctx, wake, func() {
			if lost {
				e.opts.Log.Info("the container engine answers again")
			}
			lost = false
		})
		if ctx.Err() != nil {
			return
		}
		if !lost {
			e.opts.Log.Warn("lost the container engine", "error", explain(ctx, "listen to events", err))
			lost = true
		}
		e.renew()
		if time.Since(start) > longestPause {
			pauses.Reset()
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pauses.NextBackOff()):
		}
	}
}

// listen wakes for each event until the stream of them ends. It calls connected once there is one.
func (e *Engine) listen(ctx context.Context, wake chan<- struct{}, connected func()) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c, err := e.client(ctx)
	if err != nil {
		return err
	}
	// The stream says nothing when it begins, and begins a moment before the engine listens itself. So it is
	// asked for what happened since, and whether there is an engine at all is found out first.
	since := time.Now()
	if _, err := c.Ping(ctx); err != nil {
		return err
	}
	messages, errs := c.Events(ctx, events.ListOptions{
		Since:   fmt.Sprintf("%d.%09d", since.Unix(), since.Nanosecond()),
		Filters: filters.NewArgs(e.relevant()...),
	})
	connected()
	signal(wake)
	said := healths{}
	for {
		select {
		case m := <-messages:
			if e.isOurs(m.Actor.Attributes) && said.news(m) {
				signal(wake)
			}
		case err := <-errs:
			cancel()
			for range errs { // closed when the client's goroutine has ended
			}
			return err
		}
	}
}

// podmanRemove is Podman's word for "destroy".
const podmanRemove = "remove"

// healths are what the health checks said last, by container id.
type healths map[string]string

// news reports whether the event is one to wake for: not one that says of a health check what the one before did, as some
// engines do after each check.
func (h healths) news(m events.Message) bool {
	switch {
	case strings.HasPrefix(string(m.Action), string(events.ActionHealthStatus)):
		says := string(m.Action) + m.Actor.Attributes["health_status"] // where Podman says it
		if h[m.Actor.ID] == says {
			return false
		}
		h[m.Actor.ID] = says
	case m.Action == events.ActionStart, m.Action == events.ActionDestroy, m.Action == podmanRemove:
		delete(h, m.Actor.ID)
	}
	return true
}

// changes are the events that matter. Others, such as the run of every health check, would wake for nothing.
var changes = []filters.KeyValuePair{
	filters.Arg("type", string(events.ContainerEventType)),
	filters.Arg("event", string(events.ActionCreate)),
	filters.Arg("event", string(events.ActionRename)),
	filters.Arg("event", string(events.ActionStart)),
	filters.Arg("event", string(events.ActionPause)),
	filters.Arg("event", string(events.ActionUnPause)),
	filters.Arg("event", string(events.ActionDie)),
	filters.Arg("event", string(events.ActionDestroy)),
	filters.Arg("event", "died"), // Podman's word for "die", as far as the filter goes
	filters.Arg("event", podmanRemove),
	filters.Arg("event", string(events.ActionHealthStatus)), // matches those with the health behind it as well
}

// relevant is what the engine is asked for. It knows no filter for "one label or another".
func (e *Engine) relevant() []filters.KeyValuePair {
	if e.opts.TakeOver {
		return changes
	}
	return append(slices.Clone(changes), e.ours())
}

// signal makes sure that a value is waiting.
func signal(wake chan<- struct{}) {
	select {
	case wake <- struct{}{}:
	default:
	}
}
