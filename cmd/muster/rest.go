package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"muster/manager/api"
	"muster/manager/health"
)

// probes are the paths that need no credentials.
func probes(state *health.Health) map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{"/healthz": state.Alive, "/readyz": state.Ready}
}

// servers are those of the REST API; nil where there is none.
type servers struct{ plain, overTLS *api.Server }

func (s servers) addr(server *api.Server) string {
	if server == nil {
		return ""
	}
	return server.Addr().String()
}

func listenREST(f addressFlags, handler http.Handler, overTLS *tls.Config, log *slog.Logger) (s servers, err error) {
	if f.http != "" {
		if s.plain, err = api.Listen(f.http, handler, log); err != nil {
			return s, fmt.Errorf("http-addr: %w", err)
		}
		if !loopback(f.http) {
			log.Warn("http-addr is not a loopback address: credentials cross the network in the clear, unless something in front has TLS; see https-addr",
				"http_addr", f.http)
		}
	}
	if f.https != "" {
		if s.overTLS, err = api.ListenTLS(f.https, handler, overTLS, log); err != nil {
			return s, fmt.Errorf("https-addr: %w", err)
		}
	}
	return s, nil
}

// serveREST serves until ctx ends. Then it says that it is not ready, goes on for as long as a load balancer may take
// to notice, and lets the requests under way finish.
func serveREST(ctx context.Context, rest servers, state *health.Health, drain time.Duration) error {
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	defer context.AfterFunc(ctx, func() {
		state.Drain()
		time.AfterFunc(drain, stop)
	})()
	group, serving := errgroup.WithContext(serving)
	for _, server := range []*api.Server{rest.plain, rest.overTLS} {
		if server != nil {
			group.Go(func() error { return server.Run(serving) })
		}
	}
	return group.Wait()
}
