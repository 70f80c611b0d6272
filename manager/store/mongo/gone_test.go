package mongo

import (
	"context"
	"errors"
	"testing"
	"time"

	"muster/manager/store"
	"muster/test/rig"
	"muster/topics"
)

// TestCallerGone has the caller of a write give up while the server's answer is on its way. The write was made, and
// that is what the caller is told: who is told nothing leaves no trace of it in the audit trail.
func TestCallerGone(t *testing.T) {
	server := rig.FerretDB(t)
	proxy := freezable(t, server.Addr())
	behind := open(t, Options{URL: server.URL()})
	s := open(t, Options{URL: "mongodb://" + proxy.addr + "/nebula?maxPoolSize=1", Timeout: time.Minute})
	image := func() string {
		app, err := behind.Apps().Get(t.Context(), "a")
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			t.Fatal(err)
		}
		return app.DockerImage
	}
	for _, write := range []struct {
		what string
		call func(context.Context) error
		want string
	}{
		{"create", func(ctx context.Context) error { return s.Apps().Create(ctx, topics.NewApp("a", "i")) }, "i"},
		{"modify", func(ctx context.Context) error {
			_, err := s.Apps().Modify(ctx, "a", func(a *topics.App) error {
				a.DockerImage = "j"
				proxy.held.Lock() // from here on: what was read has come
				return nil
			})
			return err
		}, "j"},
		{"delete", func(ctx context.Context) error { return s.Apps().Delete(ctx, "a") }, ""},
	} {
		if write.what != "modify" {
			proxy.held.Lock()
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- write.call(ctx) }()
		until(t, write.what+" is made", func() bool { return image() == write.want })
		cancel()
		select {
		case err := <-done:
			proxy.held.Unlock()
			t.Fatalf("%s: %v, before the server has answered", write.what, err)
		case <-time.After(50 * time.Millisecond): // whoever gives up does so at once
		}
		proxy.held.Unlock()
		if err := <-done; err != nil {
			t.Errorf("%s: %v, but it was made", write.what, err)
		}
	}
}
