package worker

import (
	"fmt"
	"slices"
	"time"
)

// putOff leaves an app as it is for now.
func putOff(surplus []Step, slots [][]Step, reason string) {
	hold(surplus, reason, Remove)
	for _, steps := range slots {
		holdReplacement(steps, reason)
		hold(steps, reason, Create, Stage)
	}
}

// hold puts off the steps with those verbs, except for removals of what nobody misses.
func hold(steps []Step, reason string, verbs ...Verb) {
	for i := range steps {
		if s := &steps[i]; slices.Contains(verbs, s.Verb) && !s.idle {
			s.Verb, s.Reason = Wait, reason
		}
	}
}

// holdReplacement puts off the removal of what somebody would miss, and the start of what takes its place.
func holdReplacement(steps []Step, reason string) {
	missed := func(s Step) bool { return s.Verb == Remove && !s.idle }
	staged := func(s Step) bool { return s.Verb == Start && s.Rename != "" }
	if slices.ContainsFunc(steps, func(s Step) bool { return missed(s) || staged(s) }) {
		hold(steps, reason, Remove, Start)
	}
}

// gate shows the trouble of an app whose last attempt failed, and lets it act only when its pause is over.
func (p *planner) gate(app string, steps []Step) []Step {
	r := p.mem.apps[app]
	if r == nil {
		return steps
	}
	for i := range steps {
		s := &steps[i]
		if !s.acts() {
			continue
		}
		s.Code = r.code
		s.Trouble = fmt.Sprintf("%s; next try at %s UTC", r.reason, r.next.UTC().Format(time.TimeOnly))
		if p.now.Before(r.next) {
			s.Reason = fmt.Sprintf("%s; waits after a failure", s.Reason)
			s.Verb, s.Again = Wait, r.next
		}
	}
	return steps
}
