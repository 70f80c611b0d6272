package mqtt

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"muster/broker/client"
	"muster/broker/client/network"
	"muster/topics"
)

// A Source takes reports from a broker. It is made by [New].
type Source struct {
	o     Options
	queue chan item

	// session is the client that has the session, or tries to; nil while none does.
	session atomic.Pointer[network.Client]
	// before says that a bridge of this name was there before.
	before bool

	taken, left, dropped, lost atomic.Int64
	standby, waiting           atomic.Bool
}

// Stats are counts since the start, and what is so now.
type Stats struct {
	// Taken counts reports that were spooled, repetitions among them, and Left those that are for another bridge.
	Taken, Left int64
	// Dropped counts reports of QoS 0 for which there was no room; others wait at the broker.
	Dropped int64
	// Lost counts how often the broker had forgotten the session, and maybe reports with it.
	Lost int64
	// Connected says that the bridge has the session now, Standby that another bridge of its name does, and Waiting that the spool
	// takes nothing.
	Connected, Standby, Waiting bool
}

// New makes a source, and does nothing yet. It fails when an option is wrong; the error says what was expected.
func New(o Options) (*Source, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	return &Source{o: o, queue: make(chan item, o.ReceiveMaximum)}, nil
}

// Run takes reports until ctx ends.
//
// It first waits until no other bridge of its name is there: until the retained message that says so says otherwise, or has not
// been said again for a while. Then it connects with the session of that name. Whoever does so while another bridge has it takes
// it over, because the broker gives it to one only. So whoever loses it waits for its turn again, and a little longer each time
// that it had the session only shortly.
func (s *Source) Run(ctx context.Context) error {
	return takeTurns(ctx, s.o.Broker.Backoff, s.awaitTurn, s.serve)
}

// takeTurns awaits a turn and serves it, again and again, until ctx ends or either of them fails.
func takeTurns(ctx context.Context, bounds network.Backoff, await, serve func(context.Context) error) error {
	waits := jittered(cmp.Or(bounds.Min, time.Second), cmp.Or(bounds.Max, 10*time.Minute))
	for ctx.Err() == nil {
		if err := await(ctx); err != nil {
			return err
		}
		began := time.Now()
		if err := serve(ctx); err != nil {
			return err
		}
		if time.Since(began) >= cmp.Or(bounds.Stable, 5*time.Minute) {
			waits.Reset()
		}
		sleep(ctx, waits.NextBackOff())
	}
	return nil
}

// serve has the session until ctx ends or the connection does.
func (s *Source) serve(ctx context.Context) error {
	serving, stop := context.WithCancel(ctx)
	defer stop()
	bus, err := s.dial(serving, stop)
	if err != nil {
		return fmt.Errorf("broker-url: %w", err)
	}
	s.session.Store(bus)
	var wg sync.WaitGroup
	wg.Go(func() { s.take(serving) })
	wg.Go(func() { s.announce(serving, bus) })
	<-serving.Done()
	wg.Wait()
	s.session.Store(nil)
	if ctx.Err() != nil && bus.Connected() {
		goodbye, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell)
		s.say(goodbye, bus, topics.Offline)
		cancel()
	}
	if err := bus.Close(); err != nil {
		return err
	}
	// What is left was not acknowledged, and comes again to whoever has the session next.
	for len(s.queue) > 0 {
		<-s.queue
	}
	return nil
}

// dial makes the client that has the session. ended is called when it has it no more.
func (s *Source) dial(ctx context.Context, ended func()) (*network.Client, error) {
	options := s.o.Broker
	options.ClientID, options.Log = s.o.clientID(), s.o.Log
	options.Will = func() *client.Message { return s.presence(topics.Offline) }
	options.Session = &network.Session{
		Filter: s.o.Root.Filter(topics.DeviceReport), Share: s.o.Share, Expiry: s.o.Expiry, ReceiveMaximum: s.o.ReceiveMaximum,
		Receive: func(m client.Message, acknowledge func()) { s.receive(ctx, m, acknowledge) },
		Begun:   s.begun,
		Ended:   ended,
	}
	return network.Dial(options)
}

// begun notes what became of the session.
func (s *Source) begun(kept bool) {
	switch {
	case kept:
	case !s.before:
		s.o.Log.Info("a new session at the MQTT broker: reports are taken from now on", "bridge", s.o.Name)
	default:
		s.lost.Add(1)
		s.o.Log.Warn("the MQTT broker has forgotten the session of this bridge, and with it the reports that it had acknowledged to devices but not sent yet",
			"bridge", s.o.Name, "hint", "let the broker keep its sessions on disk")
	}
	s.before = true
}

// Stats returns the counts of now.
func (s *Source) Stats() Stats {
	session := s.session.Load()
	return Stats{
		Taken: s.taken.Load(), Left: s.left.Load(), Dropped: s.dropped.Load(), Lost: s.lost.Load(),
		Connected: session != nil && session.Connected(), Standby: s.standby.Load(), Waiting: s.waiting.Load(),
	}
}

// Reached reports whether reports come in, to this bridge or to another of its name for which it stands by.
func (s *Source) Reached() bool {
	stats := s.Stats()
	return stats.Connected || stats.Standby
}
