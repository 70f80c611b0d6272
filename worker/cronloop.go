package worker

import (
	"context"
	"fmt"
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
