package worker

import (
	"context"
	"errors"
	"slices"
	"time"

	"muster/topics"
)

// finishedCron takes in what was done about a cron_job.
func (l *loop) finishedCron(r cronResult) {
	now, s := time.Now(), l.cron.jobs[r.cronJob]
	l.cron.open--
	l.round++
	l.look(now)
	if r.pull {
		s.cancel(nil)
		s.pulling, s.cancel = false, nil
		l.pulledCron(now, s, r)
		return
	}
	s.busy = false
	if r.err == nil && s.removed != "" && slices.Contains(r.removed, s.removed) {
		r.err = errNoEffect
	}
	if len(r.removed) > 0 {
		s.removed = r.removed[len(r.removed)-1]
	}
	if !s.wanted() {
		s.postpone(now, r.err)
		return
	}
	if r.ended != nil {
		l.ranCron(s, r)
	}
	if !r.atRun {
		s.postpone(now, r.err)
		return
	}
	l.madeCron(s, r)
}

// postpone has what failed tried again after a while.
func (s *cronState) postpone(now time.Time, err error) {
	if err == nil {
		s.trouble = nil
		return
	}
	if s.trouble == nil {
		s.trouble = &trouble{retry: newRetry(firstAppPause, longestAppPause)}
	}
	s.trouble.fail(now, err)
}

// pulledCron takes in how the pull of a cron_job's image went.
func (l *loop) pulledCron(now time.Time, s *cronState, r cronResult) {
	if !s.wanted() || r.version != s.version() || errors.Is(r.err, context.Canceled) {
		return // nobody wants to know any more
	}
	s.postpone(now, r.err)
	if r.err == nil {
		s.pulled = true
		l.recordCron(r.cronJob, func(c *cronRecord) { c.Pulled = r.version })
	} else if !s.turn.due.IsZero() {
		l.notRun(r.cronJob, s, s.turn.due, r.err)
	}
}

// madeCron takes in whether a run could be made.
func (l *loop) madeCron(s *cronState, r cronResult) {
	due := s.turn.due
	switch {
	case r.err == nil:
		s.turn.due, s.note = time.Time{}, topics.Failure{}
		l.Log.Info("a run of a cron_job has begun", "cron_job", r.cronJob, "due", due.Format(time.RFC3339))
	case r.gone && !s.goneAt.Equal(due):
		s.goneAt, s.pulled = due, false // the run comes after the pull
		l.recordCron(r.cronJob, func(c *cronRecord) { c.Pulled = pulled{} })
	default:
		l.notRun(r.cronJob, s, due, r.err)
	}
}

// ranCron records a run that is over.
func (l *loop) ranCron(s *cronState, r cronResult) {
	s.ended, s.lastStarted = r.container, r.ended.Started
	l.Log.Info("a run of a cron_job is over", "cron_job", r.cronJob, "exit_code", r.ended.ExitCode,
		"started", r.ended.Started, "seconds", r.ended.Seconds)
	l.recordCron(r.cronJob, func(c *cronRecord) { c.Container, c.Last = r.container, r.ended })
}

// recordCron changes what outlives the worker of a cron_job.
func (l *loop) recordCron(name string, change func(*cronRecord)) {
	record := l.cron.records[name]
	change(&record)
	l.cron.records[name] = record
	if err := saveCron(l.StateDir, l.cron.records); err != nil {
		l.Log.Error("the record of cron_jobs cannot be written; results may be lost with a restart", "error", err)
	}
}
