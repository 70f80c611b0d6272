package broker

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"syscall"
	"time"
)

// bind opens all listeners of the options.
func (s *Server) bind() error {
	for _, l := range []struct {
		to    *net.Listener
		addr  string
		what  string
		field string
	}{
		{&s.tcp, s.opts.TCPAddr, "MQTT", "TCPAddr"},
		{&s.tls, s.opts.TLSAddr, "MQTT over TLS", "TLSAddr"},
		{&s.ws, s.opts.WebSocketAddr, "MQTT over WebSocket", "WebSocketAddr"},
		{&s.wss, s.opts.WebSocketTLSAddr, "MQTT over WebSocket over TLS", "WebSocketTLSAddr"},
	} {
		if l.addr == "" {
			continue
		}
		// MQTT has its own keep-alive. TCP's is for MQTT 3.1.1 clients that want none, and every 15 s, Go's
		// value, would be 6,000 packets a second to 100,000 idle devices.
		config := net.ListenConfig{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 5 * time.Minute, Interval: 30 * time.Second, Count: 4}}
		listener, err := config.Listen(context.Background(), "tcp", l.addr)
		if err != nil {
			return &ListenError{Field: l.field, Err: listenError(l.what, l.addr, err)}
		}
		*l.to = &patientListener{Listener: listener, done: s.done, log: s.log}
	}
	return nil
}

// A ListenError is one of an address that cannot be listened on.
type ListenError struct {
	// Field is that of [Options] with the address, TCPAddr for example.
	Field string
	Err   error
}

func (e *ListenError) Error() string { return e.Err.Error() }

// Unwrap gives the error itself.
func (e *ListenError) Unwrap() error { return e.Err }

func listenError(what, addr string, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("cannot listen on %s for %s: another program uses that address: %w", addr, what, err)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("cannot listen on %s for %s: ports below 1024 need privileges: %w", addr, what, err)
	}
	return fmt.Errorf("cannot listen on %s for %s: %w", addr, what, err)
}

// serve starts the goroutines of the server: one for each listener, and the housekeeping.
func (s *Server) serve() {
	s.wg.Go(s.sweep)
	if s.tcp != nil {
		s.wg.Go(func() { s.accept(s.tcp, nil) })
	}
	if s.tls != nil {
		config := s.opts.TLS.Clone()
		config.NextProtos = append(config.NextProtos, "mqtt")
		s.wg.Go(func() { s.accept(s.tls, config) })
	}
	if s.ws != nil {
		s.wg.Go(func() { s.serveWebSocket(s.ws, nil) })
	}
	if s.wss != nil {
		config := s.opts.TLS.Clone()
		config.NextProtos = append(config.NextProtos, "http/1.1")
		s.wg.Go(func() { s.serveWebSocket(s.wss, config) })
	}
}

// accept serves the connections of a listener until that is closed.
func (s *Server) accept(l net.Listener, config *tls.Config) {
	bound := isLoopback(l.Addr())
	for {
		nc, err := l.Accept()
		if err != nil {
			return
		}
		loopback := bound && isLoopback(nc.RemoteAddr())
		if config != nil {
			nc = s.secure(nc, config)
		}
		go s.handle(nc, loopback)
	}
}

func isLoopback(a net.Addr) bool {
	t, ok := a.(*net.TCPAddr)
	return ok && t.IP.IsLoopback()
}

// unbind closes the listeners.
func (s *Server) unbind() {
	for _, l := range []net.Listener{s.tcp, s.tls, s.ws, s.wss} {
		if l != nil {
			_ = l.Close()
		}
	}
}

// A patientListener does not give up: the process may be out of file descriptors for a moment, which is when
// devices reconnect all at once. Accept fails only when the listener is closed.
type patientListener struct {
	net.Listener
	done <-chan struct{}
	log  *slog.Logger
}

// Pauses after an accept that failed.
const (
	firstAcceptPause = 5 * time.Millisecond
	lastAcceptPause  = time.Second
)

// Accept waits for the next connection.
func (l *patientListener) Accept() (net.Conn, error) {
	pause := time.Duration(0)
	for failures := 0; ; failures++ {
		nc, err := l.Listener.Accept()
		if err == nil {
			return nc, nil
		}
		if errors.Is(err, net.ErrClosed) {
			return nil, err
		}
		if failures%60 == 0 { // once a minute when it lasts
			l.log.Error("cannot accept mqtt connections, trying again", "address", l.Addr().String(), "error", err)
		}
		pause = min(max(2*pause, firstAcceptPause), lastAcceptPause)
		select {
		case <-time.After(pause):
		case <-l.done:
			return nil, net.ErrClosed
		}
	}
}
