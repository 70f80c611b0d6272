package worker

import (
	"reflect"

	"muster/topics"
)

// report tells the managers and the log which apps fail, if that is news.
func (l *loop) report(failing []topics.Failure) {
	if l.unsaved != nil {
		failing = append([]topics.Failure{{App: self, Reason: l.unsaved.retry.reason}}, failing...)
	}
	r := Report{Applied: l.applied, Failing: failing}
	if reflect.DeepEqual(r, l.reported) {
		return
	}
	before := map[string]string{}
	for _, f := range l.reported.Failing {
		before[f.App] = f.Reason
	}
	for _, f := range failing {
		if before[f.App] != f.Reason {
			l.Log.Warn("app does not run as wanted", "app", f.App, "reason", f.Reason)
		}
		delete(before, f.App)
	}
	for app := range before {
		l.Log.Info("app does not fail any more", "app", app)
	}
	if r.Applied != l.reported.Applied {
		l.Log.Info("config applied", "config", r.Applied.String(), "failing_apps", len(failing))
	}
	l.reported = r
	l.Link.SetStatus(r)
}
