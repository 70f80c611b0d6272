package bridge

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// Options say what a [Bridge] is made of. Spool and Sinks are required.
type Options struct {
	Spool Spool
	// Sinks are where records go, each with a name of its own. The spool must know all of them.
	Sinks []Sink
	// Drain is how long [Bridge.Run], when it is told to stop, goes on writing what is spooled, as far as sinks take it; by
	// default 5 s. The rest is written after the next start.
	Drain time.Duration
	// WriteTimeout is how long one write to a sink may take; by default 2 min. After an error the next batches are smaller, so
	// that a sink which is slow gets on.
	WriteTimeout time.Duration
	// Log is where a sink's troubles are noted; by default nowhere.
	Log *slog.Logger
}

// A Bridge takes records from sources, and brings them from its spool to its sinks. Its methods may be called from several
// goroutines.
type Bridge struct {
	spool        Spool
	pumps        []*pump
	drain        time.Duration
	writeTimeout time.Duration
	log          *slog.Logger

	taken, flawed, refusedFlawed, refusedFull atomic.Int64
}

// New makes a bridge, which takes records from now on; they are written while Run runs.
func New(o Options) *Bridge {
	b := &Bridge{spool: o.Spool, drain: o.Drain, writeTimeout: o.WriteTimeout, log: o.Log}
	if b.drain == 0 {
		b.drain = 5 * time.Second
	}
	if b.writeTimeout == 0 {
		b.writeTimeout = 2 * time.Minute
	}
	if b.log == nil {
		b.log = slog.New(slog.DiscardHandler)
	}
	for _, sink := range o.Sinks {
		b.pumps = append(b.pumps, &pump{bridge: b, sink: sink})
	}
	return b
}

// Run writes to the sinks until ctx ends and what is left by then was written, or could not be within the options' Drain. It
// returns an error only when the spool can be used no more.
func (b *Bridge) Run(ctx context.Context) error {
	writing, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(b.drain, stop) })()
	group, ctx := errgroup.WithContext(ctx)
	for _, p := range b.pumps {
		group.Go(func() error { return p.run(ctx, writing) })
	}
	return group.Wait()
}
