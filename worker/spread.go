package worker

import (
	"maps"
	"math/rand/v2"
	"time"

	"muster/topics"
)

// spreadOut draws for each app that a config changes when that may begin, so that a fleet does not ask its
// registry, and restart, all at once. An app that is changed again while it waits waits no longer for that.
func (l *loop) spreadOut(before, apps map[string]topics.App, now time.Time) {
	maps.DeleteFunc(l.spread, func(name string, due time.Time) bool {
		_, wanted := apps[name]
		return !wanted || !now.Before(due)
	})
	if l.MaxRestartWait <= 0 {
		return
	}
	for name := range apps {
		if _, waits := l.spread[name]; !waits && identify(before, name) != identify(apps, name) {
			l.spread[name] = now.Add(rand.N(l.MaxRestartWait + 1))
		}
	}
}
