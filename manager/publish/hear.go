package publish

import (
	"bytes"
	"time"

	"muster/broker/client"
	"muster/topics"
)

// hear notes what a config topic holds. A message that is not what is wanted makes a pass due: another
// manager has made a newer config, or published an older one too late, or somebody has broken something.
// What comes over a connection before the one numbered up is dropped.
func (p *Publisher) hear(m client.Message, up int64) {
	name, err := p.o.Root.Parse(m.Topic)
	if err != nil || name.Kind != topics.GroupConfig {
		return
	}
	group := name.Name

	p.mu.Lock()
	w := p.wants[group]
	p.mu.Unlock()
	held, now := read(group, m.Payload, w)

	p.mu.Lock()
	defer p.mu.Unlock()
	if up != p.up {
		return
	}
	t := p.topics[group]
	if t == nil {
		t = &topic{}
		p.topics[group] = t
	}
	t.heard = p.passes
	t.held, t.now = held, now
	switch {
	case held == cleared:
		t.newest = topics.Version{}
	case now.Newer(t.newest):
		t.newest = now.Version
	}
	if p.asWanted(group, held, now) {
		t.retry()
		if p.swallows == group {
			p.swallows = ""
		}
		return
	}
	at := time.Now()
	if next := p.last.Add(arrivalGap); next.After(at) {
		at = next
	}
	p.wakeAt(at)
}

// read looks into a message. The bytes that were published themselves need no parsing.
func read(group string, payload []byte, w wanted) (held, stamp) {
	switch {
	case len(payload) == 0:
		return cleared, stamp{}
	case bytes.Equal(payload, w.payload):
		return config, w.latest
	}
	c, err := topics.ParseConfig(payload)
	if err != nil || c.DeviceGroup != group {
		return unreadable, stamp{}
	}
	return config, stamp{c.Version, c.SHA256}
}

// asWanted reports whether the topic holds what the last pass found to be wanted. It is called with mu
// held.
func (p *Publisher) asWanted(group string, h held, now stamp) bool {
	w := p.wants[group]
	if w.exists {
		return h == config && now == w.latest
	}
	return h == cleared
}
