package worker

import (
	"context"
	"runtime/debug"
	"time"

	"muster/topics"
)

// eventGap is the shortest time between two looks at the containers that events ask for.
const eventGap = time.Second

// stopTime is how long jobs that have removed containers may go on replacing them when the worker stops.
const stopTime = 20 * time.Second

// A loop owns all state of the worker. Everything else sends to it.
type loop struct {
	Options
	crew crew

	// held is the config to run; zero before the first one.
	held state
	// unsaved is a newer config that could not be written to disk yet, nil when there is none.
	unsaved *unsaved
	images  images
	taken   taken
	facts   Facts
	// applied is the last version that the containers were seen to follow, also by an earlier worker.
	applied  topics.Version
	reported topics.Report
	// seen and steps are what the last plan was made from and what it was, for the report; reportLost is why the report
	// could not be written down.
	seen       []Container
	steps      []Step
	reportLost error
	// complaint is the last thing logged about a config that was not taken.
	complaint string

	apps   map[string]*trouble
	starts map[string]*retry
	// spread says when what a config changed of an app may begin, by app.
	spread   map[string]time.Time
	restarts map[string]restart
	lives    map[string]*life
	// versions are which versions of the apps work; versionsDirty says that the disk does not have them yet, and
	// versionsError why not.
	versions      versions
	versionsDirty bool
	versionsError string
	// engineDown says when to ask an engine again that does not answer; nil while it does.
	engineDown *retry

	pruning pruning

	// surveying says that the engine is being asked what there is; round counts the jobs that have ended.
	surveying bool
	surveys   chan survey
	round     int

	cron crontab

	jobs map[string]*job
	// did holds the steps that an app's last job took without an error, until the app is settled.
	did     map[string][]Step
	results chan result
	// due is when to look at the containers next, last when they were looked at.
	due, last time.Time
	// beatDue is when to tell next that the loop goes on.
	beatDue time.Time
}

func newLoop(o Options, held state, left records) *loop {
	space := &space{engine: o.Engine, reserve: o.DiskReserve, log: o.Log}
	return &loop{
		Options: o,
		crew:    crew{engine: o.Engine, progress: o.Link.Progress, log: o.Log, pulls: newPulls(o.Engine, space, o.MaxPulls)},
		held:    held, images: left.images, versions: left.versions, taken: left.taken,
		applied: left.applied, reported: topics.Report{DeviceGroup: o.Group, Version: left.applied},
		apps: map[string]*trouble{}, starts: map[string]*retry{}, spread: map[string]time.Time{},
		restarts: map[string]restart{}, lives: map[string]*life{},
		pruning: newPruning(left.pruned), cron: newCrontab(left.cron),
		surveys: make(chan survey, 1), // nobody may wait for it any more
		jobs:    map[string]*job{}, did: map[string][]Step{}, results: make(chan result),
	}
}

// run works until ctx ends, and then until its jobs have.
func (l *loop) run(ctx context.Context) {
	// finish lets jobs replace what they have removed after ctx has ended.
	finish, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()

	l.begin()
	l.forgetGone() // should the worker before have ended between a config and this
	l.beginCron()
	events := l.Engine.Events(ctx)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		now := time.Now()
		if l.unsaved != nil && !now.Before(l.unsaved.retry.next) {
			l.save(now)
		}
		if !l.surveying && !now.Before(l.due) {
			l.survey(ctx, now)
		}
		timer.Reset(l.beat(now, time.Until(l.wake())))
		select {
		case <-ctx.Done():
		case <-timer.C:
		case o := <-l.Link.Configs():
			l.offer(o)
		case <-events:
			l.look(l.last.Add(eventGap))
		case s := <-l.surveys:
			l.surveyed(ctx, finish, s)
		case r := <-l.pruning.results:
			l.pruned(ctx, r)
		case r := <-l.results:
			l.finished(r)
			l.rest()
		case r := <-l.cron.results:
			l.finishedCron(r)
			l.rest()
		}
	}
	defer time.AfterFunc(stopTime, cancel).Stop()
	for len(l.jobs) > 0 || l.cron.open > 0 {
		select {
		case r := <-l.results:
			l.finished(r)
		case r := <-l.cron.results:
			l.finishedCron(r)
		}
	}
}

// rest gives back what jobs needed, once none is left: a device has better uses for it.
func (l *loop) rest() {
	if len(l.jobs) == 0 && l.cron.open == 0 {
		debug.FreeOSMemory()
	}
}

// beat tells that the loop goes on, when it is time, and returns how long it may wait at most.
func (l *loop) beat(now time.Time, wait time.Duration) time.Duration {
	if l.Beat == nil {
		return wait
	}
	if !now.Before(l.beatDue) {
		l.Beat()
		l.beatDue = now.Add(l.BeatEvery)
	}
	return min(wait, l.beatDue.Sub(now))
}

// begin tells what there is before anything happens. What runs is reported when it was looked at.
func (l *loop) begin() {
	switch {
	case l.held.group == "":
		l.Log.Info("no config yet; containers are left as they are until one comes", "device_group", l.Group)
	case l.held.group != l.Group:
		l.Log.Info("the config on disk is of another device_group; it stays in force until the first one of this group comes",
			"device_group", l.Group, "on_disk", l.held.group, "config", l.held.config.Version.String())
	default:
		l.Log.Info("config read from disk", "device_group", l.Group, "config", l.held.config.Version.String())
		l.Link.Have(l.held.config.Version)
	}
}

// look has the containers looked at no later than then.
func (l *loop) look(then time.Time) {
	if then.Before(l.due) {
		l.due = then
	}
}

// wake is when there is something to do by itself.
func (l *loop) wake() time.Time {
	due := l.due
	if l.surveying {
		due = time.Now().Add(l.Recheck) // what is due by then comes after the survey
	}
	if l.unsaved != nil && l.unsaved.retry.next.Before(due) {
		return l.unsaved.retry.next
	}
	return due
}

// version is that of the config in force; zero when that is of another group, because versions of different
// groups do not compare.
func (l *loop) version() topics.Version {
	if l.held.group != l.Group {
		return topics.Version{}
	}
	return l.held.config.Version
}
