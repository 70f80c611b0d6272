package worker

import (
	"context"
	"fmt"
	"maps"
	"time"

	"muster/topics"
)

// surveyTime is how long the engine may take to say what there is.
const surveyTime = time.Minute

// A survey is what the engine said there is.
type survey struct {
	facts Facts
	seen  []Container
	err   error
	// known are the states of the containers that were inspected before, and details what the others' are.
	known   map[string]string
	details map[string]Details
	// free is how many bytes of the engine's disk are, where that was asked and is known.
	free               int64
	askFree, freeKnown bool
	// round is the loop's when the survey began: one that began before a job ended may not show what the
	// job did.
	round int
}

// survey has the engine asked what there is, which must not be going on. The answer comes on a channel, so that an
// engine that hangs keeps the loop from nothing else.
func (l *loop) survey(ctx context.Context, now time.Time) {
	l.last, l.due = now, now.Add(l.Recheck)
	if l.held.group == "" {
		l.report(nil)
		return
	}
	l.surveying = true
	s := survey{facts: l.facts, round: l.round, known: l.states(), askFree: l.PruneOnDiskPressure || len(l.short()) > 0}
	go func() {
		s.err = within(ctx, surveyTime, func(ctx context.Context) error { return s.ask(ctx, l.Engine) })
		l.surveys <- s
	}()
}

// surveyed decides by what there is, and has done what is to be done.
func (l *loop) surveyed(ctx, finish context.Context, s survey) {
	l.surveying = false
	now := time.Now()
	if ctx.Err() != nil {
		return
	}
	if s.err != nil {
		l.engineFailed(now, s.err)
		return
	}
	if s.round != l.round {
		l.look(now)
		return
	}
	seen := s.seen
	l.facts = s.facts
	if l.engineDown != nil {
		l.Log.Info("the container engine answers again")
		l.engineDown = nil
		l.retryNow(now, func(t *trouble) bool { return t.engineDown })
		clear(l.starts) // what ended meanwhile ended with the engine
	}
	l.takeOver(seen)
	l.remember(seen, now)
	l.live(s, now)
	if s.freeKnown {
		l.retryNow(now, func(t *trouble) bool { return t.short != nil && l.crew.pulls.space.over(t.short, s.free) })
	}
	l.judge(seen, now)
	steps := plan(l.held.config, seen, l.facts, l.memory(), now)
	l.seen, l.steps = seen, steps
	l.forgetSettled(steps)
	l.start(ctx, finish, steps)
	for _, s := range steps {
		if !s.Again.IsZero() {
			l.look(s.Again)
		}
	}
	open := l.surveyedCron(ctx, finish, seen, now)
	settled := l.settled(steps) && !open
	if settled {
		l.follow(l.version())
	}
	l.prune(ctx, now, s, settled)
	l.report(append(failing(steps), l.cronFailing()...))
}

// ask asks the engine.
func (s *survey) ask(ctx context.Context, engine Engine) (err error) {
	if s.facts == (Facts{}) {
		if s.facts, err = engine.Facts(ctx); err != nil {
			return err
		}
		if s.facts.CPUs < 1 || s.facts.MemoryMB < 1 {
			return fmt.Errorf("the container engine says that the device has %d CPUs and %d MB of memory", s.facts.CPUs, s.facts.MemoryMB)
		}
	}
	if s.askFree {
		free, err := engine.Free(ctx)
		s.free, s.freeKnown = free, err == nil
	}
	if s.seen, err = engine.List(ctx); err != nil {
		return err
	}
	return s.inspect(ctx, engine)
}

// engineFailed waits for an engine that does not answer.
func (l *loop) engineFailed(now time.Time, err error) {
	if l.engineDown == nil {
		l.Log.Warn("the containers cannot be looked at", "error", err)
		l.engineDown = newRetry(firstEnginePause, longestEnginePause)
	}
	l.engineDown.postpone(now, err.Error())
	l.pardon()
	l.facts = Facts{} // it may come back on another machine's terms
	l.look(l.engineDown.next)
	var all []topics.Failure
	for _, app := range l.held.config.Apps {
		if app.Running {
			all = append(all, topics.Failure{App: app.AppName, Code: topics.ReasonEngineDown, Reason: err.Error()})
		}
	}
	l.missCron(now, err)
	l.report(append(all, l.cronFailing()...))
}

// remember keeps what plan needs to know of the past about the containers that there are.
func (l *loop) remember(seen []Container, now time.Time) {
	there := make(map[string]bool, len(seen))
	for _, c := range seen {
		there[c.ID] = true
		if c.State == "restarting" {
			l.restarts[c.ID] = restart{seen: now, code: exitCode(c.Detail)}
		}
		// It outlived its pause, so that its next end is not part of the same trouble.
		if r := l.starts[c.ID]; r != nil && c.State == "running" && now.After(r.next) {
			delete(l.starts, c.ID)
		}
	}
	maps.DeleteFunc(l.starts, func(id string, _ *retry) bool { return !there[id] })
	maps.DeleteFunc(l.restarts, func(id string, _ restart) bool { return !there[id] })
}

func (l *loop) memory() memory {
	busy := make(map[string]bool, len(l.jobs))
	for name := range l.jobs {
		busy[name] = true
	}
	return memory{busy: busy, images: l.images, apps: l.apps, starts: l.starts, restarts: l.restarts, lives: l.lives, spread: l.spread, versions: l.versions}
}

// forgetSettled forgets the attempts of apps that have nothing to do any more.
func (l *loop) forgetSettled(steps []Step) {
	pending := map[string]bool{}
	for _, s := range steps {
		if s.acts() || s.Verb == Wait && s.Trouble != "" {
			pending[s.App] = true
		}
	}
	settled := func(app string) bool { return !pending[app] && l.jobs[app] == nil }
	maps.DeleteFunc(l.apps, func(app string, _ *trouble) bool { return settled(app) })
	maps.DeleteFunc(l.did, func(app string, _ []Step) bool { return settled(app) })
}

// settled reports whether the containers follow the config, but for the apps that are reported as failing.
func (l *loop) settled(steps []Step) bool {
	open, failing := maps.Clone(l.jobs), map[string]bool{}
	for _, s := range steps {
		if s.Verb != Keep {
			open[s.App] = nil
		}
		if s.Trouble != "" {
			failing[s.App] = true
		}
	}
	for app := range open {
		if !failing[app] {
			return false
		}
	}
	return true
}
