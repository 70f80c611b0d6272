package broker

import (
	"math"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"

	"muster/topics"
)

// guard is the one hook that mochi has. Hooks are OR-ed, so that a second one could only allow what this one
// denies. It denies whatever it was not told about.
type guard struct {
	mqtt.HookBase
	server *Server
}

// ID names the hook for mochi.
func (*guard) ID() string { return "guard" }

// Provides lists the events that the guard is called for. There is no storage among them: the broker keeps
// nothing across a restart, and mochi's storage hooks lose the expiry of what they keep.
func (*guard) Provides(event byte) bool {
	switch event {
	case mqtt.OnConnect, mqtt.OnConnectAuthenticate, mqtt.OnACLCheck, mqtt.OnPacketRead, mqtt.OnPacketEncode,
		mqtt.OnSubscribe, mqtt.OnSubscribed, mqtt.OnPacketProcessed, mqtt.OnPublish, mqtt.OnPublishDropped:
		return true
	}
	return false
}

// connOf is the connection of a network client, nil for any other.
func connOf(cl *mqtt.Client) *conn {
	c, _ := cl.Net.Conn.(*conn)
	return c
}

// OnACLCheck decides on each PUBLISH, each filter of a SUBSCRIBE and each delivery.
func (g *guard) OnACLCheck(cl *mqtt.Client, topic string, write bool) bool {
	c := connOf(cl)
	if c == nil {
		return false
	}
	if !write {
		return g.mayRead(c, topic)
	}
	if g.mayPublish(c, topic) {
		return true
	}
	c.complain("to publish", "topic", topic)
	return false
}

func (g *guard) mayRead(c *conn, filter string) bool {
	return g.server.opts.Root.MaySubscribe(c.identity, filter)
}

func (g *guard) mayPublish(c *conn, topic string) bool {
	return g.server.opts.Root.MayPublish(c.identity, topic)
}

// mayAskFor reports whether the client may have somebody publish to that Response Topic: one on which it may be told nothing would be
// another's, who might believe what comes there. An empty one asks for no answer.
func (g *guard) mayAskFor(c *conn, responseTopic string) bool {
	return responseTopic == "" || g.mayRead(c, responseTopic)
}

// complain logs the first refusal of a connection: a client that tries once will try again.
func (c *conn) complain(what string, args ...any) {
	if c.complained.Swap(true) {
		return
	}
	c.server.log.Warn("mqtt client was refused something", append([]any{
		"what", what, "client_id", c.client.ID, "role", c.identity.Role, "name", c.identity.Name,
	}, args...)...)
}

// OnPacketRead sees each packet before mochi does. An error other than ErrRejectPacket would be ignored.
func (g *guard) OnPacketRead(cl *mqtt.Client, pk packets.Packet) (packets.Packet, error) {
	c := connOf(cl)
	if c == nil || c.isClosing() {
		return pk, packets.ErrRejectPacket
	}
	switch pk.FixedHeader.Type {
	case packets.Connect:
		if !c.connected {
			c.readConnect(&pk)
		}
	case packets.Publish:
		switch {
		case pk.FixedHeader.Qos > 1:
			// mochi would answer as if it had been QoS 1, which an MQTT 3.1.1 client does not understand.
			return c.reject(pk, packets.ErrQosNotSupported)
		case len(pk.Payload) > topics.MaxPayload:
			return c.reject(pk, packets.ErrPacketTooLarge)
		case len(pk.TopicName) > 0 && pk.TopicName[0] == '$':
			// mochi would drop it without the acknowledgement that the client waits for.
			return c.reject(pk, packets.ErrTopicNameInvalid)
		}
	case packets.Subscribe:
		if len(pk.Properties.SubscriptionIdentifier) > 0 {
			return c.reject(pk, packets.ErrSubscriptionIdentifiersNotSupported)
		}
	case packets.Disconnect:
		if pk.ReasonCode == packets.CodeDisconnect.Code {
			c.will = nil
		}
		pk.Properties.SessionExpiryIntervalFlag = false // there is no session to prolong
	case packets.Auth:
		return c.reject(pk, packets.ErrBadAuthenticationMethod)
	case packets.Connack, packets.Suback, packets.Unsuback, packets.Pingresp:
		return c.reject(pk, packets.ErrProtocolViolation) // no client sends these
	}
	return pk, nil
}

// reject ends the connection because of a packet.
func (c *conn) reject(pk packets.Packet, code packets.Code) (packets.Packet, error) {
	c.sayGoodbye(code)
	c.complain("to send such a packet", "reason", code.Reason)
	return pk, packets.ErrRejectPacket
}

// OnPacketEncode completes what mochi sends.
func (g *guard) OnPacketEncode(cl *mqtt.Client, pk packets.Packet) packets.Packet {
	switch pk.FixedHeader.Type {
	case packets.Connack:
		pk.Properties.MaximumPacketSize = maxPacket
		pk.Properties.SubIDAvailableFlag = true // and 0
		if pk.ProtocolVersion < 5 && pk.ReasonCode > packets.Err3NotAuthorized.Code {
			pk.FixedHeader.Type = unsendable // MQTT 3.1.1 has no such code; the connection just closes
		}
	case packets.Disconnect:
		// Said by conn.finish: here it could stay behind in a buffer, and MQTT 3.1.1 has none from a server.
		if c := connOf(cl); c != nil {
			c.sayGoodbye(packets.Code{Code: pk.ReasonCode, Reason: pk.Properties.ReasonString})
		}
		pk.FixedHeader.Type = unsendable
	}
	return pk
}

// unsendable is no packet type; mochi refuses to write it.
const unsendable = math.MaxUint8

// OnPublish hands over a report, keeps a retained message and hands it to the clients in the process before it is acknowledged.
// (What is published inside of the process comes by Server.publish, which has done both.)
func (g *guard) OnPublish(cl *mqtt.Client, pk packets.Packet) (packets.Packet, error) {
	c := connOf(cl)
	if c == nil {
		return pk, nil
	}
	if answerOn := pk.Properties.ResponseTopic; !g.mayAskFor(c, answerOn) {
		c.complain("to have an answer on", "topic", answerOn)
		if pk.FixedHeader.Qos > 0 {
			return pk, packets.ErrNotAuthorized
		}
		return pk, packets.ErrRejectPacket
	}
	if err := g.server.report(&pk, pk.ProtocolVersion == 5 && pk.FixedHeader.Qos > 0); err != nil {
		return pk, c.refuse(pk, err)
	}
	if pk.FixedHeader.Retain && !g.server.retain(pk) {
		c.complain("to retain one more message", "topic", pk.TopicName)
		if pk.FixedHeader.Qos > 0 && pk.ProtocolVersion == 5 {
			return pk, packets.ErrQuotaExceeded
		}
		// Otherwise there is no way to say it, and those who listen now get it.
	}
	g.server.deliverLocal(&pk)
	return pk, nil
}

// OnPublishDropped counts what a connection's queue had no room for.
func (g *guard) OnPublishDropped(cl *mqtt.Client, _ packets.Packet) {
	g.server.dropped.Add(1)
}
