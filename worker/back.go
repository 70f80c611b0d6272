package worker

import (
	"fmt"

	"muster/topics"
)

// effective is the version of the app that is to run: what the config says, or the last one that worked where that has
// failed; from is the id of the image to make it from then.
func (p *planner) effective(app topics.App) (run topics.App, from string, bad *failed) {
	known := p.mem.versions[app.AppName]
	if !app.Running || !known.isFailed(app) {
		return app, "", nil
	}
	return known.Good.App, known.Good.ImageID, known.Bad
}

// tell says in the steps of an app what has become of a version that failed.
func (p *planner) tell(w want, steps []Step) []Step {
	known := p.mem.versions[w.app.AppName]
	first := 0
	for first < len(steps) && steps[first].Trouble == "" {
		first++
	}
	switch troubled := first < len(steps); {
	case w.bad != nil:
		if len(steps) == 0 {
			steps = []Step{{Verb: Keep, App: w.app.AppName, Reason: "the version before has no containers on this device"}}
		}
		now := fmt.Sprintf("version %d failed: %s; ", w.bad.AppID, w.bad.Reason)
		if troubled {
			now += fmt.Sprintf("version %d, which worked before, does not run: %s", w.app.AppID, steps[first].Trouble)
			steps[0].Code, steps[0].Trouble = topics.ReasonRollbackFailed, now
			return steps
		}
		now += fmt.Sprintf("version %d, which worked before, is in its place until the app is changed", w.app.AppID)
		steps[0].Code, steps[0].Trouble = topics.ReasonRolledBack, now
	case troubled && w.app.Running && known.Good == nil && p.failure(w) != nil:
		steps[first].Code = topics.ReasonNothingToGoBack
		steps[first].Trouble += "; no version before it is known to work"
	}
	return steps
}
