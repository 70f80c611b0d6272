package enginetest

import (
	"context"
	"fmt"
	"time"

	"muster/topics"
	"muster/worker"
)

// Start implements [worker.Engine].
func (f *Fake) Start(ctx context.Context, id string) error {
	if err := f.begin(ctx, OpStart); err != nil {
		return fmt.Errorf("start %s: %w", id, err)
	}
	m := f.machine
	defer m.mu.Unlock()
	c, found := m.containers[id]
	if !found {
		return fmt.Errorf("start %s: container %w", id, worker.ErrNotExist)
	}
	if c.State == "running" {
		return nil
	}
	for _, other := range m.containers {
		if port, clash := c.clash(other); clash && other.State == "running" {
			return fmt.Errorf("start %s: host port %d %w", c.Name, port, worker.ErrConflict)
		}
	}
	m.run(c)
	m.did(OpStart, c.Name)
	m.tell(f.device)
	return nil
}

// run has the container run, or end at once. The machine is locked.
func (m *Machine) run(c *container) {
	c.details.Started, c.details.Restarts = time.Now(), 0
	c.State, c.Detail = "running", "Up 1 second"
	m.behave(c)
	policy := c.spec.RestartPolicy
	switch stays := policy != topics.RestartNo && (policy != topics.RestartOnFailure || c.image.ExitCode != 0); {
	case c.image.Once && stays:
		c.State, c.Detail = "restarting", fmt.Sprintf("Restarting (%d) 1 second ago", c.image.ExitCode)
		c.details.Finished, c.details.ExitCode, c.details.Restarts = c.details.Started, c.image.ExitCode, 1
	case c.image.Once:
		c.exit(c.image.ExitCode)
	case c.image.RunTime > 0 && !stays:
		time.AfterFunc(c.image.RunTime, func() {
			m.with(func() {
				if m.containers[c.ID] == c && c.State == "running" {
					c.exit(c.image.ExitCode)
					m.tell(c.device)
				}
			})
		})
	}
}

// exit ends the container.
func (c *container) exit(code int) {
	c.State, c.Detail = "exited", fmt.Sprintf("Exited (%d) 1 second ago", code)
	c.details.Finished, c.details.ExitCode = time.Now(), code
}

func (c *container) clash(other *container) (port int, clash bool) {
	for _, p := range c.spec.Ports {
		for _, q := range other.spec.Ports {
			if c != other && p.Host == q.Host {
				return p.Host, true
			}
		}
	}
	return 0, false
}
