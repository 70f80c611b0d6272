package worker

import (
	"context"
	"errors"
	"maps"
	"strings"
	"time"
)

// A life is what this worker has seen of a container since it first saw it. Times are the worker's own, so that a
// clock that is set cannot make a container look older than it is.
type life struct {
	state   string
	details Details
	// up is since when it runs without an end in between; zero when it does not run.
	up time.Time
	// restarts counts how often the engine started it again, as far as seen.
	restarts int
	// again counts how often the worker started it again after it had ended, and calm is what restarts was when the
	// container was last excused or had run for a minute: what was before says nothing against its version.
	again, calm int
	// ending is since when it ends again and again; zero when it does not.
	ending time.Time
	// failed says that it was seen to end with an exit code other than 0, and excused when something that it depends on
	// was last not up.
	failed  bool
	excused time.Time
	// heals counts how often the worker restarted it because it was unhealthy, and heal says when it may do so again;
	// nil when there was no need lately.
	heals int
	heal  *retry
}

// see takes in how the container is now.
func (l *life) see(c Container, d Details, now time.Time) {
	again := d.Restarts - l.details.Restarts
	if again < 0 { // somebody else started it, and the engine began to count anew
		again = d.Restarts
	}
	l.restarts += again
	if l.restarts > l.calm && l.ending.IsZero() {
		l.ending = now
	}
	switch {
	case c.State != "running":
		l.up = time.Time{}
	case l.up.IsZero(), !d.Started.Equal(l.details.Started), again > 0:
		l.up = now
	}
	if c.State == "exited" && (l.state == "created" || l.state == "running") && !succeeded(c) {
		l.failed = true
	}
	if !l.up.IsZero() && !now.Before(l.up.Add(settled)) && (c.Health == "" || c.Health == "healthy") {
		l.pardon()
	}
	// It was well when its pause was over, so that its next illness is not part of the same one. That its check has not
	// said anything yet is no sign of health.
	if l.heal != nil && c.Health == "healthy" && now.After(l.heal.next) {
		l.heal = nil
	}
	l.state, l.details = c.State, d
}

// live takes in what a survey saw of the containers.
func (l *loop) live(s survey, now time.Time) {
	there := make(map[string]bool, len(s.seen))
	for _, c := range s.seen {
		there[c.ID] = true
		known := l.lives[c.ID]
		d, asked := s.details[c.ID]
		switch {
		case known == nil && !asked:
			continue
		case known == nil:
			known = &life{details: d}
			l.lives[c.ID] = known
		case !asked:
			d = known.details
		}
		known.see(c, d, now)
	}
	maps.DeleteFunc(l.lives, func(id string, _ *life) bool { return !there[id] })
}

// pardon forgets how often the container has ended.
func (l *life) pardon() { l.again, l.calm, l.ending, l.failed = 0, l.restarts, time.Time{}, false }

// pardon forgets how often containers have ended: the engine was down, and may have ended them itself.
func (l *loop) pardon() {
	for _, known := range l.lives {
		known.pardon()
	}
}

// excuse notes which containers fail while something that their app depends on is not up: it may be due to that.
func (l *loop) excuse(seen []Container, now time.Time) {
	p := planner{facts: l.facts, mem: l.memory(), now: now}
	byApp := appsOf(seen)
	for _, app := range l.held.config.Apps {
		if p.stood(l.held.config, byApp, app) {
			continue
		}
		for _, c := range byApp[app.AppName] {
			if known := l.lives[c.ID]; known != nil {
				known.pardon()
				known.excused = now
			}
		}
		if t := l.apps[app.AppName]; t != nil {
			t.attempts = 0
		}
	}
}

// inspect asks for the details of the containers that may have others than those known.
func (s *survey) inspect(ctx context.Context, engine Engine) error {
	s.details = map[string]Details{}
	for _, c := range s.seen {
		if s.known[c.ID] == c.State && !fresh(c) {
			continue
		}
		d, err := engine.Inspect(ctx, c.ID)
		switch {
		case errors.Is(err, ErrEngineDown), ctx.Err() != nil:
			return err
		case err == nil: // else it is gone by now, or the engine has trouble with this one, which the others do not share
			s.details[c.ID] = d
		}
	}
	return nil
}

// fresh reports whether the container may have been started since it was last looked at: the engine's description of
// one that runs says for how long it has, and looks are not further apart than a minute. One that ends quickly may be between two
// starts at every look.
func fresh(c Container) bool {
	up, runs := strings.CutPrefix(c.Detail, "Up ")
	return c.State == "restarting" || c.State == "running" && (!runs || strings.Contains(up, "second"))
}

// states are those in which the containers were last seen, by container id.
func (l *loop) states() map[string]string {
	states := make(map[string]string, len(l.lives))
	for id, known := range l.lives {
		states[id] = known.state
	}
	return states
}
