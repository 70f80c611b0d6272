package network

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"muster/broker/client"
)

// isType matches a packet type.
func isType(p *packets.ControlPacket, types ...byte) bool {
	return slices.Contains(types, p.Type)
}

func TestPublishWithoutAcknowledgementDoesNotHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &fakeBroker{on: func(_ *fakeConn, p *packets.ControlPacket) bool { return isType(p, packets.PUBLISH) }}
		c := b.dial(t, Options{})
		defer b.end(c)
		awaitUp(c)
		start := time.Now()
		err := c.Publish(context.Background(), qos1("x"))
		if !errors.Is(err, client.ErrNotConnected) {
			t.Errorf("publish: %v, want an error that wraps ErrNotConnected", err)
		}
		if took := time.Since(start); took != answerTimeout {
			t.Errorf("publish took %v, want %v", took, answerTimeout)
		}
		b.misbehave(nil)
		time.Sleep(time.Minute)
		if err := c.Publish(context.Background(), qos1("x")); err != nil {
			t.Errorf("publish on the next connection: %v", err)
		}
		if n := len(b.attempts()); n != 2 {
			t.Errorf("%d connections, want a second one after the silence", n)
		}
	})
}

func TestBrokerThatDoesNotAnswer(t *testing.T) {
	for name, silent := range map[string]byte{"CONNECT": packets.CONNECT, "SUBSCRIBE": packets.SUBSCRIBE} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &fakeBroker{on: func(conn *fakeConn, p *packets.ControlPacket) bool {
					return conn.number == 1 && isType(p, silent)
				}}
				c := b.dial(t, Options{})
				defer b.end(c)
				if err := c.Subscribe(client.Subscription{Filter: "a", Handler: func(client.Message) {}}); err != nil {
					t.Fatal(err)
				}
				start := time.Now()
				awaitUp(c)
				if took := time.Since(start); took < answerTimeout || took > answerTimeout+time.Second {
					t.Errorf("the second attempt was up after %v, want %v and up to a second", took, answerTimeout)
				}
			})
		})
	}
}

// A cable that is pulled at the far end: nothing fails, nothing arrives.
func TestDeadLinkIsNoticed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, text := logged()
		b := &fakeBroker{}
		c := b.dial(t, Options{KeepAlive: 20 * time.Second, Log: log})
		defer b.end(c)
		awaitUp(c)
		time.Sleep(time.Hour) // pings are answered
		if n := len(b.attempts()); n != 1 {
			t.Fatalf("a quiet connection was made %d times", n)
		}
		b.misbehave(func(conn *fakeConn, _ *packets.ControlPacket) bool { return conn.number == 1 })
		time.Sleep(41*time.Second + time.Second) // twice the keep-alive, and the longest first back-off
		if n := len(b.attempts()); n != 2 {
			t.Fatalf("%d attempts to connect after twice the keep-alive, want a second one", n)
		}
		if !strings.Contains(text(), errNoPong.Error()) {
			t.Errorf("the log does not say why:\n%s", text())
		}
	})
}

// The far end takes no more data.
func TestStuckWriteIsNoticed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		b := &fakeBroker{on: func(conn *fakeConn, p *packets.ControlPacket) bool {
			if conn.number == 1 && isType(p, packets.PUBLISH) {
				<-release
			}
			return false
		}}
		c := b.dial(t, Options{KeepAlive: time.Hour})
		defer b.end(c)
		awaitUp(c)
		start := time.Now()
		m := qos1("x")
		m.QoS = 0
		if err := c.Publish(context.Background(), m); err != nil {
			t.Errorf("publish of what is read: %v", err)
		}
		if err := c.Publish(context.Background(), m); !errors.Is(err, client.ErrNotConnected) {
			t.Errorf("publish of what is stuck: %v, want an error that wraps ErrNotConnected", err)
		}
		if took := time.Since(start); took != writeTimeout {
			t.Errorf("the stuck write was noticed after %v, want %v", took, writeTimeout)
		}
		close(release)
	})
}

func TestCloseIsSwiftOnADeadLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		b := &fakeBroker{on: func(_ *fakeConn, p *packets.ControlPacket) bool {
			if isType(p, packets.PUBLISH) {
				<-release
			}
			return false
		}}
		c := b.dial(t, Options{})
		awaitUp(c)
		m := qos1("x")
		m.QoS = 0
		if err := c.Publish(context.Background(), m); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took > goodbyeTimeout {
			t.Errorf("Close took %v, want at most %v", took, goodbyeTimeout)
		}
		close(release)
		b.wg.Wait()
	})
}

// A broker that is still writing when the client leaves must be able to, or it may take the connection for
// lost before it reads the goodbye. Nothing may follow that.
func TestBrokerHangsUpAfterTheGoodbye(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var late []byte
		saidGoodbye := false
		b := &fakeBroker{on: func(conn *fakeConn, p *packets.ControlPacket) bool {
			if saidGoodbye {
				late = append(late, p.Type)
			}
			if !isType(p, packets.DISCONNECT) {
				return false
			}
			saidGoodbye = true
			time.Sleep(time.Second)
			m := packets.Publish{Topic: "late", QoS: 1, PacketID: 1, Properties: &packets.Properties{}}
			if _, err := m.WriteTo(conn); err != nil {
				t.Errorf("write after the goodbye: %v", err)
			}
			_ = conn.SetReadDeadline(time.Now().Add(500 * time.Millisecond))
			if p, err := packets.ReadPacket(conn); err == nil {
				late = append(late, p.Type)
			}
			return true
		}}
		c := b.dial(t, Options{KeepAlive: time.Hour})
		if err := c.Subscribe(client.Subscription{Filter: "late", QoS: 1, Handler: ignore}); err != nil {
			t.Fatal(err)
		}
		awaitUp(c)
		start := time.Now()
		b.end(c)
		if took := time.Since(start); took != 1500*time.Millisecond {
			t.Errorf("Close took %v, want it to wait until the broker hung up", took)
		}
		if len(late) > 0 {
			t.Errorf("packets of types %v followed the goodbye", late)
		}
	})
}

func TestCloseEndsPublish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &fakeBroker{on: func(_ *fakeConn, p *packets.ControlPacket) bool { return isType(p, packets.PUBLISH) }}
		c := b.dial(t, Options{})
		result := make(chan error, 1)
		c.OnUp(func() { result <- c.Publish(context.Background(), qos1("x")) })
		synctest.Wait()
		start := time.Now()
		b.end(c)
		if err := <-result; !errors.Is(err, client.ErrClosed) {
			t.Errorf("publish while the client is closed: %v, want ErrClosed", err)
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("Close took %v", took)
		}
	})
}
