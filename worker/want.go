package worker

import (
	"cmp"
	"slices"

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
	slices.SortFunc(byFitness, func(a, b Container) int {
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

// replaces reports whether the app has containers that are to make way for others, and that somebody may miss.
func (w want) replaces() bool {
	missed := func(c Container) bool { return !idle(c) && c.State != "removing" }
	return slices.ContainsFunc(w.surplus, missed) ||
		slices.ContainsFunc(w.slots, func(s slot) bool { return slices.ContainsFunc(s.others, missed) })
}
