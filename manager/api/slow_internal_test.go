package api

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a listener of connections within the process, whose time is that of a test's bubble.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	close(p.closed)
	return nil
}

func (*pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	p.conns <- server
	return client, nil
}

// inside runs a server within a bubble, over TLS if there is a config for that.
func inside(t *testing.T, h http.Handler, config *tls.Config, test func(*testing.T, *pipes)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p := &pipes{make(chan net.Conn), make(chan struct{})}
		s := newServer(p, h, slog.New(slog.DiscardHandler))
		s.http.TLSConfig = config
		ctx, stop := context.WithCancel(t.Context())
		ran := make(chan error, 1)
		go func() { ran <- s.Run(ctx) }()
		test(t, p)
		stop()
		if err := <-ran; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

// drip sends a text, then one byte of more every few seconds, and says when the server has had enough.
func drip(t *testing.T, p *pipes, text, more string) time.Duration {
	t.Helper()
	began := time.Now()
	conn, err := p.dial(t.Context(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		_, _ = io.Copy(io.Discard, conn)
	}()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	for {
		select {
		case <-closed:
			return time.Since(began)
		case <-time.After(3 * time.Second):
			if time.Since(began) > time.Hour {
				return time.Since(began)
			}
			if more != "" {
				_, _ = io.WriteString(conn, more)
			}
		}
	}
}

// reading is a handler that reads the body and answers a lot.
var reading = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return
	}
	_, _ = io.WriteString(w, strings.Repeat("x", 1<<20))
})

// Whoever is slow holds a connection for as long as a request may take, and no longer, however little they send.
func TestSlowClients(t *testing.T) {
	const post = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n"
	for name, tc := range map[string]struct {
		text, more string
		want       time.Duration
	}{
		"silent":                 {"", "", readHeaderTimeout},
		"a header bit by bit":    {"GET / HTTP/1.1\r\nHost: x\r\n", "X: y\r\n", readHeaderTimeout},
		"empty lines":            {"", "\r\n", readHeaderTimeout},
		"a body bit by bit":      {post, "x", readTimeout},
		"no body":                {post, "", readTimeout},
		"idle after its request": {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "", idleTimeout},
	} {
		inside(t, reading, nil, func(t *testing.T, p *pipes) {
			if took := drip(t, p, tc.text, tc.more); took > tc.want+5*time.Second {
				t.Errorf("%s: closed after %v, want %v", name, took, tc.want)
			}
		})
	}
}

// Whoever does not read the answer holds nothing either.
func TestClientThatDoesNotRead(t *testing.T) {
	var done chan time.Duration // of the bubble
	inside(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		reading(w, r)
		done <- time.Since(began)
	}), nil, func(t *testing.T, p *pipes) {
		done = make(chan time.Duration, 1)
		conn, err := p.dial(t.Context(), "", "")
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if took := <-done; took > writeTimeout+time.Second {
			t.Errorf("the handler was held up for %v", took)
		}
	})
}

// Over TLS it is the same: before, in and after the handshake, and with HTTP/2.
func TestSlowClientsOverTLS(t *testing.T) {
	// Its certificate is good at all times, those of the bubble too.
	some := httptest.NewTLSServer(nil)
	config, roots := &tls.Config{Certificates: some.TLS.Certificates}, x509.NewCertPool()
	roots.AddCert(some.Certificate())
	some.Close()
	inside(t, reading, config, func(t *testing.T, p *pipes) {
		for name, text := range map[string]string{"silent": "", "the start of a record": "\x16\x03\x01\x02\x00\x01"} {
			if took := drip(t, p, text, ""); took > readHeaderTimeout+5*time.Second {
				t.Errorf("%s: closed after %v", name, took)
			}
		}
		began := time.Now()
		transport := &http.Transport{DialContext: p.dial, TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "example.com"}, ForceAttemptHTTP2: true}
		defer transport.CloseIdleConnections()
		body, never := io.Pipe()
		defer never.Close()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://x/", body)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := transport.RoundTrip(r)
		if err == nil {
			_, err = io.Copy(io.Discard, answer.Body)
			answer.Body.Close()
		}
		if took := time.Since(began); errors.Is(err, context.Canceled) || took > readTimeout+5*time.Second {
			t.Errorf("a body that never comes, over HTTP/2: %v after %v", err, took)
		}
	})
}
