// Package client is the MQTT client that managers, bridges and workers share: one small interface with
// two implementations, and one contract suite (package clienttest) that both pass.
//
//	broker.Server.Client   in process, on the embedded broker
//	client/network.Dial    over the network, to any MQTT 5 broker
//
// Data flows in one direction at a time. Outgoing: the caller hands [Client.Publish] a message and learns
// from its return whether the broker took it; nothing is queued behind the caller's back, so nothing that
// was acknowledged can be lost here, and a caller that must not lose a message keeps it until Publish
// returns nil. Incoming: [Client.Subscribe] declares what the caller wants to hear; the implementation
// makes that true on this connection and on every later one, and calls the handler with each message.
// [Client.OnUp] tells of each connection after its subscriptions are in place: that is the moment to
// say again whatever the broker may have forgotten.
package client

import (
	"context"
	"errors"
	"time"
)

// Errors of a [Client].
var (
	// ErrNotConnected says that there is no connection at the moment. It passes by itself.
	ErrNotConnected = errors.New("not connected to the MQTT broker")
	// ErrRefused is wrapped when the broker refused a message with a reason code of 0x80 or above (MQTT
	// 5.0 §2.4) other than those of [ErrBusy], or would have to: the topic is invalid, or the message needs
	// what the broker said it does not have. Trying the same again is of no use.
	ErrRefused = errors.New("refused by the MQTT broker")
	// ErrBusy is wrapped when the broker refused a message for now: it has no room (reason code 0x97) or is busy (0x89). The same
	// again, later, may be taken.
	ErrBusy = errors.New("the MQTT broker has no room for the message at the moment")
	// ErrClosed says that Close was called.
	ErrClosed = errors.New("the MQTT client is closed")
)

// A Message is what is published, and what a handler receives.
type Message struct {
	Topic   string
	Payload []byte
	// QoS is 0 or 1.
	QoS byte
	// Retain, when publishing, has the broker keep the message for later subscribers; with an empty
	// payload it clears the topic. Received, it says that the message is such a kept one.
	Retain bool
	// Expiry is how long the broker may keep the message for those who are not connected; 0 is for ever.
	// It is rounded up to whole seconds. Received, it is what the broker says is left of it.
	Expiry time.Duration
	// ContentType, ResponseTopic and CorrelationData are the MQTT 5 properties of those names. They are
	// carried where the broker and the peer speak MQTT 5, and nothing may depend on them.
	ContentType     string
	ResponseTopic   string
	CorrelationData []byte
}

// A Handler is called with each message of a subscription, in the order in which they arrived, from a
// goroutine of the client's. While it runs, no other message is delivered to the client, and in the end
// nothing is read from its connection, so it hands over anything that takes long. It must not call
// Publish or Close of the same client: what they wait for may be behind the message that it holds. It may
// call Subscribe. It may keep Payload and CorrelationData, but must not change them: several
// subscriptions may share one.
//
// A message may arrive more than once, as QoS 1 allows.
type Handler func(Message)

// A Subscription is a topic filter and what to do with the messages that match it.
type Subscription struct {
	Filter string
	// QoS is the highest QoS to receive: 0 or 1. A broker may give less; the embedded one gives 0 over a
	// network.
	QoS byte
	// Share, when not empty, shares the messages among all clients that subscribe with the same Share and
	// Filter: each message goes to one of them where the broker can do that, and to all where it cannot.
	// The embedded broker has one manager, in its own process, and gives it every message. Retained
	// messages are not to be counted on (MQTT 5.0 §4.8.2).
	Share   string
	Handler Handler
}

// A Client is one MQTT client identity. All methods may be called from several goroutines.
//
// A client has no session that outlives a connection: what is published while it is not connected it never
// hears, unless the message is retained.
type Client interface {
	// Publish hands the message to the broker. With QoS 1 it returns nil when the broker has
	// acknowledged it; with QoS 0 when it was written. It fails at once with an error that wraps
	// [ErrNotConnected] while there is no connection, with one that wraps [ErrRefused] when the broker
	// refused it, or [ErrBusy] when it did so for now, with ctx's error when that ended first, and with
	// [ErrClosed]. After a connection that
	// broke in between, the error wraps ErrNotConnected and the broker may or may not have the message.
	// Payload and CorrelationData must not be changed afterwards.
	Publish(ctx context.Context, m Message) error
	// Subscribe makes s true from now on, on each connection. It does not wait for the broker; a refusal
	// is logged. A second Subscribe with the same Filter and Share replaces the first one's handler. The
	// broker sends the retained messages that match on every connection, and to a handler that replaces
	// another. When several filters match a message, the handler of each is called; a broker may send such
	// a message once for each filter, and then each of those handlers is called with each copy. It fails
	// only when s is invalid, and with ErrClosed after Close.
	Subscribe(s Subscription) error
	// OnUp has f called after each connection is made and its subscriptions are acknowledged or refused;
	// at once, if that is so now. A connection that is replaced by the next while f runs is passed over.
	// Calls do not overlap, neither of f nor of different functions. f may call Publish, but not Close.
	OnUp(f func())
	// Close says goodbye to the broker, which then drops the will, ends the connection, waits until neither
	// a handler nor a function of OnUp runs any more, and returns. None is called for what came before and
	// was still waiting. Later calls do nothing.
	Close() error
}
