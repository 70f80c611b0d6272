package rig

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
)

// A ProxyServer is a running Toxiproxy: TCP proxies that can be taken down and that can spoil what goes
// through them. Its methods, and those of its proxies, may be used by several goroutines.
type ProxyServer struct {
	tool *tool

	mu       sync.Mutex
	releases []func()
}

// StartToxiproxy starts a Toxiproxy without any proxy. Stop ends it.
func StartToxiproxy(ctx context.Context) (*ProxyServer, error) {
	tool, err := startTool(ctx, commonTools, "toxiproxy")
	if err != nil {
		return nil, err
	}
	return &ProxyServer{tool: tool}, nil
}

// Toxiproxy starts a Toxiproxy that lasts as long as the test.
func Toxiproxy(t testing.TB) *ProxyServer {
	t.Helper()
	s, err := StartToxiproxy(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// Stop ends the server, its proxies and their connections.
func (s *ProxyServer) Stop() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.tool.stop()
	for _, release := range s.releases {
		release()
	}
	s.releases = nil
	return err
}

// A Proxy forwards connections from Addr to an upstream.
type Proxy struct {
	// Addr is the host:port on the loopback interface that it listens on.
	Addr   string
	server *ProxyServer
	name   string
}

// NewProxy starts to forward a free port to upstream, a host:port.
func (s *ProxyServer) NewProxy(ctx context.Context, upstream string) (*Proxy, error) {
	port, release, err := ReservePorts(1)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.releases = append(s.releases, release)
	s.mu.Unlock()
	p := &Proxy{Addr: fmt.Sprintf("127.0.0.1:%d", port), server: s, name: Name("proxy")}
	request := map[string]any{"name": p.name, "listen": p.Addr, "upstream": upstream, "enabled": true}
	if err := s.call(ctx, http.MethodPost, "/proxies", request); err != nil {
		return nil, err
	}
	return p, nil
}

// Disable cuts all connections and refuses new ones.
func (p *Proxy) Disable(ctx context.Context) error { return p.enable(ctx, false) }

// Enable listens again, at the same address.
func (p *Proxy) Enable(ctx context.Context) error { return p.enable(ctx, true) }

func (p *Proxy) enable(ctx context.Context, enabled bool) error {
	return p.server.call(ctx, http.MethodPost, "/proxies/"+p.name, map[string]bool{"enabled": enabled})
}

// A Toxic is one way to spoil connections: see [Latency], [Bandwidth] and [LimitData], and Toxiproxy's own
// documentation for others.
type Toxic struct {
	Type string `json:"type"`
	// Stream is "downstream" (from the upstream to the client) or "upstream".
	Stream     string         `json:"stream"`
	Attributes map[string]int `json:"attributes"`
}

// Latency delays what is sent to the client by that many milliseconds, give or take jitter.
func Latency(ms, jitter int) Toxic {
	return Toxic{Type: "latency", Stream: "downstream", Attributes: map[string]int{"latency": ms, "jitter": jitter}}
}

// Bandwidth limits what is sent to the client to that many kilobytes per second.
func Bandwidth(kbps int) Toxic {
	return Toxic{Type: "bandwidth", Stream: "downstream", Attributes: map[string]int{"rate": kbps}}
}

// LimitData closes each connection once that many bytes were sent to the client.
func LimitData(bytes int) Toxic {
	return Toxic{Type: "limit_data", Stream: "downstream", Attributes: map[string]int{"bytes": bytes}}
}

// Add spoils connections, those that are open included. Remove takes it away.
func (p *Proxy) Add(ctx context.Context, toxic Toxic) error {
	request := struct {
		Name string `json:"name"`
		Toxic
	}{toxic.Type, toxic}
	return p.server.call(ctx, http.MethodPost, "/proxies/"+p.name+"/toxics", request)
}

// Remove takes away what Add added.
func (p *Proxy) Remove(ctx context.Context, toxic Toxic) error {
	return p.server.call(ctx, http.MethodDelete, "/proxies/"+p.name+"/toxics/"+toxic.Type, nil)
}

// call sends one request to Toxiproxy's API.
func (s *ProxyServer) call(ctx context.Context, method, path string, request any) error {
	body, err := json.Marshal(request)
	if err != nil {
		return fmt.Errorf("toxiproxy: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, method, "http://"+s.tool.addr+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("toxiproxy: %w", err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return fmt.Errorf("toxiproxy: %w", err)
	}
	defer answer.Body.Close()
	said, err := io.ReadAll(answer.Body)
	if err != nil {
		return fmt.Errorf("toxiproxy: %s %s: %w", method, path, err)
	}
	if answer.StatusCode >= 300 {
		return fmt.Errorf("toxiproxy: %s %s: %s: %s", method, path, answer.Status, bytes.TrimSpace(said))
	}
	return nil
}
