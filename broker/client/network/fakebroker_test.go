package network

import (
	"context"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"muster/broker/client"
)

// A fakeBroker is a well-behaved broker at the other end of pipes, which a test makes misbehave. Pipes have
// no buffers, and time inside a synctest bubble does not pass by itself.
type fakeBroker struct {
	// greet answers a CONNECT; nil accepts it.
	greet func(*packets.Connack)

	mu sync.Mutex
	// on sees each packet first, and keeps it from the broker by returning true; see misbehave.
	on    func(*fakeConn, *packets.ControlPacket) bool
	conns []*fakeConn
	times []time.Time
	wg    sync.WaitGroup
}

// A fakeConn is one connection, on the broker's side.
type fakeConn struct {
	net.Conn
	// number counts the connections from 1.
	number int
	// writes counts what the client wrote.
	writes chan int
}

// open is how the client reaches the broker.
func (b *fakeBroker) open(context.Context) (net.Conn, error) {
	ours, theirs := net.Pipe()
	b.mu.Lock()
	conn := &fakeConn{Conn: ours, number: len(b.conns) + 1, writes: make(chan int, 1000)}
	b.conns = append(b.conns, conn)
	b.times = append(b.times, time.Now())
	b.mu.Unlock()
	b.wg.Go(func() { b.serve(conn) })
	return countingConn{theirs, conn.writes}, nil
}

type countingConn struct {
	net.Conn
	writes chan int
}

func (c countingConn) Write(p []byte) (int, error) {
	select {
	case c.writes <- len(p):
	default:
	}
	return c.Conn.Write(p)
}

func (b *fakeBroker) serve(conn *fakeConn) {
	defer conn.Close()
	for {
		p, err := packets.ReadPacket(conn)
		if err != nil {
			return
		}
		b.mu.Lock()
		on := b.on
		b.mu.Unlock()
		if on != nil && on(conn, p) {
			continue
		}
		switch c := p.Content.(type) {
		case *packets.Connect:
			answer := &packets.Connack{Properties: &packets.Properties{}}
			if b.greet != nil {
				b.greet(answer)
			}
			conn.send(answer)
		case *packets.Subscribe:
			conn.send(&packets.Suback{PacketID: c.PacketID, Properties: &packets.Properties{}, Reasons: make([]byte, len(c.Subscriptions))})
		case *packets.Publish:
			if c.QoS > 0 {
				conn.send(&packets.Puback{PacketID: c.PacketID, Properties: &packets.Properties{}})
			}
		case *packets.Pingreq:
			conn.send(&packets.Pingresp{})
		case *packets.Disconnect:
			return
		}
	}
}

func (c *fakeConn) send(p packets.Packet) { _, _ = p.WriteTo(c) }

// publish sends a message to the client.
func (c *fakeConn) publish(topic, payload string, qos byte) {
	c.send(&packets.Publish{Topic: topic, Payload: []byte(payload), QoS: qos, PacketID: uint16(qos), Properties: &packets.Properties{}})
}

// misbehave replaces on from now on.
func (b *fakeBroker) misbehave(on func(*fakeConn, *packets.ControlPacket) bool) {
	b.mu.Lock()
	b.on = on
	b.mu.Unlock()
}

// attempts are the times at which the client came.
func (b *fakeBroker) attempts() []time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]time.Time(nil), b.times...)
}

// latest is the newest connection.
func (b *fakeBroker) latest() *fakeConn {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.conns[len(b.conns)-1]
}

// dial makes a client of b. The test must Close it, which also waits for b.
func (b *fakeBroker) dial(t *testing.T, o Options) *Client {
	t.Helper()
	o.URL, o.ClientID = "mqtt://fake", "c"
	o, where, err := o.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	return start(o, where, b.open)
}

// end closes both.
func (b *fakeBroker) end(c *Client) {
	_ = c.Close()
	b.wg.Wait()
}

// awaitUp returns when c is connected and all its subscriptions are in place.
func awaitUp(c *Client) {
	done := make(chan struct{})
	var once sync.Once
	c.OnUp(func() { once.Do(func() { close(done) }) })
	<-done
}

// logged is a logger and what it has written.
func logged() (*slog.Logger, func() string) {
	var (
		mu  sync.Mutex
		out strings.Builder
	)
	w := writerFunc(func(p []byte) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		return out.Write(p)
	})
	return slog.New(slog.NewTextHandler(w, nil)), func() string {
		mu.Lock()
		defer mu.Unlock()
		return out.String()
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func qos1(payload string) client.Message {
	return client.Message{Topic: "muster/v1/summary", Payload: []byte(payload), QoS: 1}
}
