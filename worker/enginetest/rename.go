package enginetest

import (
	"context"
	"fmt"
	"slices"

	"muster/worker"
)

// seen is the container as List shows it.
func (c *container) seen() worker.Container {
	shown := c.Container
	if c.State == "running" {
		for _, p := range c.spec.Ports {
			shown.Ports = append(shown.Ports, p.Host)
		}
		slices.Sort(shown.Ports)
	}
	return shown
}

// Rename implements [worker.Engine].
func (f *Fake) Rename(ctx context.Context, id, name string) error {
	if err := f.begin(ctx, OpRename); err != nil {
		return fmt.Errorf("rename %s: %w", id, err)
	}
	m := f.machine
	defer m.mu.Unlock()
	c, found := m.containers[id]
	if !found {
		return fmt.Errorf("rename %s: container %w", id, worker.ErrNotExist)
	}
	if c.Name == name {
		return nil
	}
	for _, other := range m.containers {
		if other.Name == name {
			return fmt.Errorf("rename %s to %s: the name %w", c.Name, name, worker.ErrConflict)
		}
	}
	c.Name = name
	m.did(OpRename, name)
	m.tell(f.device)
	return nil
}
