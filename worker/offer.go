package worker

import (
	"fmt"
	"maps"
	"time"

	"muster/topics"
)

// self stands for the worker in the list of failing apps. It is no valid name of an app.
const self = "(worker)"

// unsaved is a config that is to be taken once it is on the disk.
type unsaved struct {
	state state
	from  string
	retry *retry
}

// offer takes the config if it is the newest of this worker's device_group, and refuses it otherwise. Nothing
// else decides which config is run.
func (l *loop) offer(o Offered) {
	newest := l.version()
	if l.unsaved != nil {
		newest = l.unsaved.state.config.Version
	}
	v := o.Config.Version
	switch {
	case o.Config.DeviceGroup != l.Group:
		l.complain("it is of another device_group", o)
	case v.Newer(newest):
		l.take(o)
	case v == newest && l.digest() != o.Config.SHA256:
		l.complain("it differs from the one of the same version that is in force", o)
	case v != newest:
		l.complain("it is older than the one in force", o)
	}
}

// digest is that of the newest config's content.
func (l *loop) digest() string {
	if l.unsaved != nil {
		return l.unsaved.state.config.SHA256
	}
	return l.held.config.SHA256
}

// complain logs why a config is not taken, once for as long as the same is repeated.
func (l *loop) complain(why string, o Offered) {
	complaint := fmt.Sprint(why, o.Config.DeviceGroup, o.Config.Version)
	if complaint == l.complaint {
		return
	}
	l.complaint = complaint
	l.Log.Warn("config ignored", "why", why, "config", o.Config.Version.String(), "of", o.Config.DeviceGroup, "from", o.From,
		"in_force", l.version().String(), "device_group", l.Group)
}

// take makes a config the next one to run, once it is on the disk.
func (l *loop) take(o Offered) {
	l.complaint = ""
	l.unsaved = &unsaved{
		state: state{group: l.Group, payload: o.Payload, config: o.Config},
		from:  o.From,
		retry: newRetry(firstSavePause, longestSavePause),
	}
	l.save(time.Now())
}

// save writes the config to disk, and only then puts it in force.
func (l *loop) save(now time.Time) {
	u := l.unsaved
	if err := u.state.save(l.StateDir); err != nil {
		u.retry.postpone(now, fmt.Sprintf("config %s cannot be written to disk: %v", u.state.config.Version, err))
		l.Log.Error("config not taken: it cannot be written to disk", "config", u.state.config.Version.String(),
			"error", err, "next_try", u.retry.next.UTC())
		l.look(now) // to show it in the status
		return
	}
	l.Log.Info("config taken", "config", u.state.config.Version.String(), "from", u.from, "before", l.version().String())
	before, first := l.wanted(), l.held.group != l.Group
	l.held, l.unsaved = u.state, nil
	if l.pruning.cancel != nil {
		l.pruning.cancel() // it knows nothing of what this config needs
	}
	l.Link.Have(l.held.config.Version)

	apps := l.wanted()
	if !first {
		l.spreadOut(before, apps, now)
	}
	l.forgetGone()
	l.takeCron(now, turn{from: now}, !first)
	for name, j := range l.jobs {
		if j.wanted != identify(apps, name) {
			j.cancel(errSuperseded)
		}
	}
	// An app that was changed is tried afresh.
	maps.DeleteFunc(l.apps, func(name string, t *trouble) bool { return t.wanted != identify(apps, name) })
	l.look(now)
}

// forgetGone drops what was learnt about apps that the config in force does not have.
func (l *loop) forgetGone() {
	apps := l.wanted()
	l.images.forget(apps)
	if l.versions.forget(apps) {
		l.versionsDirty = true
	}
}

// wanted are the apps of the config in force, by name.
func (l *loop) wanted() map[string]topics.App {
	apps := make(map[string]topics.App, len(l.held.config.Apps))
	for _, app := range l.held.config.Apps {
		apps[app.AppName] = app
	}
	return apps
}

// identify is the [fingerprint] of an app; empty when there is no such app.
func identify(apps map[string]topics.App, name string) string {
	app, ok := apps[name]
	if !ok {
		return ""
	}
	return fingerprint(app)
}
