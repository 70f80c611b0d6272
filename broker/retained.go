package broker

import (
	"strings"
	"sync"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"

	"muster/topics"
)

// A retainedMessage is what is kept of a retained PUBLISH. It is never changed: a newer one takes its place,
// so that comparing pointers tells whether it is still the one.
type retainedMessage struct {
	topic   string
	payload []byte
	qos     byte
	// expires is zero for a message that is kept for ever.
	expires time.Time
	// properties is nil for a message without any, as nearly all are.
	properties *packets.Properties
}

// retained keeps the retained messages. mochi's own keeping costs some 2 kB for each besides the payload,
// drops them all after a day, and reads its tree without a lock when it replays them.
type retained struct {
	mu    sync.RWMutex
	limit int
	by    map[string]*retainedMessage
}

func newRetained(limit int) *retained {
	return &retained{limit: limit, by: map[string]*retainedMessage{}}
}

// put keeps a PUBLISH that has the retain flag, or with an empty payload forgets what its topic had. It
// reports false when there is no room for another topic.
func (r *retained) put(pk packets.Packet, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	old, exists := r.by[pk.TopicName]
	switch {
	case len(pk.Payload) == 0:
		delete(r.by, pk.TopicName)
		return true
	case !exists && len(r.by) >= r.limit:
		return false
	}
	m := &retainedMessage{payload: pk.Payload, qos: pk.FixedHeader.Qos}
	if exists {
		m.topic = old.topic
	} else {
		// The name shares the packet's memory, and a map keeps the key of the first message for ever.
		m.topic = strings.Clone(pk.TopicName)
	}
	if s := pk.Properties.MessageExpiryInterval; s > 0 {
		m.expires = now.Add(time.Duration(s) * time.Second)
	}
	m.properties = forwardedProperties(pk.Properties)
	r.by[m.topic] = m
	return true
}

// forwardedProperties are the properties that go from a publisher to its subscribers unchanged (MQTT 5.0
// §3.3.2.3), nil when there are none.
func forwardedProperties(p packets.Properties) *packets.Properties {
	if !p.PayloadFormatFlag && p.ContentType == "" && p.ResponseTopic == "" && len(p.CorrelationData) == 0 && len(p.User) == 0 {
		return nil
	}
	return &packets.Properties{
		PayloadFormat: p.PayloadFormat, PayloadFormatFlag: p.PayloadFormatFlag,
		ContentType: p.ContentType, ResponseTopic: p.ResponseTopic, CorrelationData: p.CorrelationData,
		User: p.User,
	}
}

// get returns the topic's message, nil when it has none.
func (r *retained) get(topic string, now time.Time) *retainedMessage {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if m := r.by[topic]; m != nil && !m.expired(now) {
		return m
	}
	return nil
}

// matching returns the messages whose topics match the filter, in no order.
func (r *retained) matching(filter string, now time.Time) []*retainedMessage {
	if !strings.ContainsAny(filter, "+#") {
		if m := r.get(filter, now); m != nil {
			return []*retainedMessage{m}
		}
		return nil
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	var found []*retainedMessage
	for topic, m := range r.by {
		if topics.Match(filter, topic) && !m.expired(now) {
			found = append(found, m)
		}
	}
	return found
}

// sweep forgets the messages that have expired. Nobody is sent them anyway.
func (r *retained) sweep(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for topic, m := range r.by {
		if m.expired(now) {
			delete(r.by, topic)
		}
	}
}

func (r *retained) len() int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return len(r.by)
}

func (m *retainedMessage) expired(now time.Time) bool {
	return !m.expires.IsZero() && !now.Before(m.expires)
}

// packet is m as a PUBLISH to a subscriber, with QoS 0.
func (m *retainedMessage) packet(now time.Time) packets.Packet {
	pk := packets.Packet{
		FixedHeader: packets.FixedHeader{Type: packets.Publish, Retain: true},
		TopicName:   m.topic,
		Payload:     m.payload,
	}
	if m.properties != nil {
		pk.Properties = *m.properties
	}
	if !m.expires.IsZero() {
		pk.Properties.MessageExpiryInterval = uint32(max(1, (m.expires.Sub(now)+time.Second-1)/time.Second))
	}
	return pk
}
