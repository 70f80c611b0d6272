package broker

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"

	"muster/topics"
)

// goodbyeTime is how long a peer has to take a goodbye and to hang up.
const goodbyeTime = time.Second

// A conn is a network connection as mochi sees it, and all that the guard knows about the client at its
// other end. mochi closes it and sets its deadlines; the conn decides what that means, so that a goodbye
// can still be said, a peer that does not read is let go, and no write follows one that failed half-way.
type conn struct {
	net.Conn
	server   *Server
	loopback bool
	// done is closed when the client's place is free for another connection with the same id.
	done chan struct{}
	// replay is held while a wildcard subscription is sent its retained messages.
	replay sync.WaitGroup
	// complained is set once a refusal of this connection was logged.
	complained atomic.Bool

	// Set by the reading goroutine before the client is known to any other, and constant from then on.
	client    *mqtt.Client
	identity  topics.Subject
	version   byte
	keepAlive time.Duration

	// Only used by the reading goroutine.
	connected bool // the CONNECT was accepted
	will      *will
	subscribe subscribing

	mu      sync.Mutex
	closing bool         // no deadline may be put off any more
	goodbye packets.Code // what to tell the peer at the end
	next    *conn        // who took the place, nil when nobody did
	writing sync.Mutex   // held during a write
	broken  bool         // a write has failed; guarded by writing
}

// newConn takes over nc, which has the options' ConnectTimeout from now on to send its CONNECT.
func newConn(s *Server, nc net.Conn, loopback bool) *conn {
	_ = nc.SetDeadline(time.Now().Add(s.opts.ConnectTimeout))
	return &conn{Conn: nc, server: s, loopback: loopback, done: make(chan struct{})}
}

// SetDeadline is called by mochi before it waits for a packet. The time it asks for is not used: it counts
// in 16 bits, and ends a client with a keep-alive of 65,535 s after half of that.
func (c *conn) SetDeadline(time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return nil
	}
	var deadline time.Time
	if c.keepAlive > 0 {
		deadline = time.Now().Add(c.keepAlive + c.keepAlive/2) // MQTT 5.0 §3.1.2.10
	}
	return c.Conn.SetReadDeadline(deadline)
}

// Write gives the peer the options' WriteTimeout to take p. When it does not, the connection ends: mochi
// would carry on behind a packet of which half was sent.
func (c *conn) Write(p []byte) (int, error) {
	c.writing.Lock()
	defer c.writing.Unlock()
	if c.broken {
		return 0, net.ErrClosed
	}
	c.mu.Lock()
	if !c.closing {
		_ = c.Conn.SetWriteDeadline(time.Now().Add(c.server.opts.WriteTimeout))
	}
	c.mu.Unlock()
	n, err := c.Conn.Write(p)
	if err != nil {
		c.broken = true
		_ = c.Close()
	}
	return n, err
}

// Close is called by mochi in the middle of things. It makes the reader return; [conn.finish] closes the
// connection when that has happened and it is known why.
func (c *conn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closing {
		c.closing = true
		now := time.Now()
		_ = c.Conn.SetReadDeadline(now)
		_ = c.Conn.SetWriteDeadline(now.Add(goodbyeTime))
	}
	return nil
}

// isClosing reports whether the connection is at its end: a packet may have been on its way to the reader when that was decided.
func (c *conn) isClosing() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closing
}

// sayGoodbye notes the reason code to disconnect with, unless one is noted already.
func (c *conn) sayGoodbye(code packets.Code) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.goodbye.Code == 0 {
		c.goodbye = code
	}
}

// stop disconnects the client from outside of its own goroutine.
func (c *conn) stop(code packets.Code) {
	c.sayGoodbye(code)
	c.server.mu.Lock()
	cl := c.client
	c.server.mu.Unlock()
	if cl != nil {
		cl.Stop(code)
	}
	_ = c.Close()
}

// finish ends the connection after its reader has returned err. An MQTT 5 client that did not hang up
// itself is told why, and gets a moment to read that: closing a socket with unread input resets the
// connection, and the reason would be lost with it. took says whether the peer took the goodbye and hung up in good order, which one that is
// not there any more does not.
func (c *conn) finish(err error) (took bool) {
	_ = c.Close()
	c.writing.Lock()
	defer c.writing.Unlock()
	defer func() { _ = c.Conn.Close() }()
	c.mu.Lock()
	code := c.goodbye
	c.mu.Unlock()
	if code.Code == 0 {
		code = goodbyeFor(err)
	}
	if code.Code == 0 || c.broken {
		return false
	}
	_ = c.Conn.SetDeadline(time.Now().Add(goodbyeTime))
	if c.connected && c.version == 5 {
		if _, err := c.Conn.Write([]byte{packets.Disconnect << 4, 2, code.Code, 0}); err != nil {
			return false
		}
		took = true
	}
	half, ok := c.Conn.(interface{ CloseWrite() error })
	if !ok {
		return took
	}
	if took && code == packets.ErrSessionTakenOver && c.hangsUp(goodbyeTime/2) {
		return true
	}
	return half.CloseWrite() == nil && c.hangsUp(goodbyeTime)
}

// hangsUp reports whether the peer ends the connection in that time, and not the network for it.
func (c *conn) hangsUp(wait time.Duration) bool {
	_ = c.socket().SetReadDeadline(time.Now().Add(wait))
	_, err := io.Copy(io.Discard, io.LimitReader(c.socket(), 1<<20))
	return err == nil
}

// socket is the connection below TLS and WebSocket: nothing is decoded that will be thrown away.
func (c *conn) socket() net.Conn {
	switch nc := c.Conn.(type) {
	case *tls.Conn:
		return nc.NetConn()
	case *webSocketConn:
		return nc.socket
	}
	return c.Conn
}

// goodbyeFor is the reason code for the error with which reading from a client ended, the zero Code when
// the client went away by itself.
func goodbyeFor(err error) packets.Code {
	if err != nil && strings.HasPrefix(err.Error(), "invalid packet type") {
		return packets.ErrMalformedPacket // mochi has no code for type 0
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return packets.ErrKeepAliveTimeout
	}
	if code, ok := errors.AsType[packets.Code](err); ok && code.Code >= packets.ErrUnspecifiedError.Code {
		return code
	}
	return packets.Code{}
}

// tellNonsense logs that the connection has ended with err because of what the client sent, if it is so.
func (c *conn) tellNonsense(err error) {
	code := goodbyeFor(err)
	switch {
	case code.Code == 0 || code == packets.ErrKeepAliveTimeout:
	case c.connected:
		c.complain("to send such a packet", "reason", code.Reason)
	default:
		remote := c.RemoteAddr().String()
		host, _, _ := net.SplitHostPort(remote)
		c.server.logRefusal(host, code.Reason, "remote", remote)
	}
}
