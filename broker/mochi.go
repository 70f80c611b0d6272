package broker

import (
	"log/slog"

	mqtt "github.com/mochi-mqtt/server/v2"

	"muster/topics"
)

// maxPacket is the largest packet in bytes, sent or received, from the first CONNECT on: the largest
// payload, and 4 KiB for a topic, the MQTT 5 properties and the header.
const maxPacket = topics.MaxPayload + 4096

// newMochi makes the MQTT server inside the guard. This is the one place that chooses its settings; each
// that is not listed is at mochi's zero value on purpose.
func newMochi() *mqtt.Server {
	return mqtt.New(&mqtt.Options{
		Capabilities: &mqtt.Capabilities{
			// Ours counts connections from the accept on, not from the CONNACK.
			MaximumClients: 1 << 40,
			// 0: a message lives as long as its publisher says. mochi's own value drops every retained
			// message after 24 h.
			MaximumMessageExpiryInterval: 0,
			// The queue of a connection is allocated when it connects, at 8 bytes each. A device hears a
			// config now and then; one that is 128 messages behind asks at its next check-in.
			MaximumClientWritesPending: 128,
			// Sessions end with their connection: with QoS 0 downstream they would keep nothing but
			// subscriptions, which mochi forgets to remove when a session expires.
			MaximumSessionExpiryInterval: 0,
			// Applies before authentication too.
			MaximumPacketSize: maxPacket,
			// How many QoS 1 messages a client may have unacknowledged. mochi acknowledges each before it
			// reads the next, so this bounds what clients keep, not what the broker does.
			ReceiveMaximum: 256,
			// Nothing is in flight downstream, see guard.OnSubscribe; 0 would mean 8192.
			MaximumInflight: 1,
			// No aliases: mochi checks access before it resolves one, and sends aliases whose definition it
			// has dropped.
			TopicAliasMaximum: 0,
			// Managers may share; who may is MaySubscribe's to say.
			SharedSubAvailable: 1,
			// MQTT 3.1.1; 3.1 is "3" and has client ids of at most 23 bytes.
			MinimumProtocolVersion: 4,
			// "Stay inside what every broker does."
			MaximumQos: 1,
			// 0: the guard keeps retained messages itself, see type retained, and tells clients that it can.
			RetainAvailable:      0,
			WildcardSubAvailable: 1,
			// 0: supporting them costs four allocations per delivery to everybody, see guard.OnSubscribe.
			SubIDAvailable: 0,
			// An acknowledgement must not echo the user properties of what it acknowledges (MQTT 5.0 §3.4.2.2.3).
			Compatibilities: mqtt.Compatibilities{NoInheritedPropertiesOnAck: true},
		},
		// Packets of a device are a few hundred bytes; larger ones bypass the read buffer.
		ClientNetReadBufferSize: 1024,
		// What is written at once when several messages wait in the queue.
		ClientNetWriteBufferSize: 2048,
		// mochi logs whole packets, a second CONNECT with its password included. What is worth a line is
		// logged by the guard.
		Logger: slog.New(slog.DiscardHandler),
		// No inline client: it would sit in the table of clients under an id that anybody can take over.
		// Serve is never called either, so SysTopicResendInterval means nothing.
		InlineClient: false,
	})
}
