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
	// bad is the version that the config wants, where app is one before it.
	bad *failed
}

// A slot is one container that is wanted, with those that are in its place.
type slot struct {
	spec Spec
	// err says why the container cannot be.
	err error
	// match is the one made from spec, nil when there is none; made says that there is one, if only a dead one.
	match *Container
	made  bool
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

// goBack has the containers made from that image, since they are of a version before the one that the config wants; bad is
// nil when they are not.
func (w *want) goBack(from string, bad *failed) {
	w.bad = bad
	for i := range w.slots {
		w.slots[i].spec.From = from
	}
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
	s.made = len(byFitness) > 0 && byFitness[0].Spec == hash
	if s.made && byFitness[0].State != "dead" {
		s.match, byFitness = &byFitness[0], byFitness[1:]
	}
	s.others = byFitness
	return s
}

// unfitness orders duplicates: the best to keep has the lowest.
func unfitness(c Container, hash string) int {
	if c.Spec != hash {
		return 5
	}
	switch c.State {
	case "running":
		return 0
	case "restarting", "paused":
		return 1
	case "removing":
		return 3
	case "dead":
		return 4
	}
	return 2
}

// matches reports whether any container is made from the spec that is wanted now.
func (w want) matches() bool {
	return slices.ContainsFunc(w.slots, func(s slot) bool { return s.made })
}

// claimHeld claims the ports of those that run as wanted.
func (w want) claimHeld(p ports) {
	for _, s := range w.slots {
		if s.match != nil && live(*s.match) {
			// The engine gave them their ports, so that a clash would be between two that have them.
			_ = p.claim(s.spec)
		}
	}
}

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

// replaces reports whether the app has containers that are to make way for others, and that somebody may miss.
func (w want) replaces() bool {
	missed := func(c Container) bool { return !idle(c) && c.State != "removing" }
	return slices.ContainsFunc(w.surplus, missed) ||
		slices.ContainsFunc(w.slots, func(s slot) bool { return slices.ContainsFunc(s.others, missed) })
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
