package docker_test

import (
	"context"
	"sync/atomic"
	"testing"

	"muster/test/rig"
	"muster/worker"
	"muster/worker/docker"
)

// A pull that is broken off is done by the next one, whatever broke it. How much of it has to be fetched again is in
// docs/decisions/images.md: this test measures it, in an engine of its own.
func TestPullAfterOneThatWasBrokenOff(t *testing.T) {
	const layers, size = 6, mib
	own := rig.OwnEngine(t, rig.EngineOptions{})
	registry := rig.NewRegistry(t)
	front := rig.NewFaultyRegistry(t, registry, own.Client)
	proxy, err := rig.Toxiproxy(t).NewProxy(t.Context(), front.Addr)
	if err != nil {
		t.Fatal(err)
	}
	// All images have one layer in common, which is not to count.
	common, err := docker.New(docker.Options{Device: rig.Name("device"), Host: own.Host})
	if err != nil {
		t.Fatal(err)
	}
	defer common.Close()
	if err := common.Pull(t.Context(), registry.Push(t, rig.Name("hello"), rig.Hello{Version: "v0"}), nil); err != nil {
		t.Fatal(err)
	}
	for _, broken := range []struct {
		name   string
		how    func(cancel func())
		repair func()
	}{
		{"the worker ends", func(cancel func()) { cancel() }, func() {}},
		{"the engine is stopped", func(func()) { own.Stop() }, own.Start},
		{"the engine is killed", func(func()) { own.Kill() }, own.Start},
		{"the power is cut", func(func()) { own.PowerCut() }, own.Start},
	} {
		t.Run(broken.name, func(t *testing.T) {
			name := rig.Name("hello")
			push(t, registry, name, rig.Hello{Version: "v1", Padding: size, Layers: layers})
			ref := proxy.Addr + "/" + name + ":v1"
			engine, err := docker.New(docker.Options{Device: rig.Name("device"), Host: own.Host})
			if err != nil {
				t.Fatal(err)
			}
			defer engine.Close()
			var sent atomic.Int64
			front.Set(rig.On("/blobs/", rig.Count(&sent)))
			slow := rig.Bandwidth(1500)
			if err := proxy.Add(t.Context(), slow); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			half := make(chan struct{})
			done := make(chan error, 1)
			go func() {
				told := false
				done <- engine.Pull(ctx, ref, func(p worker.PullProgress) {
					if !told && p.Done > layers*size*6/10 {
						close(half)
						told = true
					}
				})
			}()
			select {
			case <-half:
			case err := <-done:
				t.Fatalf("ended before it was half done: %v", err)
			}
			broken.how(cancel)
			if err := <-done; err == nil {
				t.Fatal("the pull was not broken off")
			} else {
				t.Log(err)
			}
			broken.repair()
			if err := proxy.Remove(t.Context(), slow); err != nil {
				t.Fatal(err)
			}
			first, requests, ranges := sent.Swap(0), front.Requests("/blobs/"), front.Requests("bytes=")
			if err := engine.Pull(t.Context(), ref, nil); err != nil {
				t.Fatal(err)
			}
			t.Logf("of %.1f MB %.1f were sent before and %.1f after, in %d requests, %d of them for the rest of a layer",
				float64(layers*size)/1e6, float64(first)/1e6, float64(sent.Load())/1e6, front.Requests("/blobs/")-requests, front.Requests("bytes=")-ranges)
			if id, err := engine.ImageID(t.Context(), ref); err != nil || id == "" {
				t.Errorf("ImageID = %q, %v", id, err)
			}
		})
	}
}
