package enginetest

import (
	"context"
	"testing"
	"time"

	"muster/topics"
	"muster/worker"
)

// testHealth has a container that is healthy and one that is not, and expects the engine to see, and to tell of, both.
func testHealth(t *testing.T, h Harness) {
	h.pulled(t)
	ctx := t.Context()
	for _, test := range []struct{ code, want string }{{"0", "healthy"}, {"1", "unhealthy"}} {
		spec := h.spec("web", 0)
		spec.Healthcheck = &topics.Healthcheck{Test: []string{"CMD", "/hello", "-exit", test.code}, IntervalSeconds: 1, Retries: 1}
		events := h.Engine.Events(ctx)
		id := create(t, h.Engine, spec)
		start(t, h.Engine, id)
		checked, stop := context.WithCancel(ctx)
		go h.check(checked, id)
		deadline := time.After(patience)
		for {
			c := list(t, h.Engine)[0]
			if c.Health == test.want && c.State == "running" {
				break
			}
			if c.Health != "starting" && c.Health != "" {
				t.Fatalf("with a check that ends with %s the container is %+v, want it %s", test.code, c, test.want)
			}
			select {
			case <-events:
			case <-h.laterLook():
			case <-deadline:
				t.Fatalf("no event within %v of a container that is %s at last", patience, test.want)
			}
		}
		stop()
		if err := h.Engine.Remove(ctx, id); err != nil {
			t.Fatalf("Remove: %v", err)
		}
	}
}

// laterLook is when to look at the health without an event: never, unless it is found out beside the engine, which then
// may not tell of it. Workers look every 30 s anyway.
func (h Harness) laterLook() <-chan time.Time {
	if h.Check == nil {
		return nil
	}
	return time.After(time.Second)
}

// check runs the container's health check every second, as its spec has it, where the engine does not.
func (h Harness) check(ctx context.Context, id string) {
	for h.Check != nil && ctx.Err() == nil {
		h.Check(ctx, id)
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

// testRestarts expects the engine to count how often it started a container again.
func testRestarts(t *testing.T, h Harness) {
	h.pulled(t)
	spec := h.spec("once", 0)
	spec.Image = h.Once
	id := create(t, h.Engine, spec)
	start(t, h.Engine, id)
	var d worker.Details
	for deadline := time.Now().Add(patience); d.Restarts == 0; {
		if d = inspect(t, h.Engine, id); time.Now().After(deadline) {
			t.Fatalf("details of a container that ends again and again are %+v, want restarts", d)
		}
	}
	if d.Finished.IsZero() {
		t.Errorf("details of a container that ends again and again are %+v, want when it last ended", d)
	}
}
