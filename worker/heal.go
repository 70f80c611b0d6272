package worker

import (
	"fmt"
	"time"

	"muster/topics"
)

// heal restarts a container that is unhealthy, but not too often.
func (p *planner) heal(c Container) Step {
	step := on(c, Restart, "is unhealthy")
	step.Code, step.Trouble = topics.ReasonUnhealthy, c.Name+" is unhealthy"
	l := p.mem.lives[c.ID]
	if l == nil || l.heal == nil {
		return step
	}
	step.Trouble += fmt.Sprintf("; next restart at %s UTC", l.heal.next.UTC().Format(time.TimeOnly))
	if p.now.Before(l.heal.next) {
		step.Verb, step.Again = Wait, l.heal.next
	}
	return step
}

// healed notes that a container was restarted because it was unhealthy.
func (l *loop) healed(id string, now time.Time) {
	known := l.lives[id]
	if known == nil { // the engine has yet to tell its details, which must not have it restarted without a pause
		known = &life{}
		l.lives[id] = known
	}
	known.heals++
	if known.heal == nil {
		known.heal = newRetry(firstHealPause, longestHealPause)
	}
	known.heal.postpone(now, "")
}

// ended reports whether the container has ended and is not to be started again, because its restart policy says so. One
// that failed under "on-failure" is started again by the engine, and by the worker where the engine gave up.
func (s slot) ended() bool {
	if s.match.State != "exited" {
		return false
	}
	switch s.spec.RestartPolicy {
	case topics.RestartNo:
		return true
	case topics.RestartOnFailure:
		return succeeded(*s.match)
	}
	return false
}

// succeeded reports whether the container has ended with exit code 0.
func succeeded(c Container) bool {
	return c.State == "exited" && exitCode(c.Detail) == " with exit code 0"
}

// finished leaves alone a container that has ended and is not to be started again.
func finished(c Container) Step {
	step := on(c, Keep, "has ended, as its restart_policy has it")
	if !succeeded(c) {
		step.Code = topics.ReasonExited
		step.Trouble = c.Name + " has ended" + exitCode(c.Detail) + ", and its restart_policy says not to start it again"
	}
	return step
}
