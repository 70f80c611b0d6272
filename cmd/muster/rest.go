package main

import (
	"context"
	"net/http"
	"time"

	"muster/manager/api"
	"muster/manager/health"
)

// probes are the paths that need no credentials.
func probes(state *health.Health) map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{"/healthz": state.Alive, "/readyz": state.Ready}
}

// serveREST serves until ctx ends. Then it says that it is not ready, goes on for as long as a load balancer may take
// to notice, and lets the requests under way finish.
func serveREST(ctx context.Context, rest *api.Server, state *health.Health, drain time.Duration) error {
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	defer context.AfterFunc(ctx, func() {
		state.Drain()
		time.AfterFunc(drain, stop)
	})()
	return rest.Run(serving)
}
