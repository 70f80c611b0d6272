package enginetest

import (
	"errors"
	"testing"

	"muster/worker"
)

// testStage has a container take the place of another one that publishes the same port.
func testStage(t *testing.T, h Harness) {
	h.pulled(t)
	spec := h.spec("web", 0)
	spec.Ports = []worker.PortBinding{{Host: h.Port(), Container: 80}}
	before := create(t, h.Engine, spec)
	start(t, h.Engine, before)
	waitFor(t, h.Engine, "running")
	spec.AppID++
	next, err := h.Engine.Stage(t.Context(), spec)
	if err != nil {
		t.Fatalf("Stage: %v", err)
	}
	found := map[string]worker.Container{}
	for _, c := range list(t, h.Engine) {
		found[c.ID] = c
	}
	if c := found[next]; len(found) != 2 || c.Name != spec.Staged() || c.State != "created" || c.Spec != spec.Hash() || c.Index != spec.Index {
		t.Errorf("after Stage there are %+v, want %s, made from the spec, beside the one before", found, spec.Staged())
	}
	if c := found[before]; c.Name != spec.Name() || c.State != "running" {
		t.Errorf("the one before is %+v, want it as it was", c)
	}
	if err := h.Engine.Rename(t.Context(), next, spec.Name()); !errors.Is(err, worker.ErrConflict) {
		t.Errorf("Rename to a name that is taken: %v, want an error that wraps %q", err, worker.ErrConflict)
	}
	if err := h.Engine.Remove(t.Context(), before); err != nil {
		t.Fatalf("Remove: %v", err)
	}
	if err := h.Engine.Rename(t.Context(), next, spec.Name()); err != nil {
		t.Fatalf("Rename: %v", err)
	}
	start(t, h.Engine, next)
	waitFor(t, h.Engine, "running")
	if c := list(t, h.Engine)[0]; c.ID != next || c.Name != spec.Name() {
		t.Errorf("at the end there is %+v, want the new one under the name %s", c, spec.Name())
	}
}

// testStageTakenName expects that a name which will not become free is found out before anything is removed for it.
func testStageTakenName(t *testing.T, h Harness) {
	h.pulled(t)
	spec := h.spec("web", 0)
	create(t, h.Other, spec)
	if _, err := h.Engine.Stage(t.Context(), spec); !errors.Is(err, worker.ErrConflict) {
		t.Errorf("Stage for a name that another device has: %v, want an error that wraps %q", err, worker.ErrConflict)
	}
	spec = h.spec("api", 0)
	if _, err := h.Engine.Stage(t.Context(), spec); err != nil {
		t.Fatalf("Stage: %v", err)
	}
	if _, err := h.Engine.Stage(t.Context(), spec); !errors.Is(err, worker.ErrConflict) {
		t.Errorf("Stage of what is staged: %v, want an error that wraps %q", err, worker.ErrConflict)
	}
	if got := list(t, h.Engine); len(got) != 1 {
		t.Errorf("List = %+v, want the one that could be made", got)
	}
}

func testRename(t *testing.T, h Harness) {
	h.pulled(t)
	spec := h.spec("web", 0)
	id := create(t, h.Engine, spec)
	for range 2 { // the second time it has the name
		if err := h.Engine.Rename(t.Context(), id, spec.Staged()); err != nil {
			t.Fatalf("Rename: %v", err)
		}
	}
	if c := list(t, h.Engine)[0]; c.ID != id || c.Name != spec.Staged() {
		t.Errorf("after Rename there is %+v, want the name %s", c, spec.Staged())
	}
	if err := h.Engine.Remove(t.Context(), id); err != nil {
		t.Fatalf("Remove: %v", err)
	}
	if err := h.Engine.Rename(t.Context(), id, spec.Name()); !errors.Is(err, worker.ErrNotExist) {
		t.Errorf("Rename of nothing: %v, want an error that wraps %q", err, worker.ErrNotExist)
	}
}
