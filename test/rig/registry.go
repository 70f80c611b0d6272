package rig

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/docker/docker/client"
)

// A Registry is an image registry on a loopback port, without TLS and credentials: engines take registries
// at 127.0.0.0/8 as they are. Its methods are for one goroutine at a time.
type Registry struct {
	// Addr is its host:port, the same after every Start.
	Addr    string
	dir     string
	tool    *tool // nil while stopped
	release func()
}

// StartRegistry starts a registry that listens on addr, a loopback host:port or "" for a free one, and
// keeps its images in dir. Close ends it.
func StartRegistry(ctx context.Context, addr, dir string) (*Registry, error) {
	r := &Registry{Addr: addr, dir: dir, release: func() {}}
	if addr == "" {
		port, release, err := ReservePorts(1)
		if err != nil {
			return nil, fmt.Errorf("start registry: %w", err)
		}
		r.Addr, r.release = fmt.Sprintf("127.0.0.1:%d", port), release
	}
	if err := r.Start(ctx); err != nil {
		r.release()
		return nil, err
	}
	return r, nil
}

// NewRegistry starts a registry that lasts as long as the test. Images that the machine's engine, if there
// is one, has pulled from it are removed at the end.
func NewRegistry(t testing.TB) *Registry {
	t.Helper()
	r, err := StartRegistry(t.Context(), "", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	cleanup(t, func(ctx context.Context) {
		engine, err := client.NewClientWithOpts(client.FromEnv, client.WithAPIVersionNegotiation())
		if err != nil {
			return
		}
		defer engine.Close()
		if _, err := engine.Ping(ctx); err == nil {
			removeImages(ctx, t, engine, r.Addr)
		}
	})
	return r
}

// Start starts the registry again after Stop, at the same address and with the images that it had.
func (r *Registry) Start(ctx context.Context) error {
	if r.tool != nil {
		return nil
	}
	if err := os.MkdirAll(r.dir, 0o755); err != nil {
		return fmt.Errorf("start registry: %w", err)
	}
	tool, err := startTool(ctx, commonTools, "registry", "-addr", r.Addr, "-dir", r.dir)
	if err != nil {
		return err
	}
	r.tool = tool
	return nil
}

// Stop ends the registry: connections to it are refused until Start. Stopping it again does nothing.
func (r *Registry) Stop() error {
	if r.tool == nil {
		return nil
	}
	defer func() { r.tool = nil }()
	return r.tool.stop()
}

// Close stops the registry for good.
func (r *Registry) Close() error {
	defer r.release()
	return r.Stop()
}
