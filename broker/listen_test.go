package broker

import (
	"errors"
	"net"
	"strings"
	"testing"

	"muster/topics"
)

func TestListenOnTakenPort(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	first := freeAddr(t)
	_, err = Listen(Options{Root: topics.DefaultRoot, Authenticate: authenticate, TCPAddr: first, WebSocketAddr: taken.Addr().String()})
	if err == nil {
		t.Fatal("no error")
	}
	for _, part := range []string{taken.Addr().String(), "another program", "WebSocket"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error %q does not say %q", err, part)
		}
	}
	if at, ok := errors.AsType[*ListenError](err); !ok || at.Field != "WebSocketAddr" {
		t.Errorf("the error is of %v", at)
	}
	// All or none: the other address is free again.
	l, err := net.Listen("tcp", first)
	if err != nil {
		t.Fatalf("the first listener stayed open: %v", err)
	}
	_ = l.Close()
}

// freeAddr is an address that was free a moment ago.
func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestListenOptions(t *testing.T) {
	for name, o := range map[string]Options{
		"no root":                             {Authenticate: authenticate},
		"invalid root":                        {Root: "a/+", Authenticate: authenticate},
		"no Authenticate":                     {Root: topics.DefaultRoot},
		"TLS without a certificate":           {Root: topics.DefaultRoot, Authenticate: authenticate, TLSAddr: "127.0.0.1:0"},
		"WebSocket TLS without a certificate": {Root: topics.DefaultRoot, Authenticate: authenticate, WebSocketTLSAddr: "127.0.0.1:0"},
		"an address that is none":             {Root: topics.DefaultRoot, Authenticate: authenticate, TCPAddr: "127.0.0.1"},
		"an address of another machine's":     {Root: topics.DefaultRoot, Authenticate: authenticate, TCPAddr: "192.0.2.1:0"},
	} {
		t.Run(name, func(t *testing.T) {
			if s, err := Listen(o); err == nil {
				_ = s.Close()
				t.Error("no error")
			}
		})
	}
}

func TestAddresses(t *testing.T) {
	s := listen(t, nil)
	for name, addr := range map[string]net.Addr{
		"TCPAddr": s.TCPAddr(), "TLSAddr": s.TLSAddr(), "WebSocketAddr": s.WebSocketAddr(), "WebSocketTLSAddr": s.WebSocketTLSAddr(),
	} {
		if addr != nil {
			t.Errorf("%s of a server without one is %v", name, addr)
		}
	}
	s = listen(t, func(o *Options) { o.TCPAddr, o.WebSocketAddr = "127.0.0.1:0", "127.0.0.1:0" })
	for name, addr := range map[string]net.Addr{"TCPAddr": s.TCPAddr(), "WebSocketAddr": s.WebSocketAddr()} {
		if tcp, ok := addr.(*net.TCPAddr); !ok || tcp.Port == 0 {
			t.Errorf("%s with port 0 is %v", name, addr)
		}
	}
}
