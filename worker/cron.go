package worker

import (
	"context"
	"math/rand/v2"
	"os"
	"strings"
	"time"

	"muster/topics"
	"muster/topics/schedule"
)

// A crontab is the loop's state of the device's cron_jobs.
type crontab struct {
	// jobs are by name: those of the config, and others whose containers are being removed.
	jobs map[string]*cronState
	// records is what is in the file.
	records map[string]cronRecord
	// open counts what is being done by goroutines, which send to results.
	open    int
	results chan cronResult
}

// A cronState is what the loop knows of one cron_job.
type cronState struct {
	cronMemory
	// job is as the config has it; zero when it does not.
	job topics.CronJob
	// cancel ends the pull, if there is one.
	cancel context.CancelCauseFunc
	// note is why the last run that was due did not take place; zero when it did.
	note topics.Failure
	// failure is the first that the steps show; zero when they show none.
	failure topics.Failure
	// going is the container of the run that is going on; empty when none is.
	going string
	// goneAt is the run that was due when its image was found to be gone, and removed the container that was
	// removed last: the same once more is an end to it.
	goneAt  time.Time
	removed string
}

func newCrontab(records map[string]cronRecord) crontab {
	return crontab{jobs: map[string]*cronState{}, records: records, results: make(chan cronResult)}
}

// beginCron says by which clock cron_jobs go, and takes those of the config on disk.
func (l *loop) beginCron() {
	now := time.Now()
	l.Log.Info("cron_jobs go by the device's clock", "time", now.Format(time.RFC3339), "zone", now.Format("MST"))
	if name := strings.TrimPrefix(os.Getenv("TZ"), ":"); !strings.HasPrefix(name, "/") {
		if _, err := time.LoadLocation(name); err != nil {
			l.Log.Warn("TZ names a time zone that is not on this device; cron_jobs go by UTC", "error", err)
		}
	}
	l.takeCron(now, turn{}, false)
}

// takeCron takes the cron_jobs of the config in force. Those that are new or have a new schedule begin with the turn;
// when spread says so, the images of those that changed are pulled at a time of the device's own.
func (l *loop) takeCron(now time.Time, first turn, spread bool) {
	wanted := map[string]bool{}
	for _, job := range l.held.config.CronJobs {
		name := job.CronJobName
		wanted[name] = true
		s := l.cron.jobs[name]
		if s == nil {
			s = &cronState{}
			l.cron.jobs[name] = s
		}
		if fingerprint(s.job) == fingerprint(job) {
			continue
		}
		if s.job.Schedule != job.Schedule {
			s.turn = first
			s.schedule, s.invalid = schedule.Parse(job.Schedule)
		}
		s.job, s.note, s.trouble = job, topics.Failure{}, nil
		s.recall(l.cron.records[name])
		if spread && l.MaxRestartWait > 0 && !now.Before(s.spread) {
			s.spread = now.Add(rand.N(l.MaxRestartWait + 1))
		}
		s.supersede()
	}
	for name, s := range l.cron.jobs {
		if !wanted[name] {
			delete(l.cron.records, name)
			s.supersede()
			*s = cronState{cronMemory: cronMemory{pulling: s.pulling, busy: s.busy}, cancel: s.cancel, removed: s.removed}
		}
	}
}

// recall takes over what was recorded.
func (s *cronState) recall(r cronRecord) {
	s.pulled = r.Pulled == s.version()
	s.ended = r.Container
	if r.Last != nil {
		s.lastStarted = r.Last.Started
	}
}

// supersede ends a pull that nobody wants any more.
func (s *cronState) supersede() {
	if s.cancel != nil {
		s.cancel(errSuperseded)
	}
}

// version is what the image is fetched for.
func (s *cronState) version() pulled {
	return pulled{AppID: s.job.CronJobID, Image: s.job.DockerImage}
}

// wanted reports whether the config has the cron_job.
func (s *cronState) wanted() bool { return s.job.CronJobName != "" }
