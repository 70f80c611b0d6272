package worker

import (
	"reflect"
	"time"

	"muster/topics"
)

// report tells the managers and the log how the device is, if that is news.
func (l *loop) report(failing []topics.Failure) {
	if l.unsaved != nil {
		failing = append([]topics.Failure{{App: self, Code: topics.ReasonStateUnsaved, Reason: l.unsaved.retry.reason}}, failing...)
	}
	if l.pruning.failed != nil {
		failing = append([]topics.Failure{{App: self, Code: topics.ReasonPruneFailed, Reason: l.pruning.failed.reason}}, failing...)
	}
	r := l.describe(failing)
	if same(r, l.reported) {
		return
	}
	before := map[topics.Failure]string{}
	for _, f := range l.reported.Failing {
		before[subject(f)] = f.Reason
	}
	for _, f := range failing {
		if before[subject(f)] != f.Reason {
			l.Log.Warn("does not run as wanted", "app", f.App, "cron_job", f.CronJob, "code", string(f.Code), "reason", f.Reason)
		}
		delete(before, subject(f))
	}
	for f := range before {
		l.Log.Info("does not fail any more", "app", f.App, "cron_job", f.CronJob)
	}
	if r.Version != l.reported.Version {
		l.Log.Info("config applied", "config", r.Version.String(), "failing", len(failing))
	}
	l.reported = r
	l.Link.SetReport(r)
}

// describe is the report as of now.
func (l *loop) describe(failing []topics.Failure) topics.Report {
	r := topics.Report{
		DeviceGroup: l.Group, Version: l.applied, Wanted: l.version(), Phase: topics.PhaseUpdating,
		Failing: failing, Pruned: l.pruning.record.Last, At: time.Now(),
	}
	switch {
	case l.held.group == "":
		r.Phase = topics.PhaseWaiting
	case r.Version == r.Wanted:
		r.Phase = topics.PhaseSettled
	}
	return r
}

// counts are how often the engine, and how often the worker, started the container again, since the worker first saw it and
// as far as it saw it.
func (l *loop) counts(id string) (engine, health int) {
	if known := l.lives[id]; known != nil {
		return known.restarts, known.heals
	}
	return 0, 0
}

// same reports whether two reports say the same, but for when.
func same(a, b topics.Report) bool {
	a.At, b.At = time.Time{}, time.Time{}
	return reflect.DeepEqual(a, b)
}

// subject is what a failure is about.
func subject(f topics.Failure) topics.Failure { return topics.Failure{App: f.App, CronJob: f.CronJob} }
