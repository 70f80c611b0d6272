package clienttest

import (
	"io"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
)

// A Proxy is a network between a client and a broker that a test can break.
type Proxy struct {
	target   string
	listener net.Listener
	url      string

	// deaf, while true, swallows what the broker sends.
	deaf atomic.Bool

	mu    sync.Mutex
	conns []net.Conn

	wg sync.WaitGroup
}

// NewProxy starts a proxy in front of the broker. It ends with the test.
func NewProxy(t *testing.T, brokerURL string) *Proxy {
	t.Helper()
	u, err := url.Parse(brokerURL)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{target: u.Host, listener: listener}
	u.Host = listener.Addr().String()
	p.url = u.String()
	p.wg.Go(p.accept)
	t.Cleanup(func() {
		_ = listener.Close()
		p.Cut()
		p.wg.Wait()
	})
	return p
}

// URL is the broker's URL by way of the proxy.
func (p *Proxy) URL() string { return p.url }

// Cut ends all connections without a goodbye. New ones are welcome.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		_ = c.Close()
	}
	p.conns = nil
}

// Deafen makes everything that the broker sends from now on disappear, or ends that.
func (p *Proxy) Deafen(on bool) { p.deaf.Store(on) }

func (p *Proxy) accept() {
	for {
		in, err := p.listener.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", p.target)
		if err != nil {
			_ = in.Close()
			continue
		}
		p.mu.Lock()
		p.conns = append(p.conns, in, out)
		p.mu.Unlock()
		p.wg.Go(func() { p.copy(out, in, func() bool { return false }) })
		p.wg.Go(func() { p.copy(in, out, p.deaf.Load) })
	}
}

// copy forwards until either side ends, and then ends both.
func (p *Proxy) copy(to, from net.Conn, swallow func() bool) {
	defer to.Close()
	defer from.Close()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		var w io.Writer = to
		if swallow() {
			w = io.Discard
		}
		if _, err := w.Write(buf[:n]); err != nil {
			return
		}
	}
}
