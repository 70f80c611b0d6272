package enginetest

import (
	"fmt"
	"time"

	"muster/topics"
)

// behave has a container that was started be, and become, what its image says. The machine is locked.
func (m *Machine) behave(c *container) {
	c.runs++
	run := c.runs
	later := func(d time.Duration, then func()) {
		time.AfterFunc(d, func() {
			m.with(func() {
				if m.containers[c.ID] == c && c.runs == run && c.State == "running" {
					then()
					m.tell(c.device)
				}
			})
		})
	}
	c.Health = ""
	wait, sick := c.image.CheckTime, c.image.Sick
	if check := c.spec.Healthcheck; check != nil {
		// The harness's checks are programs that end with the code that is their last argument.
		wait, sick = time.Duration(check.IntervalSeconds)*time.Second, check.Test[len(check.Test)-1] != "0"
	}
	if wait > 0 {
		c.Health = "starting"
		later(wait, func() {
			c.Health = "healthy"
			if sick {
				c.Health = "unhealthy"
			}
		})
	}
	if c.image.CrashTime > 0 {
		later(c.image.CrashTime, func() { m.crash(c, c.image.ExitCode) })
	}
}

// crash has a container end with the code, and the engine do about it what the restart policy says. The machine is
// locked.
func (m *Machine) crash(c *container, code int) {
	c.exit(code)
	policy := c.spec.RestartPolicy
	if policy == topics.RestartNo || policy == topics.RestartOnFailure && code == 0 {
		return
	}
	c.details.Started = time.Now()
	c.details.Restarts++
	c.State, c.Detail = "running", "Up Less than a second"
	m.behave(c)
}

// Crash has a container end with the code, by its name; the engine starts it again at once when its restart policy says
// so.
func (m *Machine) Crash(name string, code int) {
	m.change(name, func(c *container) { m.crash(c, code) })
}

// SetHealth changes what the health check of a container says, by its name.
func (m *Machine) SetHealth(name, health string) {
	m.change(name, func(c *container) { c.Health = health })
}

// change does something to a container, by its name, and tells of it.
func (m *Machine) change(name string, do func(*container)) {
	m.with(func() {
		for _, c := range m.containers {
			if c.Name == name {
				do(c)
				m.tell(c.device)
				return
			}
		}
		panic(fmt.Sprintf("enginetest: no container is called %q", name))
	})
}
