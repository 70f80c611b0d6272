package docker_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"muster/test/rig"
	"muster/worker"
	"muster/worker/docker"
)

var errNotYet = errors.New("not yet")

// await waits for a value.
func await(t *testing.T, events <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-events:
	case <-time.After(patience):
		t.Fatalf("no event within %v after %s", patience, what)
	}
}

// unwoken expects that nothing was sent. Containers that come and go in a call that fails would wake the
// worker, which would make the call again at once.
func unwoken(t *testing.T, events <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-events:
		t.Errorf("woken by %s", what)
	default:
	}
}

// drain takes a value that is waiting.
func drain(events <-chan struct{}) {
	select {
	case <-events:
	default:
	}
}

// settle waits until the only container is in the state, and takes what the engine says about that: its
// events come within moments, but do not say which is the last.
func (b *bench) settle(events <-chan struct{}, state string) {
	b.t.Helper()
	b.eventually(state+" container", func() error {
		if got := b.state(); got != state {
			return fmt.Errorf("it is %s", got)
		}
		return nil
	})
	for {
		select {
		case <-events:
		case <-time.After(200 * time.Millisecond):
			return
		}
	}
}

func TestEventsOfWhatHappensByItself(t *testing.T) {
	b := newBench(t, rig.Hello{Version: "v1"})
	id := b.run(b.spec(nil))
	events := b.Events(t.Context())
	b.settle(events, "running")

	b.must(b.api.ContainerPause(t.Context(), id))
	await(t, events, "a pause")
	b.settle(events, "paused")
	b.must(b.api.ContainerUnpause(t.Context(), id))
	await(t, events, "the end of a pause")
	b.settle(events, "running")
	b.must(b.api.ContainerKill(t.Context(), id, "KILL"))
	await(t, events, "the end of a container")
}

func TestEventsOfOthersDoNotWake(t *testing.T) {
	b := newBench(t, rig.Hello{Version: "v1"})
	events := b.Events(t.Context())
	await(t, events, "the beginning")
	other := newEngine(t, b.api, docker.Options{Device: rig.Name("device")})
	theirs := other.Events(t.Context())
	await(t, theirs, "the beginning")
	if _, err := other.Create(t.Context(), b.spec(nil)); err != nil {
		t.Fatal(err)
	}
	await(t, theirs, "a container of theirs")
	unwoken(t, events, "another device's container")
}

// An engine that goes away and comes back: calls say that it is down, and work again by themselves; and a
// value is sent, because nobody knows what happened meanwhile.
func TestEngineThatRestarts(t *testing.T) {
	b := newBench(t, rig.Hello{Version: "v1"})
	f := newFront(t)
	var log lockedBuffer
	engine := newEngine(t, b.api, docker.Options{
		Device: b.device, Host: f.host(), Log: slog.New(slog.NewTextHandler(&log, nil)),
	})
	events := engine.Events(t.Context())
	await(t, events, "the beginning")
	for range 2 {
		f.down()
		if _, err := engine.List(t.Context()); !errors.Is(err, worker.ErrEngineDown) {
			t.Errorf("List while down: %v, want an error that wraps %q", err, worker.ErrEngineDown)
		}
		b.eventually("log line about the loss", func() error { return log.contains("lost the container engine") })
		drain(events) // of what was said before
		if _, err := engine.List(t.Context()); err == nil {
			t.Error("List works while down")
		}
		unwoken(t, events, "an engine that is down")
		f.up()
		await(t, events, "the engine's return")
		if _, err := engine.List(t.Context()); err != nil {
			t.Errorf("List after the engine's return: %v", err)
		}
		b.eventually("log line about the return", func() error { return log.contains("answers again") })
		id, err := engine.Create(t.Context(), b.spec(nil))
		b.must(err)
		await(t, events, "a container made after the engine's return")
		b.must(engine.Remove(t.Context(), id))
		log.reset()
	}
}

func TestEventsBeginWhileTheEngineIsDown(t *testing.T) {
	f := newFront(t)
	var log lockedBuffer
	engine := newEngine(t, rig.Docker(t), docker.Options{
		Device: rig.Name("device"), Host: f.host(), Log: slog.New(slog.NewTextHandler(&log, nil)),
	})
	if _, err := engine.List(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.down()
	events := engine.Events(t.Context())
	eventually(t, "log line about the loss", func() error { return log.contains("lost the container engine") })
	unwoken(t, events, "an engine that is down")
	f.up()
	await(t, events, "the engine's return")
}

// A newer engine may refuse the version of the API that was agreed on with the older one.
func TestEngineThatIsReplacedByANewerOne(t *testing.T) {
	f := newFront(t)
	var api atomic.Value
	api.Store("1.40")
	f.proxy.ModifyResponse = func(r *http.Response) error {
		r.Header.Set("Api-Version", api.Load().(string))
		return nil
	}
	refuse := func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasPrefix(r.URL.Path, "/v") || strings.HasPrefix(r.URL.Path, "/v"+api.Load().(string)+"/") {
			return false
		}
		http.Error(w, `client version is too old. Minimum supported API version is `+api.Load().(string), http.StatusBadRequest)
		return true
	}
	f.refuse.Store(&refuse)
	engine := newEngine(t, rig.Docker(t), docker.Options{Device: rig.Name("device"), Host: f.host()})
	await(t, engine.Events(t.Context()), "the beginning")
	if _, err := engine.List(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.down()
	api.Store("1.41")
	f.up()
	eventually(t, "list from the newer engine", func() error {
		_, err := engine.List(t.Context())
		return err
	})
}

func TestCloseEndsTheEvents(t *testing.T) {
	engine, err := docker.New(docker.Options{Device: rig.Name("device")})
	if err != nil {
		t.Fatal(err)
	}
	await(t, engine.Events(context.Background()), "the beginning")
	closed := make(chan error, 1)
	go func() { closed <- engine.Close() }()
	select {
	case err := <-closed:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(patience):
		t.Error("Close does not return")
	}
}

// A lockedBuffer is a log that is read while it is written.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) contains(what string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !strings.Contains(b.text.String(), what) {
		return fmt.Errorf("the log says %q", b.text.String())
	}
	return nil
}

func (b *lockedBuffer) reset() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.text.Reset()
}
