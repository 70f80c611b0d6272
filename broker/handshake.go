package broker

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"os"
	"runtime"
	"time"
)

// A CertificateError is what VerifyConnection of the options' TLS returns for a client's certificate that is not believed: such a
// refusal is logged with the remote address, as one of a CONNECT is. Other handshakes that fail are noise of a network.
type CertificateError struct {
	// Err says whose certificate it claims to be, and why it is not.
	Err error
}

func (e *CertificateError) Error() string { return "client certificate: " + e.Err.Error() }

// Unwrap is Err.
func (e *CertificateError) Unwrap() error { return e.Err }

// newTurns is how many handshakes may use a processor at a time: half of those there are, so that whoever is connected already
// does not wait behind all who want to be.
func newTurns() chan struct{} { return make(chan struct{}, (runtime.GOMAXPROCS(0)+1)/2) }

// A pacedConn is the socket below a TLS handshake. Its holder has a turn from when it has read something until it waits for the peer
// again: a peer that says nothing holds up nobody.
type pacedConn struct {
	net.Conn
	turns chan struct{}
	// until is when the handshake must be over.
	until time.Time
	// Only used by the goroutine of the handshake, and by the one that reads afterwards.
	over, held bool
}

// Read waits for the peer, and then for a turn.
func (c *pacedConn) Read(p []byte) (int, error) {
	if c.over {
		return c.Conn.Read(p)
	}
	c.yield()
	n, err := c.Conn.Read(p)
	if err != nil {
		return n, err
	}
	late := time.NewTimer(time.Until(c.until))
	defer late.Stop()
	select {
	case c.turns <- struct{}{}:
		c.held = true
		return n, nil
	case <-late.C:
		return 0, os.ErrDeadlineExceeded
	}
}

// yield gives the turn to the next.
func (c *pacedConn) yield() {
	if c.held {
		c.held = false
		<-c.turns
	}
}

// secure prepares TLS on top of a connection that was just accepted.
func (s *Server) secure(nc net.Conn, config *tls.Config) *tls.Conn {
	return tls.Server(&pacedConn{Conn: nc, turns: s.turns, until: time.Now().Add(s.opts.ConnectTimeout)}, config)
}

// handshake does the TLS handshake of a connection that secure has made.
func (s *Server) handshake(ctx context.Context, t *tls.Conn) error {
	err := t.HandshakeContext(ctx)
	if paced, ok := t.NetConn().(*pacedConn); ok {
		paced.yield()
		paced.over = true
	}
	if refused, ok := errors.AsType[*CertificateError](err); ok {
		remote := t.RemoteAddr().String()
		s.logRefusal(remote, refused.Error(), "remote", remote)
	}
	return err
}

// A securedListener accepts the connections of another, after their TLS handshakes.
type securedListener struct {
	net.Listener
	ready chan *tls.Conn
	// failed is closed when the other accepts no more.
	failed chan struct{}
}

// secureListener does the TLS handshakes of what l accepts, until that is closed.
func (s *Server) secureListener(l net.Listener, config *tls.Config) net.Listener {
	secured := &securedListener{l, make(chan *tls.Conn), make(chan struct{})}
	s.wg.Go(func() {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel() // ends the handshakes under way
		defer close(secured.failed)
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			s.wg.Go(func() { s.offer(ctx, secured, nc, config) })
		}
	})
	return secured
}

// offer hands over a connection after its handshake.
func (s *Server) offer(ctx context.Context, to *securedListener, nc net.Conn, config *tls.Config) {
	t := s.secure(nc, config)
	_ = t.SetDeadline(time.Now().Add(s.opts.ConnectTimeout))
	if s.handshake(ctx, t) == nil {
		select {
		case to.ready <- t:
			return
		case <-to.failed:
		}
	}
	_ = nc.Close()
}

// Accept waits for the next connection whose handshake is over.
func (l *securedListener) Accept() (net.Conn, error) {
	select {
	case t := <-l.ready:
		return t, nil
	case <-l.failed:
		return nil, net.ErrClosed
	}
}
