package enginetest

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"muster/worker"
)

func testLife(t *testing.T, h Harness) {
	h.pulled(t)
	spec := h.spec("web", 2)
	spec.Ports = []worker.PortBinding{{Host: h.Port(), Container: 80}}
	spec.StopGraceSeconds = new(90)
	id := create(t, h.Engine, spec)

	got := list(t, h.Engine)
	if len(got) != 1 {
		t.Fatalf("List after Create = %+v, want one container", got)
	}
	want := worker.Container{ID: id, Name: spec.Name(), App: spec.App, Index: 2, AppID: spec.AppID, Spec: spec.Hash(), State: "created", Detail: got[0].Detail,
		Image: h.Forever, ImageID: got[0].ImageID, StopGrace: 90 * time.Second}
	if !reflect.DeepEqual(got[0], want) {
		t.Errorf("after Create the container is %+v, want %+v", got[0], want)
	}

	start(t, h.Engine, id)
	waitFor(t, h.Engine, "running")
	start(t, h.Engine, id) // one that runs is left alone
	waitFor(t, h.Engine, "running")
	if got := list(t, h.Engine)[0]; !slices.Equal(got.Ports, []int{spec.Ports[0].Host}) {
		t.Errorf("the running container has the ports %v, want %d", got.Ports, spec.Ports[0].Host)
	}
	if got := list(t, h.Engine)[0]; got.ID != id || got.Spec != spec.Hash() {
		t.Errorf("after Start the container is %+v, want id %s and spec %s", got, id, spec.Hash())
	}

	if err := h.Engine.Remove(t.Context(), id); err != nil {
		t.Fatalf("Remove: %v", err)
	}
	if got := list(t, h.Engine); len(got) != 0 {
		t.Errorf("List after Remove = %+v, want none", got)
	}
}

func testListOrder(t *testing.T, h Harness) {
	h.pulled(t)
	for _, spec := range []worker.Spec{h.spec("b", 0), h.spec("a", 10), h.spec("a", 9)} {
		create(t, h.Engine, spec)
	}
	var got []string
	for _, c := range list(t, h.Engine) {
		got = append(got, c.Name)
	}
	want := []string{h.Prefix + "a-10", h.Prefix + "a-11", h.Prefix + "b-1"}
	if len(got) != 3 || got[0] != want[0] || got[1] != want[1] || got[2] != want[2] {
		t.Errorf("List = %v, want %v", got, want)
	}
}

func testAgain(t *testing.T, h Harness) {
	h.pulled(t)
	id := create(t, h.Engine, h.spec("web", 0))
	start(t, h.Engine, id)
	waitFor(t, h.Again, "running")
	if got := list(t, h.Again)[0].ID; got != id {
		t.Errorf("the other engine shows container %s, want %s", got, id)
	}
	if err := h.Again.Remove(t.Context(), id); err != nil {
		t.Errorf("Remove by the other engine: %v", err)
	}
}

func testOther(t *testing.T, h Harness) {
	h.pulled(t)
	create(t, h.Engine, h.spec("web", 0))
	if got := list(t, h.Other); len(got) != 0 {
		t.Errorf("another device's engine shows %+v, want nothing", got)
	}
}

func testCreateWithoutImage(t *testing.T, h Harness) {
	spec := h.spec("web", 0)
	spec.Image = h.Missing
	refused(t, h, spec, worker.ErrNotExist)
}

func testCreateWithoutNetwork(t *testing.T, h Harness) {
	h.pulled(t)
	spec := h.spec("web", 0)
	spec.Networks = []string{"nebula", h.Prefix + "no-such-network"}
	refused(t, h, spec, worker.ErrNotExist)
}

// refused expects Create to fail with want and to leave nothing behind.
func refused(t *testing.T, h Harness, spec worker.Spec, want error) {
	t.Helper()
	if _, err := h.Engine.Create(t.Context(), spec); !errors.Is(err, want) {
		t.Errorf("Create: %v, want an error that wraps %q", err, want)
	}
	if got := list(t, h.Engine); len(got) != 0 {
		t.Errorf("a Create that failed left %+v", got)
	}
}

func testCreateTakenName(t *testing.T, h Harness) {
	h.pulled(t)
	spec := h.spec("web", 0)
	id := create(t, h.Engine, spec)
	spec.AppID++
	if _, err := h.Engine.Create(t.Context(), spec); !errors.Is(err, worker.ErrConflict) {
		t.Errorf("Create with a taken name: %v, want an error that wraps %q", err, worker.ErrConflict)
	}
	if got := list(t, h.Engine); len(got) != 1 || got[0].ID != id {
		t.Errorf("List = %+v, want the first container only", got)
	}
}

func testStartTakenPort(t *testing.T, h Harness) {
	h.pulled(t)
	ports := []worker.PortBinding{{Host: h.Port(), Container: 80}}
	first, second := h.spec("first", 0), h.spec("second", 0)
	first.Ports, second.Ports = ports, ports
	holder, waiter := create(t, h.Engine, first), create(t, h.Engine, second)
	start(t, h.Engine, holder)
	if err := h.Engine.Start(t.Context(), waiter); !errors.Is(err, worker.ErrConflict) {
		t.Errorf("Start with a taken port: %v, want an error that wraps %q", err, worker.ErrConflict)
	}
	if err := h.Engine.Remove(t.Context(), holder); err != nil {
		t.Fatalf("Remove: %v", err)
	}
	start(t, h.Engine, waiter)
	waitFor(t, h.Engine, "running")
}

func testStartNothing(t *testing.T, h Harness) {
	h.pulled(t)
	id := create(t, h.Engine, h.spec("web", 0))
	if err := h.Engine.Remove(t.Context(), id); err != nil {
		t.Fatalf("Remove: %v", err)
	}
	if err := h.Engine.Start(t.Context(), id); !errors.Is(err, worker.ErrNotExist) {
		t.Errorf("Start of a removed container: %v, want an error that wraps %q", err, worker.ErrNotExist)
	}
}

func testRemove(t *testing.T, h Harness) {
	h.pulled(t)
	created, running := create(t, h.Engine, h.spec("created", 0)), create(t, h.Engine, h.spec("running", 0))
	start(t, h.Engine, running)
	for _, id := range []string{created, running, running} { // the second time it does not exist any more
		if err := h.Engine.Remove(t.Context(), id); err != nil {
			t.Errorf("Remove: %v", err)
		}
	}
	if got := list(t, h.Engine); len(got) != 0 {
		t.Errorf("List after Remove = %+v, want none", got)
	}
}

func testNetworks(t *testing.T, h Harness) {
	h.pulled(t)
	for _, networks := range [][]string{nil, {"bridge"}, {"nebula"}, {"host"}, {"none"}} {
		spec := h.spec("web", 0)
		spec.Networks = networks
		id := create(t, h.Engine, spec)
		start(t, h.Engine, id)
		waitFor(t, h.Engine, "running")
		if err := h.Engine.Remove(t.Context(), id); err != nil {
			t.Fatalf("Remove with networks %v: %v", networks, err)
		}
	}
}

func testOnce(t *testing.T, h Harness) {
	h.pulled(t)
	spec := h.spec("once", 0)
	spec.Image = h.Once
	id := create(t, h.Engine, spec)
	start(t, h.Engine, id)
	waitFor(t, h.Engine, "restarting", "exited")
	if err := h.Engine.Remove(t.Context(), id); err != nil {
		t.Errorf("Remove: %v", err)
	}
}

func testEvents(t *testing.T, h Harness) {
	h.pulled(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	events := h.Engine.Events(ctx)
	if cap(events) != 1 {
		t.Errorf("the channel of events holds %d values, want 1", cap(events))
	}
	id := create(t, h.Engine, h.spec("web", 0))
	start(t, h.Engine, id)
	awaitEvent(t, events, "a start")
	waitFor(t, h.Engine, "running")
	select {
	case <-events: // a start may make several
	default:
	}
	if err := h.Engine.Remove(t.Context(), id); err != nil {
		t.Fatalf("Remove: %v", err)
	}
	awaitEvent(t, events, "a removal")
}

func awaitEvent(t *testing.T, events <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-events:
	case <-time.After(patience):
		t.Fatalf("no event within %v after %s", patience, what)
	}
}

func testEndedContext(t *testing.T, h Harness) {
	h.pulled(t)
	spec := h.spec("web", 0)
	id := create(t, h.Engine, spec)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, call := range map[string]func() error{
		"Facts":   func() error { _, err := h.Engine.Facts(ctx); return err },
		"List":    func() error { _, err := h.Engine.List(ctx); return err },
		"ImageID": func() error { _, err := h.Engine.ImageID(ctx, h.Forever); return err },
		"Pull":    func() error { return h.Engine.Pull(ctx, h.Forever, nil) },
		"Create":  func() error { _, err := h.Engine.Create(ctx, h.spec("other", 0)); return err },
		"Stage":   func() error { _, err := h.Engine.Stage(ctx, h.spec("other", 0)); return err },
		"Rename":  func() error { return h.Engine.Rename(ctx, id, h.Prefix+"other") },
		"Start":   func() error { return h.Engine.Start(ctx, id) },
		"Logs":    func() error { _, err := h.Engine.Logs(ctx, id, 100); return err },
		"Stats":   func() error { _, err := h.Engine.Stats(ctx, id); return err },
		"Remove":  func() error { return h.Engine.Remove(ctx, id) },
	} {
		if err := call(); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v, want an error that wraps %q", name, err, context.Canceled)
		}
	}
	if got := list(t, h.Engine); len(got) != 1 || got[0].ID != id || got[0].State != "created" {
		t.Errorf("List = %+v, want the one container, untouched", got)
	}
}
