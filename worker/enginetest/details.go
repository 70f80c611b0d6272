package enginetest

import (
	"errors"
	"testing"
	"time"

	"muster/worker"
)

func testDetails(t *testing.T, h Harness) {
	h.pulled(t)
	before := time.Now().Add(-time.Minute) // the engine may have another clock
	id := create(t, h.Engine, h.spec("web", 0))
	if d := inspect(t, h.Engine, id); !d.Started.IsZero() || !d.Finished.IsZero() || d.Restarts != 0 {
		t.Errorf("details before the start are %+v, want no times and no restarts", d)
	}
	start(t, h.Engine, id)
	waitFor(t, h.Engine, "running")
	if d := inspect(t, h.Engine, id); d.Started.Before(before) || d.ExitCode != 0 || d.Restarts != 0 {
		t.Errorf("details of what runs are %+v, want a start after %v, and nothing else", d, before)
	}
	c := list(t, h.Engine)[0]
	image, err := h.Engine.ImageID(t.Context(), h.Forever)
	if err != nil || image == "" || c.ImageID != image || c.Image != h.Forever || c.Health != "" {
		t.Errorf("the container is %+v, want image %s with id %q (%v), and no health", c, h.Forever, image, err)
	}
	if _, err := h.Engine.Inspect(t.Context(), "nothing"); !errors.Is(err, worker.ErrNotExist) {
		t.Errorf("Inspect of nothing: %v, want ErrNotExist", err)
	}
}

func testRestart(t *testing.T, h Harness) {
	h.pulled(t)
	id := create(t, h.Engine, h.spec("web", 0))
	start(t, h.Engine, id)
	waitFor(t, h.Engine, "running")
	before := inspect(t, h.Engine, id)
	if err := h.Engine.Restart(t.Context(), id); err != nil {
		t.Fatalf("Restart: %v", err)
	}
	waitFor(t, h.Engine, "running")
	if after := inspect(t, h.Engine, id); !after.Started.After(before.Started) {
		t.Errorf("started at %v before and at %v after a restart", before.Started, after.Started)
	}
	if err := h.Engine.Restart(t.Context(), "nothing"); !errors.Is(err, worker.ErrNotExist) {
		t.Errorf("Restart of nothing: %v, want ErrNotExist", err)
	}
}

func inspect(t *testing.T, engine worker.Engine, id string) worker.Details {
	t.Helper()
	d, err := engine.Inspect(t.Context(), id)
	if err != nil {
		t.Fatalf("Inspect(%s): %v", id, err)
	}
	return d
}
