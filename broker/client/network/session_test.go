package network

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eclipse/paho.golang/packets"
	"github.com/google/go-cmp/cmp"

	"muster/broker/client"
)

// heard is a session that keeps what it is told.
type heard struct {
	Session
	messages chan string
	acks     chan func()
	begun    chan bool
	over     chan bool
}

func listening() *heard {
	h := &heard{messages: make(chan string, 100), acks: make(chan func(), 100), begun: make(chan bool, 100), over: make(chan bool, 1)}
	h.Session = Session{
		Filter: "devices/+/report", Expiry: time.Hour, ReceiveMaximum: 100,
		Receive: func(m client.Message, acknowledge func()) {
			h.messages <- string(m.Payload)
			h.acks <- acknowledge
		},
		Begun: func(kept bool) { h.begun <- kept },
		Ended: func() { h.over <- true },
	}
	return h
}

// granting makes the broker grant each subscription that code, and returns what it gets, but for pings.
func (b *fakeBroker) granting(code byte) <-chan *packets.ControlPacket {
	seen := make(chan *packets.ControlPacket, 100)
	b.misbehave(func(conn *fakeConn, p *packets.ControlPacket) bool {
		if p.Type != packets.PINGREQ {
			seen <- p
		}
		s, ok := p.Content.(*packets.Subscribe)
		if ok {
			conn.send(&packets.Suback{PacketID: s.PacketID, Properties: &packets.Properties{}, Reasons: []byte{code}})
		}
		return ok
	})
	return seen
}

func TestSessionAsksForWhatLasts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, h := &fakeBroker{}, listening()
		h.Share = "bridges"
		seen := b.granting(1)
		c := b.dial(t, Options{Session: &h.Session})
		defer b.end(c)
		if <-h.begun {
			t.Error("a broker that had no session is said to have kept it")
		}
		connect := (<-seen).Content.(*packets.Connect)
		expiry, receive, size := uint32(3600), uint16(100), uint32(128<<10)
		want := packets.Properties{SessionExpiryInterval: &expiry, ReceiveMaximum: &receive, MaximumPacketSize: &size}
		if diff := cmp.Diff(&want, connect.Properties); diff != "" || connect.CleanStart {
			t.Errorf("CONNECT with clean start %v (-want +got):\n%s", connect.CleanStart, diff)
		}
		subscribe := (<-seen).Content.(*packets.Subscribe)
		wanted := []packets.SubOptions{{Topic: "$share/bridges/devices/+/report", QoS: 1, RetainHandling: 2}}
		if diff := cmp.Diff(wanted, subscribe.Subscriptions); diff != "" {
			t.Errorf("SUBSCRIBE (-want +got):\n%s", diff)
		}
		if err := c.Subscribe(client.Subscription{Filter: "x", Handler: ignore}); err == nil {
			t.Error("it takes a second subscription")
		}
	})
}

// A message is acknowledged when the caller says so, at once, and not after the connection's end.
func TestSessionAcknowledges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, h := &fakeBroker{}, listening()
		seen := b.granting(1)
		c := b.dial(t, Options{Session: &h.Session})
		defer b.end(c)
		<-h.begun
		<-seen
		<-seen
		publish := func(id uint16, payload string) {
			b.latest().send(&packets.Publish{Topic: "devices/d/report", Payload: []byte(payload), QoS: 1, PacketID: id, Properties: &packets.Properties{}})
		}
		publish(7, "a")
		publish(8, "b")
		synctest.Wait()
		if len(seen) != 0 || len(h.messages) != 2 {
			t.Fatalf("%d messages received, want 2; sent %v, want nothing", len(h.messages), <-seen)
		}
		before := time.Now()
		(<-h.acks)()
		if got := (<-seen).Content.(*packets.Puback); got.PacketID != 7 || time.Since(before) != 0 {
			t.Errorf("acknowledged %d after %v, want 7 at once", got.PacketID, time.Since(before))
		}
		_ = b.latest().Close()
		<-h.over
		(<-h.acks)() // the connection has ended
		synctest.Wait()
		if len(seen) != 0 {
			t.Errorf("sent %v after the end", <-seen)
		}
	})
}

func TestSessionIsResumed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, h := &fakeBroker{greet: func(answer *packets.Connack) { answer.SessionPresent = true }}, listening()
		b.granting(1)
		c := b.dial(t, Options{Session: &h.Session})
		defer b.end(c)
		if !<-h.begun {
			t.Error("the broker is not said to have kept the session")
		}
	})
}

// It may have been taken over by another client, which is not to be driven away at once.
func TestSessionThatEndedIsNotTakenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, h := &fakeBroker{}, listening()
		b.granting(1)
		c := b.dial(t, Options{Session: &h.Session, Backoff: Backoff{Min: time.Millisecond, Max: time.Millisecond}})
		<-h.begun
		_ = b.latest().Close()
		time.Sleep(time.Hour)
		b.end(c)
		if n := len(b.attempts()); n != 1 || len(h.over) != 1 {
			t.Errorf("%d connections, and %d times told of the end, want 1 and 1", n, len(h.over))
		}
	})
}

func TestBrokerUnableToKeepASession(t *testing.T) {
	none := uint32(0)
	for _, test := range []struct {
		name  string
		greet func(*packets.Connack)
		code  byte
		want  string
	}{
		{"no session", func(a *packets.Connack) { a.Properties.SessionExpiryInterval = &none }, 1, "the broker keeps no session while its client is away"},
		{"no shares", func(a *packets.Connack) { a.Properties.SharedSubAvailable = new(byte) }, 1, "the broker has no shared subscriptions"},
		{"QoS 0", nil, 0, "the broker gives subscribers QoS 0 only"},
		{"refused", nil, 0x87, "not authorized"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				log, text := logged()
				b, h := &fakeBroker{greet: test.greet}, listening()
				h.Share = "x"
				b.granting(test.code)
				c := b.dial(t, Options{Session: &h.Session, Log: log, Backoff: Backoff{Min: time.Second, Max: time.Second}})
				time.Sleep(10 * time.Second)
				b.end(c)
				if !strings.Contains(text(), test.want) || len(h.begun) > 0 {
					t.Errorf("begun %d times; the log does not say %q:\n%s", len(h.begun), test.want, text())
				}
				if n := len(b.attempts()); n < 2 || len(h.over) > 0 {
					t.Errorf("%d attempts, want more: the broker may be set right", n)
				}
			})
		})
	}
}

func TestSessionChecks(t *testing.T) {
	for want, change := range map[string]func(*Session){
		"share":           func(s *Session) { s.Share = "a/b" },
		"filter":          func(s *Session) { s.Filter = "a/#/b" },
		"expiry":          func(s *Session) { s.Expiry = time.Millisecond },
		"receive maximum": func(s *Session) { s.ReceiveMaximum = 0 },
	} {
		h := listening()
		change(&h.Session)
		_, err := Dial(Options{URL: "mqtt://127.0.0.1:1", ClientID: "c", Session: &h.Session})
		if err == nil || !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}
