package broker

import (
	"errors"
	"strings"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"

	"muster/topics"
)

// subscribing is what is remembered of a SUBSCRIBE while mochi works on it.
type subscribing struct {
	// verdicts has the reason code for each filter, 0 for one that mochi may grant.
	verdicts []byte
	// replay lists the filters whose retained messages are due.
	replay []string
	// messages are those, to be sent after the SUBACK.
	messages []*retainedMessage
}

// replayAtOnce is how many retained messages the reading goroutine sends itself.
const replayAtOnce = 16

// noIdentifiers is shared by all subscriptions: mochi makes a map for each delivery to one that has none.
// Nothing is written to it, because no subscription has an identifier.
var noIdentifiers = map[string]int{}

// OnSubscribe decides on each filter of a SUBSCRIBE, and grants QoS 0. With QoS 1 a reader that stops
// reading holds up all who publish to it, and a message that finds the queue full is lost all the same. Nobody needs
// it: what matters is retained, compared and asked for again.
func (g *guard) OnSubscribe(cl *mqtt.Client, pk packets.Packet) packets.Packet {
	c := connOf(cl)
	if c == nil {
		return pk
	}
	c.subscribe = subscribing{verdicts: make([]byte, len(pk.Filters))}
	filters := make(packets.Subscriptions, len(pk.Filters))
	count := cl.State.Subscriptions.Len()
	for i, sub := range pk.Filters {
		_, existed := cl.State.Subscriptions.Get(sub.Filter)
		verdict := g.judge(c, sub.Filter, existed, count)
		if verdict != packets.CodeSuccess {
			c.complain("to subscribe", "filter", sub.Filter, "reason", verdict.Reason)
			c.subscribe.verdicts[i] = verdict.Code
			sub.Filter = "" // which mochi refuses; OnSubscribed puts the right code in its place
			filters[i] = sub
			continue
		}
		if !existed {
			count++
		}
		if sub.RetainHandling == 0 || sub.RetainHandling == 1 && !existed {
			// A shared one matches nothing, as it should (MQTT 5.0 §4.8.2).
			c.subscribe.replay = append(c.subscribe.replay, sub.Filter)
		}
		sub.Qos = 0
		sub.Identifiers = noIdentifiers
		sub.Filter = strings.Clone(sub.Filter) // it would keep the whole packet
		filters[i] = sub
	}
	pk.Filters = filters
	return pk
}

// judge is the reason code for a filter, CodeSuccess when it may be granted.
func (g *guard) judge(c *conn, filter string, existed bool, count int) packets.Code {
	switch {
	case topics.CheckFilter(filter) != nil:
		return packets.ErrTopicFilterInvalid
	case !g.mayRead(c, filter):
		return packets.ErrNotAuthorized
	case !existed && count >= g.server.opts.MaxSubscriptions:
		return packets.ErrQuotaExceeded
	}
	return packets.CodeSuccess
}

// OnSubscribed corrects the reason codes before they are sent, and looks up the retained messages. New ones reach
// the subscriber's queue from now on.
func (g *guard) OnSubscribed(cl *mqtt.Client, _ packets.Packet, reasonCodes []byte) {
	c := connOf(cl)
	if c == nil {
		return
	}
	for i, code := range c.subscribe.verdicts {
		if code != 0 && cl.Properties.ProtocolVersion == 5 {
			reasonCodes[i] = code
		}
	}
	for _, filter := range c.subscribe.replay {
		c.subscribe.messages = append(c.subscribe.messages, g.server.retained.matching(filter, time.Now())...)
	}
}

// OnPacketProcessed sends the retained messages after the SUBACK.
func (g *guard) OnPacketProcessed(cl *mqtt.Client, pk packets.Packet, err error) {
	if pk.FixedHeader.Type != packets.Subscribe {
		return
	}
	c := connOf(cl)
	if c == nil {
		return
	}
	messages := c.subscribe.messages
	c.subscribe = subscribing{}
	if err != nil {
		return
	}
	if len(messages) <= replayAtOnce {
		g.replay(c, messages)
		return
	}
	// There may be as many as there are devices, and the reader has pings to answer. One replay at a time:
	// a client that subscribes over and over waits for the last one.
	c.replay.Wait()
	c.replay.Go(func() {
		g.server.protect("replay retained messages", func() { g.replay(c, messages) })
	})
}

// replay sends retained messages. It waits for the peer, never drops, and leaves no topic with an older message
// than the newest: one that was replaced before or while it was sent may have been overtaken on the way, or its
// successor may have found the queue full, so the successor is sent after it.
func (g *guard) replay(c *conn, messages []*retainedMessage) {
	for _, m := range messages {
		for g.mayRead(c, m.topic) && c.send(m) == nil {
			newest := g.server.retained.get(m.topic, time.Now())
			if newest == m {
				break
			}
			if newest == nil {
				_ = c.send(&retainedMessage{topic: m.topic}) // cleared
				break
			}
			m = newest
		}
		if c.client.Closed() {
			return
		}
	}
}

// send writes a retained message to the client. One that is larger than the client takes counts as sent.
func (c *conn) send(m *retainedMessage) error {
	err := c.client.WritePacket(m.packet(time.Now()))
	if errors.Is(err, packets.ErrPacketTooLarge) {
		return nil
	}
	return err
}
