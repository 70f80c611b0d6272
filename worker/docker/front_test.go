package docker_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"muster/test/rig"
)

// A front stands before the real engine, at a socket of its own, and can be taken down, or refuse what
// the engine would do.
type front struct {
	t      *testing.T
	socket string
	server *http.Server
	proxy  *httputil.ReverseProxy
	// refuse answers a request in the engine's place and then reports true; nil when nothing is refused.
	refuse atomic.Pointer[func(http.ResponseWriter, *http.Request) bool]
}

// newFront starts a front that lasts as long as the test.
func newFront(t *testing.T) *front {
	t.Helper()
	api := rig.Docker(t)
	// A socket's path may have about a hundred characters, and a test's own directory can have more.
	dir, err := os.MkdirTemp("", "front") //nolint:usetesting
	if err != nil {
		t.Fatal(err)
	}
	f := &front{t: t, socket: filepath.Join(dir, "docker.sock")}
	f.proxy = &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(&url.URL{Scheme: "http", Host: "docker"}) },
		FlushInterval: -1,
		Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return api.Dialer()(ctx)
		}},
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	f.up()
	t.Cleanup(func() {
		f.down()
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return f
}

// host is the engine's address behind the front.
func (f *front) host() string { return "unix://" + f.socket }

// down cuts all connections, and lets nobody in.
func (f *front) down() {
	f.t.Helper()
	if err := f.server.Close(); err != nil {
		f.t.Fatal(err)
	}
}

// up lets connections in.
func (f *front) up() {
	f.t.Helper()
	listener, err := net.Listen("unix", f.socket)
	if err != nil {
		f.t.Fatal(err)
	}
	f.server = &http.Server{Handler: f}
	go func(server *http.Server) {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			f.t.Errorf("front: %v", err)
		}
	}(f.server)
}

// cut breaks off the requests that match, as an engine does that dies. It asks match about one at a time: a client
// that cleans up may not wait for the request that failed it.
func (f *front) cut(match func(*http.Request) bool) {
	var one sync.Mutex
	refuse := func(_ http.ResponseWriter, r *http.Request) bool {
		one.Lock()
		defer one.Unlock()
		if match(r) {
			panic(http.ErrAbortHandler)
		}
		return false
	}
	f.refuse.Store(&refuse)
}

// ServeHTTP implements [http.Handler].
func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if refuse := f.refuse.Load(); refuse != nil && (*refuse)(w, r) {
		return
	}
	f.proxy.ServeHTTP(w, r)
}
