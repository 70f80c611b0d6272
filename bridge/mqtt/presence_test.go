package mqtt

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"muster/broker/client"
	"muster/topics"
)

// A listener is a broker's end that keeps what is published.
type listener struct {
	client.Client
	up   func()
	said chan client.Message
}

func (l *listener) OnUp(f func()) { l.up = f }

func (l *listener) Publish(_ context.Context, m client.Message) error {
	l.said <- m
	return nil
}

// A bridge says that it is there on each connection and often enough for others not to take it for gone.
func TestBridgeSaysThatItIsThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := New(options(t, "mqtt://127.0.0.1:1", "b", &spool{}))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		l := &listener{said: make(chan client.Message, 100)}
		go s.announce(ctx, l)
		synctest.Wait()
		l.up()
		synctest.Wait()
		if len(l.said) != 1 {
			t.Errorf("said %d times after the connection, want once", len(l.said))
		}
		time.Sleep(silence)
		synctest.Wait()
		if len(l.said) < 3 {
			t.Errorf("said %d times within %v: one that is not heard must not matter", len(l.said), silence)
		}
		cancel()
		synctest.Wait()
		close(l.said)
		for m := range l.said {
			p, err := topics.ParsePresence(m.Payload)
			if err != nil || p.State != topics.Online || p.Instance != "b-1" || !m.Retain || m.QoS != 1 || m.Topic != "muster/v1/bridges/b/status" {
				t.Errorf("said %+v, %v", m, err)
			}
		}
	})
}

// Reports come in when this bridge has the session or another of its name does.
func TestReached(t *testing.T) {
	s, err := New(options(t, "mqtt://127.0.0.1:1", "b", &spool{}))
	if err != nil {
		t.Fatal(err)
	}
	if s.Reached() {
		t.Error("it is said to be there before it is")
	}
	s.standby.Store(true)
	if !s.Reached() {
		t.Error("one that stands by is said to be cut off")
	}
}
