package rig

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/docker/docker/client"
)

// A FaultyRegistry stands before a real one and can be made to fail. Its methods may be used by several
// goroutines.
type FaultyRegistry struct {
	// Addr is the host:port by which engines are to pull.
	Addr  string
	front atomic.Pointer[http.Handler]
	proxy http.Handler

	mu       sync.Mutex
	requests []string
}

// A Fault changes what a registry does with a request.
type Fault func(next http.Handler) http.Handler

// NewFaultyRegistry stands before the registry for as long as the test lasts. Images that the engine, the
// machine's own when it is nil, has pulled through it are removed at the end.
func NewFaultyRegistry(t testing.TB, registry *Registry, engine *client.Client) *FaultyRegistry {
	t.Helper()
	upstream := &url.URL{Scheme: "http", Host: registry.Addr}
	f := &FaultyRegistry{proxy: &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(upstream) },
	}}
	f.Set()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	f.Addr = strings.TrimPrefix(server.URL, "http://")
	if engine == nil {
		engine = Docker(t)
	}
	RemoveImages(t, engine, f.Addr)
	return f
}

// Set replaces the faults; without any the registry is as good as the one behind it. The first meets a request
// first.
func (f *FaultyRegistry) Set(faults ...Fault) {
	handler := f.proxy
	for i := range faults {
		handler = faults[len(faults)-1-i](handler)
	}
	f.front.Store(&handler)
}

// Ref is the reference by which an image that the real registry has is pulled through this one.
func (f *FaultyRegistry) Ref(name, tag string) string {
	return fmt.Sprintf("%s/%s:%s", f.Addr, name, tag)
}

// Requests counts the requests so far whose method, path and Range header, with a blank between them, contain
// part.
func (f *FaultyRegistry) Requests(part string) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.requests {
		if strings.Contains(r, part) {
			n++
		}
	}
	return n
}

// ServeHTTP implements [http.Handler].
func (f *FaultyRegistry) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.requests = append(f.requests, r.Method+" "+r.URL.Path+" "+r.Header.Get("Range"))
	f.mu.Unlock()
	(*f.front.Load()).ServeHTTP(w, r)
}
