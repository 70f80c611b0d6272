package worker

import (
	"slices"
	"time"
)

// rolled is how long a container without a health check must have run before the next one is replaced.
const rolled = 10 * time.Second

// roll lets the containers of an app be replaced one after another: steps are those of its slots, all that is to come is
// made already. A container is replaced when those before it are steady, and the first goes whose ports none of
// the other old ones has; when there is none, no order would do, and all go at once.
func (p *planner) roll(w want, steps [][]Step) {
	var due []int // the slots whose old containers run and could make way now
	for i, s := range w.slots {
		if has(steps[i], Start) && slices.ContainsFunc(s.others, live) {
			due = append(due, i)
		}
	}
	if len(due) == 0 {
		return
	}
	turn := -1
	reason, again := p.unsteady(w)
	if reason == "" {
		for _, i := range due {
			if !portsHeld(w, i) {
				turn, reason = i, "waits for its turn"
				break
			}
		}
		if turn < 0 {
			return
		}
	}
	for _, i := range due {
		if i == turn {
			continue
		}
		hold(steps[i], reason, Remove, Start)
		for n := range steps[i] {
			if s := &steps[i][n]; s.Verb == Wait {
				s.Again = again
			}
		}
	}
}

// unsteady says which container of the app, of those that were started, has yet to show that it works, and when
// to look again where only time has to pass; empty when there is none.
func (p *planner) unsteady(w want) (reason string, again time.Time) {
	for _, s := range w.slots {
		if s.match == nil || !live(*s.match) && slices.ContainsFunc(s.others, live) {
			continue
		}
		if ok, again := p.steady(*s.match, rolled); !ok && (!s.ended() || !succeeded(*s.match)) {
			return "waits for " + s.match.Name + " to be up", again
		}
	}
	return "", time.Time{}
}

// steady reports whether the container is healthy, or has run for that long where it has no health check; if not, again
// is when it will have.
func (p *planner) steady(c Container, long time.Duration) (ok bool, again time.Time) {
	if c.State != "running" {
		return false, time.Time{}
	}
	if c.Health != "" {
		return c.Health == "healthy", time.Time{}
	}
	l := p.mem.lives[c.ID]
	if l == nil || l.up.IsZero() {
		return false, time.Time{}
	}
	again = l.up.Add(long)
	return !p.now.Before(again), again
}

// portsHeld reports whether the container of slot i needs a port that another old container of the app has.
func portsHeld(w want, i int) bool {
	if !publishes(w.slots[i].spec) {
		return false
	}
	for j, s := range w.slots {
		for _, c := range s.others {
			for _, b := range w.slots[i].spec.Ports {
				if j != i && slices.Contains(c.Ports, b.Host) {
					return true
				}
			}
		}
	}
	return false
}
