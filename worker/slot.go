package worker

import (
	"fmt"
	"time"

	"muster/topics"
)

// slot decides about one container that is wanted.
func (p *planner) slot(w want, s slot) []Step {
	if s.match != nil {
		return p.present(w, s)
	}
	if s.err == nil {
		s.err = p.ports.claim(s.spec)
	}
	if s.err != nil {
		steps := []Step{{Verb: Wait, App: s.spec.App, Container: s.spec.Name(), Reason: "cannot be made", Code: codeOf(s.err), Trouble: s.err.Error()}}
		for _, c := range s.others {
			steps = append(steps, on(c, Keep, "left alone, because its successor cannot be made"))
		}
		return steps
	}
	return append(removeAll(s.others, outdated(w)), creation(w, s))
}

func outdated(w want) string {
	return fmt.Sprintf("made from an older spec than that of app_id %d", w.app.AppID)
}

// present decides about one container that is wanted and there, and those in its place.
func (p *planner) present(w want, s slot) []Step {
	step := p.matched(s)
	switch {
	case step.Verb == Start && s.match.State == "created":
		return append(removeAll(s.others, outdated(w)), step)
	case step.Verb == Wait:
		steps := removeAll(s.others, "")
		hold(steps, "kept until "+s.match.Name+" can be started", Remove)
		return append(steps, step)
	}
	return append(removeAll(s.others, "a duplicate of "+s.match.Name), step)
}

// creation makes the container: at once when nothing of the app has to make way, else beside what has.
func creation(w want, s slot) Step {
	step := Step{Verb: Create, App: s.spec.App, Container: s.spec.Name(), Spec: s.spec, Reason: "is missing"}
	if w.replaces() {
		step.Verb, step.Container = Stage, s.spec.Staged()
	}
	if len(s.others) > 0 {
		step.Reason = "is to take the place of the one before"
	}
	for _, c := range s.others {
		if c.State == "removing" {
			step.Verb, step.Reason = Wait, "the engine is removing the one before"
		}
	}
	return step
}

// matched decides about a container that is made from the spec that is wanted.
func (p *planner) matched(s slot) Step {
	c := *s.match
	switch c.State {
	case "running":
		step := on(c, Keep, "runs as wanted")
		if c.Name == s.spec.Staged() {
			step.Verb, step.Reason, step.Rename = Start, "runs without its name", s.spec.Name()
		}
		if c.Health == "unhealthy" && step.Verb == Keep {
			return p.heal(c)
		}
		if p.restarted(c) {
			last := p.mem.restarts[c.ID]
			step.Code = topics.ReasonRestarting
			step.Trouble, step.Again = c.Name+" keeps restarting"+last.code, last.seen.Add(settled)
		}
		return step
	case "restarting":
		step := on(c, Keep, "the engine restarts it"+exitCode(c.Detail))
		step.Code, step.Trouble = topics.ReasonRestarting, c.Name+" keeps restarting"+exitCode(c.Detail)
		return step
	case "paused":
		step := on(c, Keep, "was paused on the device")
		step.Code, step.Trouble = topics.ReasonPaused, c.Name+" is paused"
		return step
	case "created", "exited":
		return p.start(s)
	case "removing":
		return on(c, Wait, "the engine is removing it")
	default:
		step := on(c, Keep, "in a state that is unknown here")
		step.Code = topics.ReasonUnknownState
		step.Trouble = fmt.Sprintf("%s is in the unknown state %q", c.Name, c.State)
		return step
	}
}

// restarted reports whether the engine was lately seen restarting the container, so that it may be about to end again.
func (p *planner) restarted(c Container) bool {
	last, ok := p.mem.restarts[c.ID]
	return ok && p.now.Before(last.seen.Add(settled))
}

// start starts a container that was created or has ended, but not too often.
func (p *planner) start(s slot) Step {
	c := *s.match
	step := on(c, Start, "is not started yet")
	if c.Name == s.spec.Staged() {
		step.Rename = s.spec.Name()
	}
	if c.State == "exited" {
		step.Reason = "has ended" + exitCode(c.Detail)
	}
	if s.ended() {
		return finished(c)
	}
	if err := p.ports.claim(s.spec); err != nil {
		step.Verb, step.Code, step.Trouble = Wait, codeOf(err), err.Error()
		return step
	}
	if r := p.mem.starts[c.ID]; r != nil {
		step.Code = topics.ReasonExited
		step.Trouble = fmt.Sprintf("%s %s; next start at %s UTC", c.Name, step.Reason, r.next.UTC().Format(time.TimeOnly))
		if p.now.Before(r.next) {
			step.Verb, step.Again = Wait, r.next
		}
	}
	return step
}
