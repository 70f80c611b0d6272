package worker

import (
	"fmt"
	"time"

	"muster/topics"
)

// cronStates says of each cron_job of the config when it runs and how it last did, in the config's order.
func (l *loop) cronStates() []topics.CronJobState {
	states := []topics.CronJobState{}
	for _, job := range l.held.config.CronJobs {
		s := l.cron.jobs[job.CronJobName]
		if s == nil {
			continue // the config was not looked at yet
		}
		failure := l.cronFailure(s)
		state := topics.CronJobState{
			CronJob: job.CronJobName, CronJobID: job.CronJobID, Last: l.cron.records[job.CronJobName].Last,
			Code: failure.Code, Reason: failure.Reason,
		}
		if job.Running && s.invalid == nil && !s.turn.from.IsZero() {
			state.Next = new(s.turn.next(s.schedule).UTC())
		}
		if run := l.lives[s.going]; run != nil {
			state.Started = new(run.details.Started.UTC())
		}
		states = append(states, state)
	}
	return states
}

// cronFailing lists the cron_jobs that do not run as wanted.
func (l *loop) cronFailing() []topics.Failure {
	var list []topics.Failure
	for _, job := range l.held.config.CronJobs {
		if s := l.cron.jobs[job.CronJobName]; s != nil {
			if f := l.cronFailure(s); f.Code != "" {
				list = append(list, f)
			}
		}
	}
	return list
}

// cronFailure is what is wrong with a cron_job; zero when nothing is.
func (l *loop) cronFailure(s *cronState) topics.Failure {
	name := s.job.CronJobName
	last := l.cron.records[name].Last
	switch {
	case s.invalid != nil && s.job.Running:
		return topics.Failure{CronJob: name, Code: topics.ReasonScheduleInvalid, Reason: fmt.Sprintf("schedule %.80q %v", s.job.Schedule, s.invalid)}
	case s.failure.Code != "":
		return s.failure
	case !s.job.Running:
		return topics.Failure{}
	case s.note.Code != "":
		return s.note
	case last != nil && last.ExitCode != 0:
		return topics.Failure{CronJob: name, Code: topics.ReasonRunFailed,
			Reason: fmt.Sprintf("the run of %s ended with exit code %d", last.Started.Local().Format(time.RFC3339), last.ExitCode)}
	}
	return topics.Failure{}
}
