package publish

import (
	"context"
	"errors"
	"time"

	"muster/broker/client"
	"muster/topics"
)

const (
	// echoWait is how long the broker may take to send back what was published, and maxEchoWait the longest
	// time between two attempts.
	echoWait    = 5 * time.Second
	maxEchoWait = 5 * time.Minute
	// patience is how many times in a row a config may be acknowledged and not seen before that is worth
	// a word in the log.
	patience = 3
)

// An attempt is something that was done to a topic: putting the stamped config there, or clearing it.
type attempt struct {
	verdict verdict
	stamp   stamp
}

// A topic is what is known of one config topic, and what was last done to it.
type topic struct {
	seen
	heard int64 // the pass in or after which the last message arrived
	told  verdict

	attempt attempt
	tries   int       // of that attempt on this connection, without the result being seen
	acked   int       // how many of them the broker acknowledged
	next    time.Time // no further try before
	busy    bool      // one is under way
}

// forget drops what was seen, except for the newest version: see [seen].
func (t *topic) forget() {
	t.held, t.now = unseen, stamp{}
	t.retry()
}

// retry has the next attempt be a first one.
func (t *topic) retry() {
	t.attempt, t.tries, t.acked, t.next = attempt{}, 0, 0, time.Time{}
}

// consider does what is to be done about a topic now. It is called with mu held.
func (p *Publisher) consider(group string, t *topic, now time.Time) {
	if t.held == unseen && (p.up == 0 || now.Before(p.settled)) {
		return // what is retained may still be on its way
	}
	w := p.wants[group]
	v := decide(t.seen, w.want, p.o.Epoch)
	if v != put && t.heard >= p.passes || v != put && !p.fresh {
		// The message may be newer than what was read from the store. The next pass will know.
		return
	}
	p.tell(group, t, v, w)
	switch {
	case t.busy:
		return
	case v == leave || v == behind || v == foreign:
		if !w.exists && t.held != config && t.held != unreadable {
			delete(p.topics, group)
		}
		return
	}
	a := attempt{verdict: v}
	m := client.Message{Topic: p.o.Root.Topic(topics.GroupConfig, group), QoS: 1, Retain: true}
	if v == put {
		a.stamp = w.latest
		m.Payload, m.ContentType = w.payload, "application/json"
	}
	if t.attempt != a {
		t.retry()
		t.attempt = a
	} else if now.Before(t.next) {
		return
	}
	p.complain(group, t)
	t.tries++
	t.next = now.Add(jitter(backoff(echoWait, maxEchoWait, t.tries)))
	t.busy = true
	ctx, up := p.ctx, p.up
	p.sends.Go(func() { p.send(ctx, group, t, a, m, up) })
}

// complain says once when a broker acknowledges configs and does not hand them out. It is called with mu
// held.
func (p *Publisher) complain(group string, t *topic) {
	if t.attempt.verdict != put || t.acked < patience || p.swallows != "" {
		return
	}
	p.swallows = group
	p.o.Log.Error("the broker acknowledges configs but does not send them to subscribers; is there a limit on retained messages, or an access rule?",
		"device_group", group, "config", t.attempt.stamp.Version, "tries", t.acked)
}

// send publishes m and notes what became of it. That the broker acknowledges it proves nothing: the
// config is on the topic when it is seen there.
func (p *Publisher) send(ctx context.Context, group string, t *topic, a attempt, m client.Message, up int64) {
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	case <-ctx.Done():
		return
	}
	p.mu.Lock()
	if !p.stillWanted(group, t, a) { // while it waited for its turn, something newer came
		t.busy = false
		p.consider(group, t, time.Now())
		p.mu.Unlock()
		return
	}
	p.mu.Unlock()

	limited, cancel := context.WithTimeout(ctx, p.o.Timeout)
	defer cancel()
	err := p.client.Publish(limited, m)

	p.mu.Lock()
	defer p.mu.Unlock()
	t.busy = false
	p.counts.add(a.verdict, err)
	switch {
	case ctx.Err() != nil || errors.Is(err, client.ErrClosed):
		return
	case err == nil && a.verdict == put:
		t.acked++
		p.o.Log.Info("config published", "device_group", group, "config", a.stamp.Version, "bytes", len(m.Payload))
	case err == nil:
		p.o.Log.Info("config of a deleted device_group cleared", "device_group", group)
	case !errors.Is(err, client.ErrNotConnected):
		p.o.Log.Warn("config not published", "device_group", group, "config", a.stamp.Version, "error", err,
			"retry_in", time.Until(t.next).Round(time.Second))
	}
	if up != p.up || !p.stillWanted(group, t, a) {
		p.consider(group, t, time.Now())
	}
}

// stillWanted reports whether a is what is to be done about the topic. It is called with mu held.
func (p *Publisher) stillWanted(group string, t *topic, a attempt) bool {
	w := p.wants[group]
	v := decide(t.seen, w.want, p.o.Epoch)
	return v == a.verdict && (v != put || w.latest == a.stamp)
}
