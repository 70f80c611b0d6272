package api

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"time"

	"golang.org/x/net/netutil"
)

// Limits of a connection. A request has a small body and a quick answer; whoever takes longer holds up
// nobody but themselves, and not for long.
const (
	readHeaderTimeout = 10 * time.Second
	readTimeout       = 30 * time.Second
	writeTimeout      = time.Minute // from the header's end, so above requestTimeout
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 32 << 10
	// maxConnections is how many a listener has at a time; more wait to be accepted. So whoever opens thousands leaves files
	// to devices and the store.
	maxConnections = 4096
	// shutdownTimeout is how long requests under way may take to finish when the server stops.
	shutdownTimeout = 5 * time.Second
)

// A Server serves HTTP on one address.
type Server struct {
	listener net.Listener
	http     *http.Server
}

// Listen takes the address, host:port; port 0 picks a free one. Nothing is answered before [Server.Run].
func Listen(addr string, handler http.Handler, log *slog.Logger) (*Server, error) {
	listener, err := net.Listen("tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("http: %s is taken by another program: stop that, or choose another address: %w", addr, err)
	}
	if err != nil {
		return nil, fmt.Errorf("http: %w", err)
	}
	return newServer(listener, handler, log), nil
}

func newServer(listener net.Listener, handler http.Handler, log *slog.Logger) *Server {
	return &Server{
		listener: &tellingListener{Listener: netutil.LimitListener(listener, maxConnections), log: log},
		http: &http.Server{
			Handler:           handler,
			ReadHeaderTimeout: readHeaderTimeout,
			ReadTimeout:       readTimeout,
			WriteTimeout:      writeTimeout,
			IdleTimeout:       idleTimeout,
			MaxHeaderBytes:    maxHeaderBytes,
			// "OPTIONS *" is a request like any other, and wants credentials.
			DisableGeneralOptionsHandler: true,
			ErrorLog:                     slog.NewLogLogger(log.Handler(), slog.LevelDebug), // clients that break off
		},
	}
}

// ListenTLS is [Listen] for HTTPS, with HTTP/2 for those who speak it. The config has the certificate.
func ListenTLS(addr string, handler http.Handler, config *tls.Config, log *slog.Logger) (*Server, error) {
	s, err := Listen(addr, handler, log)
	if err != nil {
		return nil, err
	}
	s.http.TLSConfig = config
	return s, nil
}

// Addr is the address that the server listens on, with the port that was picked.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Run serves until ctx ends, then takes no new requests and waits for those under way to finish. It
// returns nil after that, and an error when serving fails. It must be called once.
func (s *Server) Run(ctx context.Context) error {
	served := make(chan error, 1)
	go func() {
		if s.http.TLSConfig != nil {
			served <- s.http.ServeTLS(s.listener, "", "")
			return
		}
		served <- s.http.Serve(s.listener)
	}()
	select {
	case err := <-served:
		return fmt.Errorf("http: %w", err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	if err := s.http.Shutdown(grace); err != nil {
		_ = s.http.Close() // whoever is still busy is cut off
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("http: %w", err)
	}
	return nil
}
