package worker

import (
	"time"

	"muster/topics/schedule"
)

// Limits of a cron_job's times.
const (
	// maxLate is how late a run may begin by the clock. What is later was missed, and is not made up for: the
	// clock was put forward, the device was asleep or off.
	maxLate = time.Minute
	// maxBack is how far the clock may go back without times that have come counting as not come yet. Clocks are
	// corrected by a little all the time, and nothing is to run twice for that.
	maxBack = 5 * time.Minute
	// maxPullWait is how long a run may wait for its image.
	maxPullWait = time.Hour
)

// A turn is where a cron_job is in its schedule, by the device's clock. That may jump: devices without one that
// runs on a battery start in 1970, and learn the time later.
type turn struct {
	// from is up to when the schedule is done with; zero at the start of the worker.
	from time.Time
	// due is when the run was due that is to begin; zero when none is.
	due time.Time
}

// next is when the schedule comes round again.
func (t turn) next(s schedule.Schedule) time.Time { return s.Next(t.from) }

// move moves on to now. When a time of the schedule has come, came is that; missed is the first that is past
// without a chance to run. Both are zero when there is none.
func (t *turn) move(s schedule.Schedule, now time.Time) (came, missed time.Time) {
	now = now.Round(0) // by the clock, not by the time that has passed
	if t.from.Sub(now) > maxBack {
		t.from = now
	}
	next := t.next(s)
	if next.After(now) {
		return came, missed
	}
	if !now.Before(next.Add(maxLate)) {
		missed = next
		next = s.Next(now.Add(-maxLate))
	}
	if !next.After(now) {
		came = next
	}
	t.from = now
	return came, missed
}

// begin is where a cron_job is when the worker starts. A run that was due a moment ago is made, as the
// worker before may have been killed over it, unless one has begun since: lastStarted is when the last one did
// that is over, and going says that there is one that may have.
func begin(now, lastStarted time.Time, going bool) turn {
	now = now.Round(0)
	if going {
		return turn{from: now}
	}
	from := now.Add(-maxLate)
	if lastStarted.After(from) && !lastStarted.After(now) {
		from = lastStarted.In(now.Location())
	}
	return turn{from: from}
}
