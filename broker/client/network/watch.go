package network

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
	"github.com/eclipse/paho.golang/paho/session/state"
)

// Why a connection ended. The MQTT library reports that late, after all handlers have returned, and
// without order; so each reason is caught where it arises.
var (
	errNoPong    = errors.New("the broker did not answer a ping in time")
	errNoAck     = fmt.Errorf("the broker owed an acknowledgement for %v", answerTimeout)
	errAbandoned = errors.New("the broker broke the MQTT protocol")
	errGoodbye   = errors.New("closed by this side")
)

// A reasonError is a negative answer of the broker.
type reasonError struct {
	// code is the reason code of MQTT 5.0 §2.4.
	code byte
	// text is what the broker said about it, mostly nothing.
	text string
}

func (e *reasonError) Error() string {
	s := fmt.Sprintf("reason code 0x%02x", e.code)
	if name := reasonNames[e.code]; name != "" {
		s += " (" + name + ")"
	}
	if e.text != "" {
		s += fmt.Sprintf(": %.200q", e.text)
	}
	return s
}

// A disconnectError says that the broker ended the connection in so many words.
type disconnectError struct{ reason reasonError }

func (e *disconnectError) Error() string {
	return "the broker ended the connection with " + e.reason.Error()
}
func (e *disconnectError) Unwrap() error { return &e.reason }

// A watchedSession is the library's state of a connection, watched for the broker's DISCONNECT.
type watchedSession struct {
	*state.State
	fail func(error)
	// manual says that messages are acknowledged elsewhere, and not when their handler has returned.
	manual bool
}

func (s *watchedSession) Ack(p *packets.Publish) error {
	if s.manual {
		return nil
	}
	return s.State.Ack(p)
}

func (s *watchedSession) ConnectionLost(d *packets.Disconnect) error {
	if d != nil {
		reason := reasonError{code: d.ReasonCode}
		if d.Properties != nil {
			reason.text = d.Properties.ReasonString
		}
		s.fail(&disconnectError{reason})
	}
	return s.State.ConnectionLost(d)
}

// A watchedPinger is the library's pinger, watched for the broker's silence.
type watchedPinger struct {
	*paho.DefaultPinger
	fail func(error)
}

func (p *watchedPinger) Run(ctx context.Context, conn net.Conn, keepAlive uint16) error {
	err := p.DefaultPinger.Run(ctx, conn, keepAlive)
	if err != nil {
		p.fail(errNoPong)
	}
	return err
}
