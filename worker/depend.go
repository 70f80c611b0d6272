package worker

import (
	"slices"
	"strings"

	"muster/topics"
)

// A standing is how an app is, for those that depend on it.
type standing struct {
	// up says that all its containers run, and are healthy where they have a health check, whatever their version.
	up bool
	// moving says that something is being done about it, or about to be.
	moving bool
	// why says what is the matter when it is not up.
	why string
}

// depend has apps wait for those that they depend on: all are the steps of the config's apps, by app name. What runs is
// left alone, also when it is of another version than is wanted, and what is not to run any more is removed.
func (p *planner) depend(wants []want, all map[string][]Step) {
	d := dependencies{p: p, wants: map[string]want{}, steps: all, done: map[string]standing{}}
	for _, w := range wants {
		d.wants[w.app.AppName] = w
	}
	for _, w := range wants {
		d.standing(w.app.AppName)
	}
}

type dependencies struct {
	p     *planner
	wants map[string]want
	steps map[string][]Step
	done  map[string]standing
}

// standing decides about an app, those that it depends on first.
func (d *dependencies) standing(name string) standing {
	w, known := d.wants[name]
	switch {
	case !known:
		return standing{why: "which is not in the config"}
	case !w.app.Running:
		return standing{why: "which is not to run"}
	}
	if s, done := d.done[name]; done {
		return s
	}
	steps, held := d.steps[name], false
	if loop := d.loop(name); loop != nil {
		trouble := name + " depends on itself: " + strings.Join(loop, ", ")
		holdMakings(steps, "waits for itself", trouble)
	} else {
		for _, other := range w.app.DependsOn {
			s := d.standing(other)
			if s.up && !s.moving {
				continue
			}
			trouble := ""
			if !s.moving {
				trouble = name + " depends on " + other + ", " + s.why
			}
			held = holdMakings(steps, "waits for "+other, trouble) && s.moving || held
		}
	}
	s := d.p.stands(w)
	due := d.p.mem.spread[name]
	about := func(step Step) bool { return step.acts() || !due.IsZero() && step.Again.Equal(due) }
	s.moving = s.moving || held || d.p.mem.busy[name] || slices.ContainsFunc(steps, about)
	d.done[name] = s
	return s
}

// loop is the way on which an app depends on itself, nil when there is none.
func (d *dependencies) loop(name string) []string {
	before := map[string]string{}
	for next := []string{name}; len(next) > 0; next = next[1:] {
		for _, other := range d.wants[next[0]].app.DependsOn {
			if _, seen := before[other]; seen {
				continue
			}
			before[other] = next[0]
			next = append(next, other)
		}
	}
	if _, loops := before[name]; !loops {
		return nil
	}
	way := []string{name}
	for at := before[name]; at != name; at = before[at] {
		way = append(way, at)
	}
	way = append(way, name)
	slices.Reverse(way)
	return way
}

// stands says how an app's containers are.
func (p *planner) stands(w want) standing {
	if w.count == 0 {
		return standing{why: "of which this device has no containers"}
	}
	s := standing{up: true}
	for _, slot := range w.slots {
		up := slot.match != nil && slot.ended() && succeeded(*slot.match)
		for _, c := range w.seen {
			if c.Index == slot.spec.Index && c.State == "running" {
				up = up || c.Health == "healthy" || c.Health == "" && !p.restarted(c)
				s.moving = s.moving || c.Health == "starting"
			}
		}
		s.up = s.up && up
	}
	if w.count > maxContainers || !s.up {
		s.up, s.why = false, "which is not up"
	}
	return s
}

// holdMakings has an app wait that is about to make or start containers, and reports whether it was; what is to make way for
// those stays meanwhile. Trouble is told when it is not empty.
func holdMakings(steps []Step, reason, trouble string) bool {
	if !has(steps, Create, Stage, Start) {
		return false
	}
	for i := range steps {
		s := &steps[i]
		switch s.Verb {
		case Create, Stage, Start, Remove:
			if s.idle {
				continue
			}
			s.Verb, s.Reason = Wait, reason
			if trouble != "" && s.Trouble == "" {
				s.Code, s.Trouble = topics.ReasonDependency, trouble
			}
		}
	}
	return true
}
