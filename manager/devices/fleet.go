package devices

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"muster/broker/client"
	"muster/manager/store"
	"muster/topics"
)

// Configs says which device_groups exist and what their devices should be at. Package snapshot has the one that managers use.
type Configs interface {
	Groups() []string
	Latest(group string) (store.Snapshot, bool)
}

// Options say how a [Fleet] is to be. Zero values stand for the defaults.
type Options struct {
	// Root is the installation's topic prefix; by default [topics.DefaultRoot].
	Root topics.Root
	// Settle is how long the broker may take, on a new connection, to send the statuses that it has kept, and devices to say
	// that they are there; by default 10 s.
	Settle time.Duration
	// CacheTime is how often the store is asked what has changed; by default 10 s.
	CacheTime time.Duration
	// Identities are what devices are known by; without, that is not looked at.
	Identities store.Identities
	// Log is by default slog.Default().
	Log *slog.Logger
}

// A Fleet knows the devices while its Run runs. It is safe for concurrent use.
type Fleet struct {
	client  client.Client
	store   store.Devices
	configs Configs
	o       Options

	// mu is held for short: for one message, or a few thousand devices of a list.
	mu     sync.RWMutex
	census *census
	pulls  pulls
	// up counts the connections, and quiet is until when the broker is still sending what it has kept; zero when that
	// is over.
	up    int64
	quiet time.Time
	// loaded says that all heads were read.
	loaded bool
	// heads and identities follow the store; identities is nil where there are none.
	heads      *follower[store.DeviceHead]
	identities *follower[store.Identity]
	// cleared are those whose status was cleared, perhaps because another manager is about to delete their rows, and until when
	// the store is asked about them.
	cleared map[string]time.Time
	dropped dropped

	// poke is a channel of one: there is something to ask the store.
	poke chan struct{}
}

// New prepares a Fleet. c may be shared with others.
func New(c client.Client, devices store.Devices, configs Configs, o Options) *Fleet {
	if o.Root == "" {
		o.Root = topics.DefaultRoot
	}
	if o.Settle <= 0 {
		o.Settle = 10 * time.Second
	}
	if o.CacheTime <= 0 {
		o.CacheTime = 10 * time.Second
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	f := &Fleet{
		client: c, store: devices, configs: configs, o: o, census: newCensus(), pulls: make(pulls),
		quiet: time.Now().Add(o.Settle), cleared: make(map[string]time.Time), poke: make(chan struct{}, 1),
	}
	f.heads = f.followHeads()
	if o.Identities != nil {
		f.identities = f.followIdentities()
	}
	return f
}

// Run listens to the devices and follows the store until ctx ends. It must be called once.
func (f *Fleet) Run(ctx context.Context) {
	var parts sync.WaitGroup
	parts.Go(func() { f.heads.run(ctx, f.poke) })
	if f.identities != nil {
		parts.Go(func() { f.identities.run(ctx, nil) })
	}
	parts.Go(func() { f.tidy(ctx) })
	f.client.OnUp(f.connected)
	parts.Wait()
}

// Quiet is how long to wait until it is known who is connected and what the store has: at the start and after a connection
// was lost, counts are not complete. It is 0 when they are.
func (f *Fleet) Quiet() time.Duration {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if f.loaded && f.quiet.IsZero() {
		return 0
	}
	return max(time.Until(f.quiet), f.o.Settle/10)
}

// tidy ends what time ends, until ctx ends.
func (f *Fleet) tidy(ctx context.Context) {
	tick := time.NewTicker(max(f.o.Settle/10, time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			f.mu.Lock()
			if !f.quiet.IsZero() && !now.Before(f.quiet) {
				f.quiet = time.Time{}
				f.census.settled(now)
			}
			f.pulls.expire(now)
			f.mu.Unlock()
		}
	}
}
