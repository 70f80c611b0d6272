package broker

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"muster/test/logs"
)

// Peers that say nothing, or stop in the middle of a handshake, take no turn from those who go on.
func TestSilentHandshakesHoldUpNobody(t *testing.T) {
	pki := newPKI(t)
	s := listen(t, func(o *Options) { o.TLSAddr, o.WebSocketTLSAddr, o.TLS = "127.0.0.1:0", "127.0.0.1:0", pki.server })
	hello := clientHello(t)
	for range 50 {
		for _, addr := range []net.Addr{s.TLSAddr(), s.WebSocketTLSAddr()} {
			dialTCP(t, addr, 5)
			if _, err := dialTCP(t, addr, 5).Write(hello); err != nil {
				t.Fatal(err)
			}
		}
	}
	nc, err := tls.Dial("tcp", s.TLSAddr().String(), pki.client)
	if err != nil {
		t.Fatal(err)
	}
	newWire(t, nc, 5).mustConnect("d1", as("d1"))
	dialWebSocket(t, "wss://"+s.WebSocketTLSAddr().String(), pki.client, nil).mustConnect("d2", as("d2"))
	eventually(t, "all turns are free", func() bool { return len(s.turns) == 0 })
}

// clientHello is the first message of a handshake.
func clientHello(t *testing.T) []byte {
	here, there := net.Pipe()
	defer here.Close()
	defer there.Close()
	go func() { _ = tls.Client(here, &tls.Config{ServerName: "x", MinVersion: tls.VersionTLS12}).Handshake() }()
	hello := make([]byte, 4096)
	n, err := there.Read(hello)
	if err != nil {
		t.Fatal(err)
	}
	return hello[:n]
}

// No more handshakes than there are turns are worked on, and one that gets no turn ends in time.
func TestHandshakesTakeTurns(t *testing.T) {
	pki := newPKI(t)
	s := listen(t, func(o *Options) {
		o.TLSAddr, o.TLS, o.ConnectTimeout = "127.0.0.1:0", pki.server, 300*time.Millisecond
	})
	for range cap(s.turns) {
		s.turns <- struct{}{}
	}
	if _, err := tls.Dial("tcp", s.TLSAddr().String(), pki.client); err == nil {
		t.Fatal("a handshake was done without a turn")
	}
	for range cap(s.turns) {
		<-s.turns
	}
	nc, err := tls.Dial("tcp", s.TLSAddr().String(), pki.client)
	if err != nil {
		t.Fatal(err)
	}
	_ = nc.Close()
}

// A certificate that is not believed is logged once, with whose it claims to be and where it comes from.
func TestRefusedCertificate(t *testing.T) {
	var log logs.Buffer
	pki := newPKI(t)
	pki.server.ClientAuth = tls.RequestClientCert
	pki.server.VerifyConnection = func(tls.ConnectionState) error { return &CertificateError{errors.New(`"d1" is nobody`)} }
	s := listen(t, func(o *Options) {
		o.Log, o.TLSAddr, o.WebSocketTLSAddr, o.TLS = log.Logger(), "127.0.0.1:0", "127.0.0.1:0", pki.server
	})
	for i, addr := range []net.Addr{s.TLSAddr(), s.WebSocketTLSAddr()} {
		nc, err := tls.Dial("tcp", addr.String(), pki.client)
		if err == nil { // with TLS 1.3 a client hears of it when it reads
			if _, err = nc.Read(make([]byte, 1)); err == nil || errors.Is(err, io.EOF) {
				t.Errorf("read: %v, want an alert", err)
			}
			_ = nc.Close()
		}
		if !strings.Contains(err.Error(), "bad certificate") {
			t.Errorf("the client is told %v, want that its certificate is bad", err)
		}
		eventually(t, "it is logged", func() bool { return strings.Count(log.String(), "is nobody") > i })
		if got := s.Stats().Refused; got != int64(i)+1 {
			t.Errorf("%d are refused, want %d", got, i+1)
		}
	}
	for line := range strings.Lines(log.String()) {
		if strings.Contains(line, "is nobody") && (!strings.Contains(line, "remote=127.0.0.1:") || !strings.Contains(line, "level=WARN")) {
			t.Errorf("logged %q", line)
		}
	}
}
