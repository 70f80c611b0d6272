package worker

import (
	"context"
	"errors"
	"iter"
	"reflect"
	"slices"
	"time"

	"muster/topics"
)

// start begins a job for each app that has something to do and no job yet.
func (l *loop) start(ctx, finish context.Context, steps []Step) {
	todo := map[string][]Step{}
	for _, s := range steps {
		if s.acts() && l.jobs[s.App] == nil {
			s.Trouble, s.Code = "", "" // told by then
			todo[s.App] = append(todo[s.App], s)
		}
	}
	apps, now := l.wanted(), time.Now()
	for name, steps := range todo {
		app := apps[name]
		ctx, cancel := context.WithCancelCause(ctx)
		j := &job{
			app: name, steps: steps, version: versionOf(app),
			wanted: identify(apps, name), since: now, again: l.apps[name] != nil,
			claims: hostPorts(app, l.facts), cancel: cancel,
		}
		l.jobs[name] = j
		go func() { l.results <- l.crew.do(ctx, finish, j) }()
	}
}

// finished takes in what a job found out.
func (l *loop) finished(r result) {
	now, name := time.Now(), r.job.app
	r.job.cancel(nil)
	delete(l.jobs, name)
	l.round++
	l.look(now)
	for _, id := range r.started {
		if l.starts[id] == nil {
			l.starts[id] = newRetry(firstStartPause, longestStartPause)
		}
		l.starts[id].postpone(now, "")
		if known := l.lives[id]; known != nil && known.state == "exited" {
			known.again++
		}
	}
	for _, id := range r.restarted {
		l.healed(id, now)
	}
	if r.removed {
		l.retryNow(now, func(t *trouble) bool { return t.conflict })
	}
	if r.job.wanted != identify(l.wanted(), name) {
		return // what follows is about an app as it is not wanted any more
	}
	l.learn(r)
	if r.err == nil && r.pulled {
		return // that is only the first half
	}
	if r.err == nil && !l.repeats(r.job) {
		delete(l.apps, name)
		return
	}
	if r.err == nil {
		r.err = errNoEffect
	}
	t := l.apps[name]
	first := t == nil
	if first {
		t = &trouble{retry: newRetry(firstAppPause, longestAppPause), wanted: r.job.wanted}
		l.apps[name] = t
	}
	if r.broke && l.blames(r) {
		t.attempts++
	}
	t.fail(now, r.err)
	if first && r.gone {
		t.next = now // to pull the image
	}
}

// blames reports whether the failure to make or start a container may be the fault of the app's version: not when the
// engine does not answer, when the disk is full, or when a container of another app still has a port that is to become
// free.
func (l *loop) blames(r result) bool {
	switch codeOf(r.err) {
	case topics.ReasonEngineDown, topics.ReasonDiskFull, topics.ReasonDiskSpace:
		return false
	}
	if !errors.Is(r.err, ErrConflict) {
		return true
	}
	wanted := map[int]bool{}
	for _, c := range r.job.claims {
		wanted[c] = true
	}
	return !slices.ContainsFunc(l.seen, func(c Container) bool {
		return c.App != r.job.app && slices.ContainsFunc(c.Ports, func(p int) bool { return wanted[p] })
	})
}

// repeats reports whether the job did what the app's last one did, which therefore had no effect. Starts and
// restarts do not count: what was started may have ended again, and has pauses of its own.
func (l *loop) repeats(j *job) bool {
	did := slices.DeleteFunc(slices.Clone(j.steps), func(s Step) bool { return s.Verb == Start || s.Verb == Restart })
	before := l.did[j.app]
	l.did[j.app] = did
	return len(did) > 0 && reflect.DeepEqual(did, before)
}

// learn keeps what a job found out about the app's image, also for after a restart.
func (l *loop) learn(r result) {
	name := r.job.app
	switch {
	case r.pulled:
		l.images.pulled[name] = r.job.version
		delete(l.images.gone, name)
	case r.gone:
		delete(l.images.pulled, name)
		l.images.gone[name] = r.job.version.Image
	default:
		return
	}
	if err := l.images.save(l.StateDir); err != nil {
		l.Log.Error("the record of pulled images cannot be written; they may be pulled again after a restart", "error", err)
	}
}

// troubles are those of the apps and of the cron_jobs.
func (l *loop) troubles() iter.Seq[*trouble] {
	return func(yield func(*trouble) bool) {
		for _, t := range l.apps {
			if !yield(t) {
				return
			}
		}
		for _, s := range l.cron.jobs {
			if s.trouble != nil && !yield(s.trouble) {
				return
			}
		}
	}
}

// retryNow lets those apps and cron_jobs try again whose trouble may be over.
func (l *loop) retryNow(now time.Time, over func(*trouble) bool) {
	for t := range l.troubles() {
		if over(t) && now.Before(t.next) {
			t.next = now
		}
	}
}
