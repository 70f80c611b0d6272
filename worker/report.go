package worker

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"time"

	"muster/topics"
	"muster/worker/durable"
)

// reportFile is the file in the state directory that says what the device runs, for those who look at it without the
// managers. Nothing reads it but people's tools.
const reportFile = "report.json"

// LoadReport reads what the worker of that state directory last said of itself, without the facts of the machine. It
// wraps [os.ErrNotExist] when none did.
func LoadReport(dir string) (topics.Report, error) {
	path := filepath.Join(dir, reportFile)
	data, err := os.ReadFile(path)
	if err != nil {
		return topics.Report{}, err
	}
	var r topics.Report
	if err := json.Unmarshal(data, &r); err != nil {
		return topics.Report{}, fmt.Errorf("read %s: %w", path, err)
	}
	return r, nil
}

// report tells the managers, the log and the state directory how the device is, if that is news.
func (l *loop) report(failing []topics.Failure) {
	if l.unsaved != nil {
		failing = append([]topics.Failure{{App: self, Code: topics.ReasonStateUnsaved, Reason: l.unsaved.retry.reason}}, failing...)
	}
	if l.pruning.failed != nil {
		failing = append([]topics.Failure{{App: self, Code: topics.ReasonPruneFailed, Reason: l.pruning.failed.reason}}, failing...)
	}
	if l.versionsError != "" {
		failing = append([]topics.Failure{{App: self, Code: topics.ReasonStateUnsaved, Reason: l.versionsError}}, failing...)
	}
	r := l.describe(failing)
	if same(r, l.reported) || same(steady(r), steady(l.reported)) && r.At.Before(l.reported.At.Add(quietGap)) {
		return
	}
	before := map[topics.Failure]string{}
	for _, f := range l.reported.Failing {
		before[subject(f)] = f.Reason
	}
	for _, f := range failing {
		if before[subject(f)] != f.Reason {
			kind, name := subjectOf(f.App, f.CronJob)
			l.Log.Warn("does not run as wanted", kind, name, "code", string(f.Code), "reason", f.Reason)
		}
		delete(before, subject(f))
	}
	for f := range before {
		kind, name := subjectOf(f.App, f.CronJob)
		l.Log.Info("does not fail any more", kind, name)
	}
	if r.Version != l.reported.Version {
		l.Log.Info("config applied", "config", r.Version.String(), "failing", len(failing))
	}
	l.tell(r)
}

// tell gives the report to those who want to know.
func (l *loop) tell(r topics.Report) {
	l.reported = r
	l.Link.SetReport(r)
	data, err := json.Marshal(r)
	if err == nil {
		err = durable.WriteLoose(filepath.Join(l.StateDir, reportFile), data)
	}
	switch {
	case err != nil && l.reportLost == nil:
		l.Log.Warn("the report cannot be written to disk; muster-worker status shows an old one", "error", err)
	case err == nil && l.reportLost != nil:
		l.Log.Info("the report is written to disk again")
	}
	l.reportLost = err
}

// describe is the report as of now.
func (l *loop) describe(failing []topics.Failure) topics.Report {
	r := topics.Report{
		Device: l.Device, DeviceGroup: l.Group, Agent: l.Agent, Version: l.applied, Wanted: l.version(), Phase: topics.PhaseUpdating,
		Failing: failing, Apps: l.appStates(failing), CronJobs: l.cronStates(), Pruned: l.pruning.record.Last, At: time.Now(),
		Machine: topics.Machine{
			Hostname: l.facts.Hostname, OS: l.facts.OS, Kernel: l.facts.Kernel, Architecture: l.facts.Architecture, Engine: l.facts.Version,
		},
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

// quietGap is how long what is no news waits for something that is.
const quietGap = 5 * time.Minute

// steady is the report without what changes all the time while a container keeps ending: how often it was started
// again, and whether it runs at this moment.
func steady(r topics.Report) topics.Report {
	apps := make([]topics.AppState, 0, len(r.Apps))
	for _, a := range r.Apps {
		containers := make([]topics.ContainerState, 0, len(a.Containers))
		for _, c := range a.Containers {
			c.EngineRestarts, c.HealthRestarts = 0, 0
			if a.Code != "" && c.State == "restarting" {
				c.State = "running"
			}
			containers = append(containers, c)
		}
		a.Containers = containers
		apps = append(apps, a)
	}
	r.Apps = apps
	return r
}

// same reports whether two reports say the same, but for when.
func same(a, b topics.Report) bool {
	a.At, b.At = time.Time{}, time.Time{}
	return reflect.DeepEqual(a, b)
}

// subject is what a failure is about.
func subject(f topics.Failure) topics.Failure { return topics.Failure{App: f.App, CronJob: f.CronJob} }

// subjectOf is how the log names an app or a cron_job, of which one is empty.
func subjectOf(app, cronJob string) (kind, name string) {
	if cronJob != "" {
		return "cron_job", cronJob
	}
	return "app", app
}
