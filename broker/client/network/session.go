package network

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/eclipse/paho.golang/paho"

	"muster/broker/client"
)

// A Session is one that the broker keeps while its client is away, with one subscription whose messages are acknowledged
// one by one: what was not acknowledged comes again. A client that has one may publish, but not Subscribe. It
// connects like any other until it has the session, and when it has lost it once, not again.
//
// A broker that cannot do what is asked here is left again, with the reason in the log, and asked again as after a
// failed attempt to connect.
type Session struct {
	// Filter is what to subscribe to, with QoS 1, and Share, when not empty, with whom to share it: see
	// [client.Subscription]. There is no falling back where the broker has no shared subscriptions. Messages that
	// were retained before are not asked for.
	Filter, Share string
	// Expiry is how long the broker is to keep the session while the client is away, from a second to 136 years.
	Expiry time.Duration
	// ReceiveMaximum is how many messages the broker may send that are not acknowledged; at least 1. Memory for as many
	// small ones is set aside.
	ReceiveMaximum uint16
	// Receive is called with each message, in the order in which they arrived, and with what acknowledges it. That
	// must be called in the same order, by one goroutine at a time, and is of no effect when the connection that
	// brought the message has ended. While Receive runs nothing else is received, and the connection is not
	// replaced; otherwise it is as a [client.Handler].
	Receive func(m client.Message, acknowledge func())
	// Begun is called when the subscription is in place on a connection. Kept says whether the broker still had the session;
	// when not, and this is not the first of all, messages may be lost.
	Begun func(kept bool)
	// Ended is called when a connection on which Begun was called has ended. The client does not come back then: another may
	// have taken the session over, which some brokers tell the loser by hanging up on it and nothing more.
	Ended func()
}

func (s *Session) check() error {
	if err := checkSubscription(client.Subscription{Filter: s.Filter, Share: s.Share, QoS: 1, Handler: func(client.Message) {}}); err != nil {
		return fmt.Errorf("MQTT session: %w", err)
	}
	if s.Expiry < time.Second || s.Expiry > math.MaxUint32*time.Second {
		return fmt.Errorf("MQTT session: expiry must be from 1s to %v, is %v", math.MaxUint32*time.Second, s.Expiry)
	}
	if s.ReceiveMaximum == 0 {
		return errors.New("MQTT session: receive maximum must be at least 1")
	}
	return nil
}

func (s *Session) topic() string {
	if s.Share == "" {
		return s.Filter
	}
	return sharedFilter(client.Subscription{Filter: s.Filter, Share: s.Share})
}

// ask puts the wish for the session into CONNECT.
func (s *Session) ask(p *paho.Connect) {
	p.CleanStart = false
	p.Properties.SessionExpiryInterval = new(seconds(s.Expiry))
	p.Properties.ReceiveMaximum = new(s.ReceiveMaximum)
}

// An unableError says what a broker lacks.
type unableError struct{ what, cure string }

func (e *unableError) Error() string { return "the broker " + e.what }

// begin subscribes, on a connection that was just made.
func (s *Session) begin(n *connection) (err error) {
	defer func() { n.begun = err == nil }()
	granted := n.server.SessionExpiryInterval
	switch {
	case granted != nil && *granted == 0:
		return &unableError{"keeps no session while its client is away", "let it keep sessions: for reports, as long as a bridge may be away"}
	case s.Share != "" && !n.server.SharedSubAvailable:
		return &unableError{"has no shared subscriptions", "split the devices among the bridges instead"}
	}
	// 2 is no retained messages, MQTT 5.0 §3.8.3.1.
	codes, err := n.subscribe([]paho.SubscribeOptions{{Topic: s.topic(), QoS: 1, RetainHandling: 2}})
	switch {
	case err != nil:
		return err
	case codes[0] >= 0x80:
		return fmt.Errorf("subscribe to %s: %w", s.topic(), &reasonError{code: codes[0]})
	case codes[0] != 1:
		return &unableError{"gives subscribers QoS 0 only", "use one that gives QoS 1: what it sends cannot be acknowledged"}
	}
	return nil
}

// take is what the library calls with a message of the session.
func (s *Session) take(n *connection, p *paho.Publish) {
	packet := p.Packet()
	s.Receive(received(p), func() { _ = n.session.State.Ack(packet) })
}
