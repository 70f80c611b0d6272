package mqtt

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"muster/broker/client"
	"muster/broker/client/network"
	"muster/topics"
)

const (
	// heartbeat is how often a bridge says that it is there.
	heartbeat = 30 * time.Second
	// silence is how long a bridge that said so may say nothing before another takes its place: its broker may have died with it,
	// and its will with that.
	silence = 100 * time.Second
	// settle is how long the broker may take to send what it retains.
	settle = time.Second
)

// A turn decides when a bridge that listens to the others of its name is to take the session.
type turn struct {
	instance string
	// at is when, unless something else is heard before; zero is not yet.
	at time.Time
	// other is the bridge that is there; empty when none is known.
	other string
}

// up is that the connection on which it listens was made.
func (t *turn) up(now time.Time) {
	if t.other == "" {
		t.at = now.Add(settle)
	} else {
		t.at = now.Add(silence)
	}
}

// hear is that a bridge said that it is there, or that one said, or the broker for it, that it is not.
func (t *turn) hear(p topics.Presence, now time.Time) {
	switch {
	case p.State == topics.Online && p.Instance != t.instance:
		// Not all that wait go at once.
		t.other, t.at = p.Instance, now.Add(silence+rand.N(heartbeat))
	default:
		// Nobody is there, or this one was until it lost the connection. A moment later another may be there: that is what it looks
		// like when one takes over from another.
		t.other, t.at = "", now.Add(settle/2+rand.N(settle))
	}
}

// awaitTurn returns when this bridge is to take the session, or ctx ends.
func (s *Source) awaitTurn(ctx context.Context) error {
	heard, up := make(chan topics.Presence), make(chan struct{})
	options := s.o.Broker
	options.ClientID, options.Log = s.o.clientID()+"/"+s.o.Instance, s.o.Log
	watcher, err := network.Dial(options)
	if err != nil {
		return fmt.Errorf("broker-url: %w", err)
	}
	watching, stop := context.WithCancel(ctx)
	defer func() {
		stop() // the functions below wait for nothing then
		_ = watcher.Close()
		s.standby.Store(false)
	}()
	err = watcher.Subscribe(client.Subscription{Filter: s.topic(), QoS: 1, Handler: func(m client.Message) {
		if p, err := topics.ParsePresence(m.Payload); err == nil {
			send(watching, heard, p)
		}
	}})
	if err != nil {
		return err
	}
	watcher.OnUp(func() { send(watching, up, struct{}{}) })

	t := turn{instance: s.o.Instance}
	for {
		var alarm <-chan time.Time
		if !t.at.IsZero() {
			alarm = time.After(time.Until(t.at))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-up:
			t.up(time.Now())
		case p := <-heard:
			s.before = true
			t.hear(p, time.Now())
			if t.other != "" && !s.standby.Swap(true) {
				s.o.Log.Info("another bridge of this name is there: this one stands by", "bridge", s.o.Name, "instance", s.o.Instance, "other", t.other)
			}
		case <-alarm:
			if watcher.Connected() {
				return nil
			}
			t.at = time.Time{} // until there is a connection again
		}
	}
}

func send[T any](ctx context.Context, to chan<- T, v T) {
	select {
	case to <- v:
	case <-ctx.Done():
	}
}
