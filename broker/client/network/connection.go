package network

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
	"github.com/eclipse/paho.golang/paho/session/state"

	"muster/broker/client"
)

const (
	// receiveMaximum is how many unacknowledged messages the broker may send. The library reserves room
	// for them: 533 KB for the protocol's default of 65,535.
	receiveMaximum = 32
	// maximumPacket is the largest packet in bytes that the broker may send: twice what Muster ever has.
	maximumPacket = 128 << 10
	// openTimeout is how long it may take to reach the broker, TLS included.
	openTimeout = 30 * time.Second
	// answerTimeout is how long the broker may take for any answer. It is generous: a broker that
	// thousands connect to at the same moment is slow, and coming back later makes that worse.
	answerTimeout = 30 * time.Second
	// goodbyeTimeout is how long the goodbye may take.
	goodbyeTimeout = 2 * time.Second
)

// A connection is one connection to the broker, from CONNECT to its end. It does not come back.
type connection struct {
	// ctx ends with the connection; its cause says why.
	ctx    context.Context
	cancel context.CancelCauseFunc
	// gone is closed when there is nothing left to read or write.
	gone    chan struct{}
	failed  atomic.Bool
	conn    *packetConn
	paho    *paho.Client
	session *watchedSession
	// server is what the broker said about itself.
	server *paho.ConnackProperties
	// kept says whether the broker still had the session, and begun that its subscription is in place.
	kept, begun bool
}

// A connectError is a failed attempt, with how the other side's answer began.
type connectError struct {
	err      error
	greeting string
}

func (e *connectError) Error() string { return e.err.Error() }
func (e *connectError) Unwrap() error { return e.err }

// connect says CONNECT on raw, which it owns from now on. Messages go to deliver, and with a session to that. When ctx ends,
// the connection does too.
func connect(ctx context.Context, raw net.Conn, packet *paho.Connect, deliver func(client.Message), session *Session) (*connection, error) {
	n := &connection{gone: make(chan struct{})}
	n.ctx, n.cancel = context.WithCancelCause(ctx)
	n.conn = newPacketConn(raw, n.fail)
	n.session = &watchedSession{State: state.NewInMemory(), fail: n.fail, manual: session != nil}
	n.paho = paho.NewClient(paho.ClientConfig{
		Conn:          n.conn,
		Session:       n.session,
		PingHandler:   &watchedPinger{paho.NewDefaultPinger(), n.fail},
		PacketTimeout: answerTimeout,
		OnPublishReceived: []func(paho.PublishReceived) (bool, error){func(r paho.PublishReceived) (bool, error) {
			if session != nil {
				session.take(n, r.Packet)
			} else {
				deliver(received(r.Packet))
			}
			return true, nil
		}},
		OnServerDisconnect: func(*paho.Disconnect) {}, // known by then
	})
	hangUp := context.AfterFunc(ctx, func() { _ = raw.Close() })
	defer hangUp()
	answer, err := n.paho.Connect(n.ctx, packet)
	if err == nil {
		n.server, n.kept = answer.Properties, answer.SessionPresent
		return n, nil
	}
	switch cause := context.Cause(n.ctx); {
	case answer != nil:
		err = &reasonError{answer.ReasonCode, answer.Properties.ReasonString}
	case errors.Is(err, context.DeadlineExceeded):
		err = fmt.Errorf("the broker did not answer CONNECT within %v", answerTimeout)
	case cause != nil && !errors.Is(cause, errAbandoned):
		err = cause
	}
	n.fail(err)
	// The goroutine that reads has ended, or will without another byte: raw is closed.
	return nil, &connectError{err, n.conn.answerBegan()}
}

// fail ends the connection for the given reason. Only the first one counts.
func (n *connection) fail(why error) {
	n.cancel(why)
	if n.failed.CompareAndSwap(false, true) {
		_ = n.conn.Conn.Close()
		close(n.gone)
	}
}

// end says goodbye, if there is still somebody to hear it, and waits until all goroutines of the
// connection have ended, and so its handlers.
//
// It leaves hanging up to the broker. The broker may still be writing, and would take a connection that
// breaks then, before it has read the goodbye, for lost, and publish the will.
func (n *connection) end() {
	hurry := time.AfterFunc(goodbyeTimeout, func() { n.fail(errGoodbye) })
	n.conn.sayGoodbye()
	<-n.gone
	hurry.Stop()
	_ = n.paho.Disconnect(&paho.Disconnect{}) // writes nothing any more, and waits
	_ = n.session.Close()
}

// publish sends m and, with QoS 1, waits for its acknowledgement.
func (n *connection) publish(ctx context.Context, m client.Message) error {
	if limit := n.server.MaximumPacketSize; limit != nil && packetSize(m) > int64(*limit) {
		return fmt.Errorf("%w: the message of %d bytes exceeds its limit of %d", client.ErrRefused, len(m.Payload), *limit)
	}
	// The library forgets unacknowledged messages with the session, and lets those who wait for them wait.
	until, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(n.ctx, cancel)()

	answer, err := n.paho.Publish(until, outgoing(m))
	switch {
	case answer != nil && answer.ReasonCode >= 0x80:
		return fmt.Errorf("%w: %w", refusal(answer.ReasonCode), &reasonError{answer.ReasonCode, answer.Properties.ReasonString})
	case errors.Is(err, paho.ErrInvalidArguments):
		return fmt.Errorf("%w: %w", client.ErrRefused, err)
	case err == nil && (m.QoS > 0 || n.ctx.Err() == nil):
		return nil
	case n.ctx.Err() == nil && ctx.Err() != nil:
		return ctx.Err()
	}
	n.fail(errNoAck) // of no effect when the connection was lost before
	return fmt.Errorf("%w: %w", client.ErrNotConnected, context.Cause(n.ctx))
}

// refusal tells a refusal that passes, for want of room or because the broker is busy, from one that does not.
func refusal(code byte) error {
	if code == packets.PubackQuotaExceeded || code == packets.DisconnectServerBusy {
		return client.ErrBusy
	}
	return client.ErrRefused
}

// subscribe sends one SUBSCRIBE for all of them and returns the reason code of each.
func (n *connection) subscribe(subs []paho.SubscribeOptions) ([]byte, error) {
	answer, err := n.paho.Subscribe(n.ctx, &paho.Subscribe{Subscriptions: subs})
	if answer == nil {
		n.fail(errNoAck) // of no effect when the connection was lost before
		return nil, fmt.Errorf("subscribe: %w", err)
	}
	if len(answer.Reasons) != len(subs) {
		n.fail(errAbandoned)
		return nil, fmt.Errorf("subscribe: %w: %d answers to %d filters", errAbandoned, len(answer.Reasons), len(subs))
	}
	return answer.Reasons, nil
}
