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
	"muster/manager/certificate"
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

// loadCertificate reads the certificate of all TLS listeners; without one it gives nothing.
func loadCertificate(f serveFlags, log *slog.Logger) (*certificate.Certificate, *tls.Config, error) {
	if f.tlsCertFile == "" {
		return nil, nil, nil
	}
	served, err := certificate.Load(f.tlsCertFile, f.tlsKeyFile, log)
	if err != nil {
		return nil, nil, fmt.Errorf("tls-cert-file and tls-key-file: %w", err)
	}
	return served, served.TLS(), nil
}

func listenREST(f serveFlags, handler http.Handler, overTLS *tls.Config, log *slog.Logger) (s servers, err error) {
	if f.httpAddr != "" {
		if s.plain, err = api.Listen(f.httpAddr, handler, log); err != nil {
			return s, fmt.Errorf("http-addr: %w", err)
		}
		if !loopback(f.httpAddr) {
			log.Warn("http-addr is not a loopback address: credentials cross the network in the clear, unless something in front has TLS; see https-addr",
				"http_addr", f.httpAddr)
		}
	}
	if f.httpsAddr != "" {
		if s.overTLS, err = api.ListenTLS(f.httpsAddr, handler, overTLS, log); err != nil {
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
