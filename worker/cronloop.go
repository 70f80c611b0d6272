package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"muster/topics"
)

// surveyedCron decides about the cron_jobs by what there is, and has done what is to be done. It reports whether
// something is open before the config is applied.
func (l *loop) surveyedCron(ctx, finish context.Context, seen []Container, now time.Time) (open bool) {
	mem := make(map[string]cronMemory, len(l.cron.jobs))
	for name, s := range l.cron.jobs {
		mem[name] = s.cronMemory
	}
	decided := map[string]bool{}
	for _, d := range planCron(l.held.config.CronJobs, seen, mem, now) {
		decided[d.cronJob] = true
		s := l.cron.jobs[d.cronJob]
		if s == nil {
			s = &cronState{} // of a config that is not in force any more
			l.cron.jobs[d.cronJob] = s
		}
		l.applyCron(ctx, finish, s, d, now)
		open = open || d.open && s.trouble == nil
	}
	for name, s := range l.cron.jobs {
		if !decided[name] && !s.busy && !s.pulling {
			delete(l.cron.jobs, name)
		}
	}
	return open
}

// applyCron takes over what was decided about one cron_job, and has it done.
func (l *loop) applyCron(ctx, finish context.Context, s *cronState, d cronDecision, now time.Time) {
	s.turn, s.going, s.failure = d.turn, d.going, topics.Failure{}
	l.tellMissed(s, d)
	var todo []Step
	quiet := !s.busy && !s.pulling
	for _, step := range d.steps {
		quiet = quiet && !step.acts() && step.Trouble == ""
		if step.Trouble != "" && s.failure.Code == "" {
			s.failure = topics.Failure{CronJob: d.cronJob, Code: step.Code, Reason: step.Trouble}
		}
		if !step.Again.IsZero() {
			l.look(step.Again)
		}
		switch {
		case step.Verb == Pull:
			l.beginPull(ctx, s, step)
		case step.acts():
			todo = append(todo, step)
		}
	}
	if quiet {
		s.trouble = nil
	}
	if len(todo) > 0 {
		s.busy = true
		l.cron.open++
		go func() { l.cron.results <- l.crew.doCron(finish, todo) }()
	}
	if s.wanted() && s.invalid == nil && s.job.Running {
		l.look(alarm(now, s.turn.next(s.schedule)))
	}
}

// alarm is a time of the clock as one that comes when so much time has passed. The clock may jump meanwhile, and the
// loop is not to sleep until it shows what it was to show.
func alarm(now, at time.Time) time.Time { return now.Add(at.Sub(now.Round(0))) }

// tellMissed says which runs were due and are not made.
func (l *loop) tellMissed(s *cronState, d cronDecision) {
	if !d.missed.IsZero() {
		l.Log.Warn("a run of a cron_job was missed: the clock was put forward, the device or the worker did not run, or an image came too late",
			"cron_job", d.cronJob, "due", d.missed.Format(time.RFC3339))
	}
	if !d.skipped.IsZero() {
		s.note = topics.Failure{CronJob: d.cronJob, Code: topics.ReasonRunSkipped,
			Reason: "the run due at " + d.skipped.Format(time.RFC3339) + " was skipped, because the one before was not over"}
		l.Log.Warn("a run of a cron_job was skipped, because the one before is not over",
			"cron_job", d.cronJob, "due", d.skipped.Format(time.RFC3339))
	}
}

// missCron gives up all runs that are due by now: the engine does not answer.
func (l *loop) missCron(now time.Time, err error) {
	for name, s := range l.cron.jobs {
		if !s.wanted() || s.invalid != nil || !s.job.Running || s.busy {
			continue
		}
		if s.turn.from.IsZero() {
			s.turn = begin(now, s.lastStarted, false)
		}
		came, missed := s.turn.move(s.schedule, now)
		for _, due := range []time.Time{missed, s.turn.due, came} {
			if !due.IsZero() {
				l.notRun(name, s, due, err)
			}
		}
	}
}

// notRun notes that the run that was due could not be made. It has no other time.
func (l *loop) notRun(name string, s *cronState, due time.Time, err error) {
	s.turn.due = time.Time{}
	s.note = topics.Failure{CronJob: name, Code: codeOf(err),
		Reason: fmt.Sprintf("the run due at %s could not be made: %v", due.Format(time.RFC3339), err)}
	l.Log.Warn("a run of a cron_job was missed", "cron_job", name, "due", due.Format(time.RFC3339), "error", err)
}

// beginPull has the image of a cron_job fetched.
func (l *loop) beginPull(ctx context.Context, s *cronState, step Step) {
	ctx, cancel := context.WithCancelCause(ctx)
	version, now, again := s.version(), time.Now(), s.trouble != nil
	s.pulling, s.cancel = true, cancel
	l.cron.open++
	go func() { l.cron.results <- l.crew.pullCron(ctx, step, version, now, again) }()
}

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
