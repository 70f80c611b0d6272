package worker

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"muster/topics"
)

// A want is one app of the config next to the containers of that app on this device.
type want struct {
	app   topics.App
	seen  []Container
	count int
	slots []slot
	// surplus are the containers that belong to no slot.
	surplus []Container
}

// A slot is one container that is wanted, with those that are in its place.
type slot struct {
	spec Spec
	// err says why the container cannot be.
	err error
	// match is the one made from spec, nil when there is none.
	match *Container
	// others are the rest.
	others []Container
}

func newWant(app topics.App, seen []Container, facts Facts) want {
	w := want{app: app, seen: seen}
	if !app.Running {
		return w
	}
	w.count = app.ContainersPer.Containers(facts.CPUs, facts.MemoryMB)
	if w.count > maxContainers {
		return w
	}
	byIndex := map[int][]Container{}
	for _, c := range seen {
		if c.Index < 0 || c.Index >= w.count {
			w.surplus = append(w.surplus, c)
			continue
		}
		byIndex[c.Index] = append(byIndex[c.Index], c)
	}
	for index := range w.count {
		w.slots = append(w.slots, newSlot(app, index, byIndex[index]))
	}
	return w
}

func newSlot(app topics.App, index int, seen []Container) slot {
	spec, err := NewSpec(app, index)
	s := slot{spec: spec, err: err}
	if err != nil {
		s.spec = Spec{App: app.AppName, Index: index} // for its name
		s.others = seen
		return s
	}
	hash := spec.Hash()
	byFitness := slices.Clone(seen)
	slices.SortStableFunc(byFitness, func(a, b Container) int {
		return cmp.Or(cmp.Compare(unfitness(a, hash), unfitness(b, hash)), cmp.Compare(a.ID, b.ID))
	})
	if len(byFitness) > 0 && byFitness[0].Spec == hash {
		s.match, byFitness = &byFitness[0], byFitness[1:]
	}
	s.others = byFitness
	return s
}

// unfitness orders duplicates: the best to keep has the lowest.
func unfitness(c Container, hash string) int {
	if c.Spec != hash {
		return 4
	}
	switch c.State {
	case "running":
		return 0
	case "restarting", "paused":
		return 1
	case "removing", "dead":
		return 3
	}
	return 2
}

// matches reports whether any container is made from the spec that is wanted now.
func (w want) matches() bool {
	return slices.ContainsFunc(w.slots, func(s slot) bool { return s.match != nil })
}

// claimHeld claims the ports of those that run as wanted.
func (w want) claimHeld(p ports) {
	for _, s := range w.slots {
		if s.match != nil && (s.match.State == "running" || s.match.State == "restarting" || s.match.State == "paused") {
			// The engine gave them their ports, so that a clash would be between two that have them.
			_ = p.claim(s.spec)
		}
	}
}

// slot decides about one container that is wanted.
func (p *planner) slot(w want, s slot) []Step {
	if s.match != nil {
		steps := removeAll(s.others, "a duplicate of "+s.match.Name)
		return append(steps, p.matched(s)...)
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
	steps := removeAll(s.others, fmt.Sprintf("made from an older spec than that of app_id %d", w.app.AppID))
	return append(steps, creation(s.spec, s.others))
}

// creation makes the container once those that are in its place are gone.
func creation(spec Spec, before []Container) Step {
	reason := "is missing"
	if len(before) > 0 {
		reason = "takes the place of the one before"
	}
	step := Step{Verb: Create, App: spec.App, Container: spec.Name(), Spec: spec, Reason: reason}
	for _, c := range before {
		if c.State == "removing" {
			step.Verb, step.Reason = Wait, "the engine is removing the one before"
		}
	}
	return step
}

// matched decides about a container that is made from the spec that is wanted.
func (p *planner) matched(s slot) []Step {
	c := *s.match
	switch c.State {
	case "running":
		step := on(c, Keep, "runs as wanted")
		if last, ok := p.mem.restarts[c.ID]; ok && p.now.Before(last.seen.Add(settled)) {
			step.Code = topics.ReasonRestarting
			step.Trouble, step.Again = c.Name+" keeps restarting"+last.code, last.seen.Add(settled)
		}
		return []Step{step}
	case "restarting":
		step := on(c, Keep, "the engine restarts it"+exitCode(c.Detail))
		step.Code, step.Trouble = topics.ReasonRestarting, c.Name+" keeps restarting"+exitCode(c.Detail)
		return []Step{step}
	case "paused":
		step := on(c, Keep, "was paused on the device")
		step.Code, step.Trouble = topics.ReasonPaused, c.Name+" is paused"
		return []Step{step}
	case "created", "exited":
		return []Step{p.start(s)}
	case "dead":
		return []Step{on(c, Remove, "the engine calls it dead"), creation(s.spec, append([]Container{c}, s.others...))}
	case "removing":
		return []Step{on(c, Wait, "the engine is removing it")}
	default:
		step := on(c, Keep, "in a state that is unknown here")
		step.Code = topics.ReasonUnknownState
		step.Trouble = fmt.Sprintf("%s is in the unknown state %q", c.Name, c.State)
		return []Step{step}
	}
}

// start starts a container that was created or has ended, but not too often.
func (p *planner) start(s slot) Step {
	c := *s.match
	step := on(c, Start, "is not started yet")
	if c.State == "exited" {
		step.Reason = "has ended" + exitCode(c.Detail)
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
