package clienttest

import (
	"testing"
	"time"

	"muster/broker/client"
)

// An inbox keeps messages until the test asks for them. Its add method is a [client.Handler].
type inbox struct{ messages chan client.Message }

// newInbox makes an inbox that is larger than anything the suite sends to it.
func newInbox() *inbox { return &inbox{messages: make(chan client.Message, 4096)} }

func (b *inbox) add(m client.Message) { b.messages <- m }

// next waits for the next message.
func (b *inbox) next(t *testing.T) client.Message {
	t.Helper()
	select {
	case m := <-b.messages:
		return m
	case <-time.After(patience):
		t.Fatal("a message that was expected did not arrive")
		return client.Message{}
	}
}

// want waits for the next message and fails when its payload is another.
func (b *inbox) want(t *testing.T, payload string) client.Message {
	t.Helper()
	m := b.next(t)
	if string(m.Payload) != payload {
		t.Fatalf("received %q on %s, want %q", m.Payload, m.Topic, payload)
	}
	return m
}

// until drops messages until that payload arrives.
func (b *inbox) until(t *testing.T, payload string) {
	t.Helper()
	for string(b.next(t).Payload) != payload {
	}
}

// wantEmpty fails when there is an unread message. The caller has made sure that none is under way,
// mostly by waiting for a later one.
func (b *inbox) wantEmpty(t *testing.T) {
	t.Helper()
	select {
	case m := <-b.messages:
		t.Fatalf("received %q on %s, want nothing", m.Payload, m.Topic)
	default:
	}
}
