package network

import (
	"bufio"
	"bytes"
	"net"
	"sync"
	"time"

	"github.com/eclipse/paho.golang/packets"
)

const (
	// writeTimeout is how long the network may take to accept a packet.
	writeTimeout = 10 * time.Second
	// readBuffer makes one read of a small packet, of which the MQTT library reads byte after byte.
	readBuffer = 1 << 10
	// keptBuffer is the largest write buffer that is kept for the next packet.
	keptBuffer = 4 << 10
	// greetingSize is enough to tell what protocol the other side speaks.
	greetingSize = 4
)

// A packetConn makes one write of each packet, with a deadline, and tells of the first failure.
//
// The MQTT library writes a packet in several pieces between Lock and Unlock. Each would become a
// segment, a TLS record or a WebSocket message of its own.
type packetConn struct {
	net.Conn
	r    *bufio.Reader
	fail func(error)

	// writing holds a value while a packet is written. It is a mutex for which tests in a synctest bubble
	// can wait while time passes.
	writing chan struct{}
	out     []byte
	err     error // of the first write that failed, or errGoodbye

	reading  sync.Mutex
	greeting []byte // how the other side's first answer begins
}

func newPacketConn(conn net.Conn, fail func(error)) *packetConn {
	return &packetConn{
		Conn: conn, r: bufio.NewReaderSize(conn, readBuffer), fail: fail, writing: make(chan struct{}, 1),
	}
}

// Lock begins a packet.
func (c *packetConn) Lock() { c.writing <- struct{}{} }

// Write adds to the packet.
func (c *packetConn) Write(p []byte) (int, error) {
	if c.err != nil {
		return 0, c.err
	}
	c.out = append(c.out, p...)
	return len(p), nil
}

// Unlock sends the packet.
func (c *packetConn) Unlock() {
	defer func() { <-c.writing }()
	if len(c.out) == 0 || c.err != nil {
		return
	}
	c.send(c.out)
	c.out = c.out[:0]
	if cap(c.out) > keptBuffer {
		c.out = nil
	}
}

// sayGoodbye sends DISCONNECT, and nothing after it (MQTT 5.0 §3.14.4).
func (c *packetConn) sayGoodbye() {
	c.Lock()
	defer func() { <-c.writing }()
	if c.err == nil {
		var p bytes.Buffer
		_, _ = packets.NewControlPacket(packets.DISCONNECT).WriteTo(&p)
		c.send(p.Bytes())
	}
	if c.err == nil {
		c.err = errGoodbye
	}
}

func (c *packetConn) send(p []byte) {
	_ = c.SetWriteDeadline(time.Now().Add(writeTimeout))
	if _, err := c.Conn.Write(p); err != nil {
		c.err = err
		c.fail(err)
	}
}

func (c *packetConn) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.reading.Lock()
	if missing := greetingSize - len(c.greeting); missing > 0 {
		c.greeting = append(c.greeting, p[:min(n, missing)]...)
	}
	c.reading.Unlock()
	if err != nil {
		c.fail(err)
	}
	return n, err
}

// answerBegan is how the other side's first answer began: up to greetingSize bytes.
func (c *packetConn) answerBegan() string {
	c.reading.Lock()
	defer c.reading.Unlock()
	return string(c.greeting)
}

// Close ends the connection. The MQTT library calls it when it is through with it, for whatever reason.
func (c *packetConn) Close() error {
	c.fail(errAbandoned)
	return nil
}
