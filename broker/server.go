// Package broker is the embedded MQTT broker: mochi-mqtt behind a guard. The guard accepts connections, decides
// who may do what, keeps the retained messages, and closes every trap of mochi that is known to us; see
// docs/decisions/embedded-broker.md for the list.
//
// Messages go one way: a network client's reading goroutine hands a PUBLISH to mochi; the guard's hook allows
// it, keeps it if it is retained, and puts it into the queues of the subscribers in this process; mochi then
// acknowledges it and puts it into the queue of each subscriber on the network. Nobody ever waits for one of
// those; for those in the process see [Server.Client].
//
// Nothing survives a restart. There are no sessions either: a subscription ends with its connection. Whoever
// publishes retained messages compares and publishes again.
package broker

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"

	"muster/broker/client"
)

// A Server is a running broker. Its methods may be called from several goroutines.
type Server struct {
	opts     Options
	log      *slog.Logger
	mqtt     *mqtt.Server
	retained *retained

	tcp, tls, ws, wss net.Listener

	// turns are those of TLS handshakes.
	turns    chan struct{}
	rates    *rates
	refusals *refusals

	// done is closed when Close begins.
	done chan struct{}
	// wg counts the goroutines that Close waits for.
	wg sync.WaitGroup

	mu     sync.Mutex
	closed bool
	conns  map[*conn]struct{}
	owners map[string]*conn // by client id, those whose CONNECT was accepted
	// disconnects counts the calls of Disconnect.
	disconnects int64
	locals      map[*inProcess]struct{}
	// localSubscriptions is replaced as a whole, with mu held, and read without.
	localSubscriptions atomic.Pointer[[]*localSubscription]

	// See Stats.
	refused, dropped, droppedInProcess, panics atomic.Int64
}

// Listen starts a broker on all addresses of the options, or on none of them and returns the error. Without
// any address it serves this process only.
func Listen(o Options) (*Server, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Server{
		opts: o, log: o.Log, mqtt: newMochi(), retained: newRetained(o.MaxRetained),
		turns: newTurns(), rates: newRates(o.ConnectBurst, o.ConnectInterval), refusals: newRefusals(),
		done:   make(chan struct{}),
		conns:  map[*conn]struct{}{},
		owners: map[string]*conn{},
		locals: map[*inProcess]struct{}{},
	}
	s.localSubscriptions.Store(&[]*localSubscription{})
	if err := s.mqtt.AddHook(&guard{server: s}, nil); err != nil {
		return nil, fmt.Errorf("mqtt broker: %w", err)
	}
	if err := s.bind(); err != nil {
		_ = s.Close()
		return nil, err
	}
	s.serve()
	return s, nil
}

// TCPAddr is the address for plain MQTT, nil when there is none.
func (s *Server) TCPAddr() net.Addr { return addrOf(s.tcp) }

// TLSAddr is the address for MQTT over TLS, nil when there is none.
func (s *Server) TLSAddr() net.Addr { return addrOf(s.tls) }

// WebSocketAddr is the address for MQTT over WebSocket, nil when there is none.
func (s *Server) WebSocketAddr() net.Addr { return addrOf(s.ws) }

// WebSocketTLSAddr is the address for MQTT over WebSocket over TLS, nil when there is none.
func (s *Server) WebSocketTLSAddr() net.Addr { return addrOf(s.wss) }

func addrOf(l net.Listener) net.Addr {
	if l == nil {
		return nil
	}
	return l.Addr()
}

func (s *Server) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// errRetainedFull is for a message that cannot be retained because too many topics have one.
var errRetainedFull = errors.New("too many retained messages")

// publish publishes a PUBLISH that did not come in through a connection, in the name of an inline client. It
// returns when every subscriber has it in its queue.
func (s *Server) publish(from *mqtt.Client, pk packets.Packet) error {
	if err := s.report(&pk, false); err != nil {
		return err
	}
	if pk.FixedHeader.Retain && !s.retain(pk) {
		return errRetainedFull
	}
	s.deliverLocal(&pk)
	pk.PacketID = uint16(pk.FixedHeader.Qos) // mochi wants one with QoS 1, and does not use it
	return s.mqtt.InjectPacket(from, pk)
}

func (s *Server) retain(pk packets.Packet) bool { return s.retained.put(pk, time.Now()) }

// handle serves one connection from its accept to its end.
func (s *Server) handle(nc net.Conn, loopback bool) {
	c := newConn(s, nc, loopback)
	if !s.admit(c) {
		_ = nc.Close()
		return
	}
	defer s.forget(c)
	var err error
	if t, ok := nc.(*tls.Conn); ok {
		// Before mochi is involved, which allocates buffers and a goroutine at once. newConn has set the deadline.
		err = s.handshake(context.Background(), t)
	}
	if err == nil {
		err = s.establish(c)
		c.tellNonsense(err)
	}
	c.replay.Wait()
	s.protect("publish will", c.publishWill)
	s.release(c)
	close(c.done)
	took := c.finish(err)
	s.tellTakenOver(c, took)
	s.log.Debug("mqtt connection ended", "remote", nc.RemoteAddr().String(), "name", c.identity.Name, "error", err)
}

// establish hands the connection to mochi until it ends. A panic in there ends this connection only.
func (s *Server) establish(c *conn) (err error) {
	if s.protect("serve connection", func() { err = s.mqtt.EstablishConnection(mqtt.LocalListener, c) }) {
		err = packets.ErrMalformedPacket
	}
	if c.connected {
		// mochi has done this, but not after a panic, nor for a client that was gone before its CONNACK.
		c.client.Stop(err)
		s.mqtt.UnsubscribeClient(c.client)
		s.mqtt.Clients.Delete(c.client.ID)
	}
	return err
}

// protect runs f and reports whether it panicked. mochi's decoder does so on some malformed packets.
func (s *Server) protect(what string, f func()) (panicked bool) {
	defer func() {
		if r := recover(); r != nil {
			panicked = true
			s.panics.Add(1)
			s.log.Error("mqtt broker panicked", "in", what, "panic", r, "stack", string(debug.Stack()))
		}
	}()
	f()
	return false
}

// sweepInterval is how often expired retained messages are forgotten.
const sweepInterval = time.Minute

// sweep is all the housekeeping there is; nothing here looks at connections.
func (s *Server) sweep() {
	ticker := time.NewTicker(sweepInterval)
	defer ticker.Stop()
	var before Stats
	for {
		select {
		case <-s.done:
			return
		case now := <-ticker.C:
			s.retained.sweep(now)
			stats := s.Stats()
			if stats.Dropped > before.Dropped || stats.DroppedInProcess > before.DroppedInProcess {
				s.log.Warn("mqtt messages dropped", "slow_clients", stats.Dropped-before.Dropped,
					"in_process", stats.DroppedInProcess-before.DroppedInProcess)
			}
			before = stats
		}
	}
}

// Close ends the broker: no connection is accepted any more, each client is disconnected, one that speaks
// MQTT 5 with reason 0x8B (server shutting down), and the clients in the process lose their connection. It
// returns when all of that is done. Wills are not published. Later calls wait and return the same. It must
// not be called by a handler.
func (s *Server) Close() error {
	s.mu.Lock()
	first := !s.closed
	s.closed = true
	var conns []*conn
	for c := range s.conns {
		conns = append(conns, c)
	}
	var locals []*inProcess
	for p := range s.locals {
		locals = append(locals, p)
	}
	s.mu.Unlock()
	if first {
		close(s.done)
		s.unbind()
		for _, c := range conns {
			c.stop(packets.ErrServerShuttingDown)
		}
	}
	s.wg.Wait()
	for _, p := range locals {
		p.stop()
	}
	return nil
}

var _ client.Client = (*inProcess)(nil)
