package worker

import (
	"fmt"
	"slices"
	"time"

	"muster/topics"
	"muster/topics/schedule"
)

// A cronMemory is what the worker remembers of one cron_job, for planCron to read.
type cronMemory struct {
	schedule schedule.Schedule
	// invalid says why the schedule is none; nil when it is one.
	invalid error
	turn    turn
	// pulling says that its image is being fetched, busy that something is being done about its containers.
	pulling, busy bool
	// pulled says that its image was fetched for the version that the config has.
	pulled bool
	// spread is when the pull may begin that a config asks for; what is due does not wait for it.
	spread time.Time
	// ended is the container whose end is recorded.
	ended string
	// lastStarted is when the last run began that is over; zero when there was none.
	lastStarted time.Time
	// trouble is the last attempt that failed at anything but a run; nil when none did since.
	trouble *trouble
}

// A cronDecision is what is decided about one cron_job.
type cronDecision struct {
	cronJob string
	// turn is where the job is in its schedule by now.
	turn turn
	// missed is when a run was due that is not made any more, skipped when one was while the one before was not
	// over; zero when there is none.
	missed, skipped time.Time
	// going is the container of the run that is going on; empty when none is.
	going string
	// steps are to be taken in their order; a pull apart from the others.
	steps []Step
	// open says that something is to be done, or being done, before the config is applied.
	open bool
}

// planCron decides about every cron_job of the config and about every container of one that is seen. Those of
// different cron_jobs do not depend on each other. It depends on its arguments only and changes none of them.
func planCron(jobs []topics.CronJob, seen []Container, mem map[string]cronMemory, now time.Time) []cronDecision {
	byJob := map[string][]Container{}
	for _, c := range seen {
		if c.CronJob != "" {
			byJob[c.CronJob] = append(byJob[c.CronJob], c)
		}
	}
	var decisions []cronDecision
	for _, job := range jobs {
		p := cronPlanner{job: job, seen: byJob[job.CronJobName], mem: mem[job.CronJobName], now: now}
		decisions = append(decisions, p.decide())
		delete(byJob, job.CronJobName)
	}
	var strays []string
	for name := range byJob {
		strays = append(strays, name)
	}
	slices.Sort(strays)
	for _, name := range strays {
		p := cronPlanner{mem: mem[name], now: now}
		d := cronDecision{cronJob: name, steps: removeAll(byJob[name], "the cron_job is not in the config"), open: true}
		p.gate(&d)
		decisions = append(decisions, d)
	}
	return decisions
}

// A cronPlanner decides about one cron_job.
type cronPlanner struct {
	job  topics.CronJob
	seen []Container
	mem  cronMemory
	now  time.Time
}

func (p *cronPlanner) decide() cronDecision {
	d := cronDecision{cronJob: p.job.CronJobName, turn: p.mem.turn}
	for _, c := range p.seen {
		d.steps = append(d.steps, p.container(c))
		if runs(c) {
			d.going = c.ID
		}
	}
	if !p.job.Running || p.mem.invalid != nil {
		d.turn = turn{from: p.now}
		d.open = d.going != "" && !p.job.Running
		p.gate(&d)
		return d
	}
	p.time(&d)
	switch {
	case p.mem.pulling:
		d.open = !p.mem.pulled
	case !p.mem.pulled && p.now.Before(p.mem.spread) && d.turn.due.IsZero():
		d.open = true
		d.steps = append(d.steps, Step{Verb: Wait, CronJob: d.cronJob, Image: p.job.DockerImage, Again: p.mem.spread,
			Reason: "so that not all devices pull at once"})
	case !p.mem.pulled:
		d.open = true
		d.steps = append(d.steps, Step{Verb: Pull, CronJob: d.cronJob, Image: p.job.DockerImage,
			Reason: fmt.Sprintf("not yet pulled for cron_job_id %d", p.job.CronJobID)})
	case !d.turn.due.IsZero() && len(p.seen) == 0:
		spec := NewCronSpec(p.job)
		d.steps = append(d.steps, Step{Verb: Run, CronJob: d.cronJob, Container: spec.Name(), Spec: spec,
			Reason: "due at " + d.turn.due.UTC().Format(time.TimeOnly) + " UTC"})
	}
	p.gate(&d)
	return d
}

// time moves on in the schedule.
func (p *cronPlanner) time(d *cronDecision) {
	if d.turn.from.IsZero() {
		d.turn = begin(p.now, p.mem.lastStarted, slices.ContainsFunc(p.seen, begun))
	}
	var came time.Time
	came, d.missed = d.turn.move(p.mem.schedule, p.now)
	switch late := p.now.Sub(d.turn.due); {
	case d.turn.due.IsZero():
	case !p.mem.busy && (late > maxPullWait || late < -maxBack):
		d.missed, d.turn.due = d.turn.due, time.Time{}
	}
	switch {
	case came.IsZero():
	case d.going != "" || !d.turn.due.IsZero():
		d.skipped = came
	default:
		d.turn.due = came
	}
}

// begun reports whether the container was ever started.
func begun(c Container) bool { return c.Spec != "" && c.State != "created" }

// runs reports whether a run is going on in the container.
func runs(c Container) bool {
	return begun(c) && c.State != "exited" && c.State != "dead" && c.State != "removing"
}

// container decides about a container of a cron_job that is in the config.
func (p *cronPlanner) container(c Container) Step {
	switch {
	case c.State == "removing":
		return on(c, Wait, "the engine is removing it")
	case !begun(c):
		return on(c, Remove, "was never started")
	case !runs(c) && c.ID == p.mem.ended:
		return on(c, Remove, "has ended")
	case !runs(c):
		return on(c, Record, "has ended")
	case !p.job.Running:
		return on(c, Remove, "the cron_job is not to run")
	case c.State == "paused":
		step := on(c, Keep, "was paused on the device")
		step.Code, step.Trouble = topics.ReasonPaused, c.Name+" is paused"
		return step
	}
	return on(c, Keep, "runs")
}

// gate lets only what nothing stands in the way of be done now. What is due does not wait for the pause after a
// failure, since it has no other time.
func (p *cronPlanner) gate(d *cronDecision) {
	for i := range d.steps {
		s := &d.steps[i]
		if !s.acts() {
			continue
		}
		if t := p.mem.trouble; t != nil && s.Verb != Run {
			s.Code = t.code
			s.Trouble = fmt.Sprintf("%s; next try at %s UTC", t.reason, t.next.UTC().Format(time.TimeOnly))
			if p.now.Before(t.next) && (s.Verb != Pull || d.turn.due.IsZero()) {
				s.Verb, s.Again = Wait, t.next
			}
		}
		if p.mem.busy && s.Verb != Pull {
			s.Verb = Wait
		}
	}
}
