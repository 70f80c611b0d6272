package docker_test

import (
	"context"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	"muster/test/rig"
	"muster/worker/docker"
)

func TestRemoveKillsWhatDoesNotEnd(t *testing.T) {
	b := newBench(t, rig.Hello{Version: "v1", Args: []string{"-ignore-term"}})
	engine := newEngine(t, b.api, docker.Options{Device: b.device, StopTimeout: 900 * time.Millisecond})
	spec := b.spec(nil)
	id, err := engine.Create(t.Context(), spec)
	b.must(err)
	b.must(engine.Start(t.Context(), id))
	b.get(spec, "/") // it runs, and hence ignores the signal
	start := time.Now()
	b.must(engine.Remove(t.Context(), id))
	if took := time.Since(start); took < time.Second || took > 8*time.Second {
		t.Errorf("took %v to end, want 1 s", took)
	}
	if list, err := engine.List(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("List = %+v, %v, want nothing", list, err)
	}
}

func TestRemoveIsPoliteFirst(t *testing.T) {
	b := newBench(t, rig.Hello{Version: "v1"})
	engine := newEngine(t, b.api, docker.Options{Device: b.device, StopTimeout: time.Hour})
	spec := b.spec(nil)
	id, err := engine.Create(t.Context(), spec)
	b.must(err)
	b.must(engine.Start(t.Context(), id))
	b.get(spec, "/")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	b.must(engine.Remove(ctx, id)) // within patience only if it ended by itself
}

func TestRemovePaused(t *testing.T) {
	b := newBench(t, rig.Hello{Version: "v1"})
	engine := newEngine(t, b.api, docker.Options{Device: b.device, StopTimeout: time.Second})
	id := b.run(b.spec(nil))
	b.must(b.api.ContainerPause(t.Context(), id))
	if state := b.state(); state != "paused" {
		t.Fatalf("the container is %s", state)
	}
	b.must(engine.Remove(t.Context(), id))
}

func TestRemoveByManyAtOnce(t *testing.T) {
	b := newBench(t, rig.Hello{Version: "v1"})
	id := b.run(b.spec(nil))
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() {
			if err := b.Remove(t.Context(), id); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	b.eventually("removal", func() error {
		list, err := b.List(t.Context())
		if len(list) > 0 {
			return errNotYet
		}
		return err
	})
}

// listen takes a port on all addresses, as another program does.
func listen(t *testing.T, port int) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", ":"+strconv.Itoa(port))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() }) // a second time at the most
	return listener
}

// testContext is for the end of a test, when the test's own context has ended.
func testContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}
