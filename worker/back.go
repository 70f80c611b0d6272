package worker

import (
	"fmt"
	"slices"

	"muster/topics"
)

// effective is the version of the app that is to run: what the config says, or the last one that worked where that has
// failed; from is the id of the image to make it from then.
func (p *planner) effective(app topics.App) (run topics.App, from string, bad *failed) {
	known := p.mem.versions[app.AppName]
	if !app.Running || !known.isFailed(app) {
		return app, "", nil
	}
	run = known.Good.App
	// The order is the config's, which knows the other apps as they are now: that of another time may be a ring with it.
	run.DependsOn = app.DependsOn
	return run, known.Good.ImageID, known.Bad
}

// tell says in the steps of an app what has become of a version that failed.
func tell(w want, steps []Step) []Step {
	if w.bad == nil {
		return steps
	}
	if len(steps) == 0 {
		steps = []Step{{Verb: Keep, App: w.app.AppName, Reason: "the version before has no containers on this device"}}
	}
	failed := fmt.Sprintf("version %d failed: %s; version %d, which worked before, ", w.bad.AppID, w.bad.Reason, w.app.AppID)
	if i := slices.IndexFunc(steps, func(s Step) bool { return s.Trouble != "" }); i >= 0 {
		steps[0].Code, steps[0].Trouble = topics.ReasonRollbackFailed, failed+"does not run: "+steps[i].Trouble
		return steps
	}
	steps[0].Code, steps[0].Trouble = topics.ReasonRolledBack, failed+"is in its place until the app is changed"
	return steps
}
