package broker

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"

	"muster/broker/client"
	"muster/topics"
)

const (
	// queueLength is how many messages a client in the process may be behind before its publishers wait.
	queueLength = 1024
	// stuckAfter is how long publishers wait for a client in the process that takes nothing.
	stuckAfter = 5 * time.Second
)

// A delivery is a message on its way to a handler.
type delivery struct {
	to      *localSubscription
	message client.Message
}

type subscriptionKey struct{ share, filter string }

// A localSubscription is one that a client in the process has made. It stays the same when its handler is
// replaced.
type localSubscription struct {
	client *inProcess
	spec   atomic.Pointer[client.Subscription]
}

// Subscribe implements [client.Client]. With one broker for one manager, a shared subscription is one like any
// other.
func (p *inProcess) Subscribe(s client.Subscription) error {
	if err := checkSubscription(s); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.closed:
		return client.ErrClosed
	case p.stopped:
		return nil // it is true of every connection from now on: there will be none
	}
	key := subscriptionKey{s.Share, s.Filter}
	sub := p.subscriptions[key]
	if sub == nil {
		sub = &localSubscription{client: p}
		sub.spec.Store(&s)
		p.subscriptions[key] = sub
		p.server.joinLocal(sub)
	}
	sub.spec.Store(&s)
	p.replays = append(p.replays, replay{sub, p.server.retained.matching(s.Filter, time.Now())})
	select {
	case p.wake <- struct{}{}:
	default:
	}
	return nil
}

// joinLocal has the subscription hear what is published from now on.
func (s *Server) joinLocal(sub *localSubscription) {
	s.mu.Lock()
	defer s.mu.Unlock()
	subscriptions := append(slices.Clone(*s.localSubscriptions.Load()), sub)
	s.localSubscriptions.Store(&subscriptions)
}

// leaveLocal ends all subscriptions of a client.
func (s *Server) leaveLocal(p *inProcess) {
	s.mu.Lock()
	defer s.mu.Unlock()
	subscriptions := slices.DeleteFunc(slices.Clone(*s.localSubscriptions.Load()), func(sub *localSubscription) bool { return sub.client == p })
	s.localSubscriptions.Store(&subscriptions)
}

// deliverLocal puts a PUBLISH into the queues of the clients in the process. It runs in the goroutine of the
// publisher, before the acknowledgement: what is acknowledged has been handed to the manager. (mochi's own way
// for this runs after it, and does not match "a/#" with "a".)
func (s *Server) deliverLocal(pk *packets.Packet) {
	for _, sub := range *s.localSubscriptions.Load() {
		if spec := sub.spec.Load(); topics.Match(spec.Filter, pk.TopicName) {
			sub.client.enqueue(delivery{to: sub, message: messageOf(pk, spec.QoS)})
		}
	}
}

// enqueue puts a message into the queue. It waits while the queue is full and moves, and drops the message
// when it does not.
func (p *inProcess) enqueue(d delivery) {
	select {
	case p.queue <- d:
		return
	case <-p.gone:
		return
	default:
	}
	for {
		p.stuckSince.CompareAndSwap(0, time.Now().UnixNano())
		patience := time.Until(time.Unix(0, p.stuckSince.Load()).Add(stuckAfter))
		if patience <= 0 {
			p.server.droppedInProcess.Add(1)
			return
		}
		timer := time.NewTimer(patience)
		select {
		case p.queue <- d:
			timer.Stop()
			return
		case <-p.gone:
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

// deliver calls the handlers until the client is stopped.
func (p *inProcess) deliver() {
	for {
		select {
		case <-p.gone:
			return
		case <-p.wake:
			p.replay()
		case d := <-p.queue:
			p.call(d.to, d.message)
		}
	}
}

// call calls a handler, unless the client was stopped.
func (p *inProcess) call(s *localSubscription, m client.Message) {
	select {
	case <-p.gone:
		return
	default:
	}
	p.stuckSince.Store(0)
	s.spec.Load().Handler(m)
}

// A replay is what was retained when a subscription was made.
type replay struct {
	to       *localSubscription
	messages []*retainedMessage
}

// replay hands over the retained messages for new subscriptions. It does so in the goroutine that also delivers,
// so that the queue is no limit. What has changed since is passed over: its successor has gone, or will go,
// through the queue.
func (p *inProcess) replay() {
	p.mu.Lock()
	replays := p.replays
	p.replays = nil
	p.mu.Unlock()
	for _, r := range replays {
		for _, m := range r.messages {
			if now := time.Now(); p.server.retained.get(m.topic, now) == m {
				p.call(r.to, m.message(r.to.spec.Load().QoS, now))
			}
		}
	}
}
