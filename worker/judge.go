package worker

import (
	"fmt"
	"slices"
	"time"

	"muster/topics"
)

// How often a version on trial may end, or fail to be made or started, before it is given up.
const (
	maxEnds     = 3
	maxAttempts = 3
	// endingTime is how long it has to end again and again: engines start what ends three times within a second, and
	// what it waits for may take longer than that to come up.
	endingTime = 10 * time.Second
)

// A verdict is what has become of the version of an app that was on trial: one of good and bad is set.
type verdict struct {
	app  string
	good *proven
	bad  *failed
}

// judge decides about the versions of the config's apps that are on trial: those that were never up. A version is good
// when all its containers are healthy, or have run for a minute where they have no health check. It is bad when it fails
// and there is a good one to go back to. It depends on its arguments only and changes none of them.
func judge(config topics.Config, seen []Container, facts Facts, mem memory, now time.Time) []verdict {
	p := planner{facts: facts, mem: mem, now: now}
	byApp := appsOf(seen)
	var list []verdict
	for _, app := range config.Apps {
		known := mem.versions[app.AppName]
		if known.isProven(app) || known.isFailed(app) {
			continue
		}
		w := newWant(app, byApp[app.AppName], facts)
		switch bad := p.failure(w); {
		case p.works(w):
			list = append(list, verdict{app: app.AppName, good: &proven{App: app, ImageID: w.imageID()}})
		case bad != nil && known.helps(app, bad.ImageID) && p.stood(config, byApp, app):
			list = append(list, verdict{app: app.AppName, bad: bad})
		}
	}
	return list
}

// stood reports whether all that the app depends on is up, so that what fails is its own fault.
func (p *planner) stood(config topics.Config, byApp map[string][]Container, app topics.App) bool {
	up := map[string]bool{}
	for _, other := range config.Apps {
		if slices.Contains(app.DependsOn, other.AppName) && other.Running {
			run, _, _ := p.effective(other)
			up[other.AppName] = p.stands(newWant(run, byApp[other.AppName], p.facts)).up
		}
	}
	return !slices.ContainsFunc(app.DependsOn, func(name string) bool { return !up[name] })
}

// works reports whether all containers of the app were up for long enough.
func (p *planner) works(w want) bool {
	for _, s := range w.slots {
		if s.match == nil {
			return false
		}
		if ok, _ := p.steady(*s.match, settled); !ok && (!s.ended() || !succeeded(*s.match)) {
			return false
		}
	}
	return len(w.slots) > 0
}

// failure says why the version of the app that is wanted does not work, nil when that is not known yet.
func (p *planner) failure(w want) *failed {
	fail := func(code topics.Reason, format string, args ...any) *failed {
		return &failed{
			Wanted: fingerprint(w.app), AppID: w.app.AppID, ImageID: w.imageID(),
			Code: code, Reason: fmt.Sprintf(format, args...),
		}
	}
	for _, s := range w.slots {
		if s.match == nil {
			continue
		}
		c, l := s.match, p.mem.lives[s.match.ID]
		switch {
		case c.State == "running" && c.Health == "unhealthy" && (l == nil || l.excused.IsZero() || l.up.After(l.excused)):
			return fail(topics.ReasonUnhealthy, "%s is unhealthy", c.Name)
		case l != nil && l.restarts-l.calm >= maxEnds && !p.now.Before(l.ending.Add(endingTime)):
			return fail(topics.ReasonRestarting, "%s keeps restarting%s", c.Name, p.lastExit(*c))
		case l != nil && l.failed && s.ended() && !succeeded(*c):
			return fail(topics.ReasonExited, "%s has ended%s", c.Name, p.lastExit(*c))
		case l != nil && l.again >= maxEnds:
			return fail(topics.ReasonExited, "%s ends again and again%s", c.Name, p.lastExit(*c))
		}
	}
	if t := p.mem.apps[w.app.AppName]; t != nil && t.attempts >= maxAttempts && p.harmed(w) {
		return fail(t.code, "%s", t.reason)
	}
	return nil
}

// lastExit is the exit code of the container's last end, in words; empty when it is not known.
func (p *planner) lastExit(c Container) string {
	if code := exitCode(c.Detail); code != "" {
		return code
	}
	if last, ok := p.mem.restarts[c.ID]; ok && last.code != "" {
		return last.code
	}
	if l := p.mem.lives[c.ID]; l != nil && !l.details.Finished.IsZero() {
		return fmt.Sprintf(" with exit code %d", l.details.ExitCode)
	}
	return ""
}

// harmed reports whether the app has fewer running containers than it had before: a version that cannot be made, while
// the one before runs on untouched, is tried again and again instead.
func (p *planner) harmed(w want) bool {
	before := w.app
	if known := p.mem.versions[before.AppName]; known.Good != nil {
		before = known.Good.App
	}
	count := before.ContainersPer.Containers(p.facts.CPUs, p.facts.MemoryMB)
	running := map[int]bool{}
	for _, c := range w.seen {
		running[c.Index] = running[c.Index] || c.State == "running"
	}
	for i := range min(count, maxContainers) {
		if !running[i] {
			return true
		}
	}
	return false
}

// imageID is the id of the image that the app's containers were made from; empty when none is made.
func (w want) imageID() string {
	for _, s := range w.slots {
		if s.match != nil {
			return s.match.ImageID
		}
	}
	return ""
}

// judge takes in what has become of the versions on trial, on the disk too, before anything is done about it.
func (l *loop) judge(seen []Container, now time.Time) {
	l.excuse(seen, now)
	for _, v := range judge(l.held.config, seen, l.facts, l.memory(), now) {
		r := l.versions[v.app]
		if v.good != nil {
			r = history{Good: v.good}
			l.Log.Info("version works", "app", v.app, "app_id", v.good.App.AppID, "image_id", v.good.ImageID)
		} else {
			r.Bad = v.bad
			l.Log.Warn("version does not work; going back", "app", v.app, "app_id", v.bad.AppID, "to", r.Good.App.AppID,
				"code", string(v.bad.Code), "reason", v.bad.Reason)
			// These were about the version that is given up.
			delete(l.apps, v.app)
			delete(l.did, v.app)
		}
		l.versions[v.app] = r
		l.versionsDirty = true
	}
	l.saveVersions()
}

// saveVersions writes the records to the disk where they changed. When that fails, it is tried again after each look at the
// containers: meanwhile a worker that is killed may try again what has failed.
func (l *loop) saveVersions() {
	if !l.versionsDirty {
		return
	}
	err := l.versions.save(l.StateDir)
	if err != nil && l.versionsError != err.Error() {
		l.Log.Error("the record of the versions that work cannot be written", "error", err)
	}
	l.versionsDirty, l.versionsError = err != nil, ""
	if err != nil {
		l.versionsError = err.Error()
	}
}
