package enginetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"muster/worker"
)

// Stats implements [worker.Engine].
func (f *Fake) Stats(ctx context.Context, id string) (json.RawMessage, error) {
	if err := f.begin(ctx, OpStats); err != nil {
		return nil, fmt.Errorf("read the stats of %s: %w", id, err)
	}
	defer f.machine.mu.Unlock()
	c, found := f.machine.containers[id]
	if !found {
		return nil, fmt.Errorf("read the stats of %s: container %w", id, worker.ErrNotExist)
	}
	none := json.RawMessage("{}")
	return json.Marshal(stats{ID: id, Name: "/" + c.Name, Memory: none, CPU: none})
}

// stats are the members of a stats document that every engine has.
type stats struct {
	ID     string          `json:"id"`
	Name   string          `json:"name"`
	Memory json.RawMessage `json:"memory_stats"`
	CPU    json.RawMessage `json:"cpu_stats"`
}

func testStats(t *testing.T, h Harness) {
	h.pulled(t)
	spec := h.spec("web", 0)
	id := create(t, h.Engine, spec)
	start(t, h.Engine, id)
	waitFor(t, h.Engine, "running")
	document, err := h.Engine.Stats(t.Context(), id)
	if err != nil {
		t.Fatalf("Stats: %v", err)
	}
	var s stats
	if err := json.Unmarshal(document, &s); err != nil || s.ID != id || s.Name != "/"+spec.Name() && s.Name != spec.Name() || s.Memory == nil || s.CPU == nil {
		t.Errorf("the document is not one of %s: %v\n%s", spec.Name(), err, document)
	}
	if _, err := h.Engine.Stats(t.Context(), "nothing"); !errors.Is(err, worker.ErrNotExist) {
		t.Errorf("Stats of nothing: %v, want ErrNotExist", err)
	}
}
