package storage

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"muster/manager/store"
	"muster/topics"
)

// Events says what happened to a device between its report before, if there was one, and this one, the oldest first. What it
// says is what the two reports tell; it asks nobody and no clock.
func Events(before store.Device, now store.Sighting) []store.Event {
	return readings{}.events(before, now)
}

// readings are reports that were read before, by their keys.
type readings map[string]report

// of is what a report says.
func (r readings) of(key string, payload []byte) report {
	if said, ok := r[key]; ok {
		return said
	}
	return read(payload)
}

func (r readings) events(before store.Device, now store.Sighting) []store.Event {
	from, to := r.of(before.ReportKey, before.Report), r.of(now.ReportKey, now.Report)
	e := events{at: now.Head.Reported}
	if before.Report == nil {
		e.add(store.EventSeen, "the first report%s", inGroup(to.DeviceGroup))
		e.clock(before, from, to)
		e.failures(from, to)
		return e.all
	}
	ill := stillFailing(before.Events, from)
	if from.DeviceGroup != to.DeviceGroup && to.DeviceGroup != "" {
		e.add(store.EventMoved, "now%s, was%s", inGroup(to.DeviceGroup), cmp.Or(inGroup(from.DeviceGroup), " in none"))
	}
	e.boots(before, now, from, to)
	e.gaps(before, now, from, to)
	e.clock(before, from, to)
	if from.Version != to.Version && !to.Version.IsZero() {
		e.add(store.EventApplied, "config %d is applied%s", to.ConfigID, was(from.Version))
	}
	e.failures(from, to)
	// A worker that has just started, or is at something, has yet to see whether it works now.
	if before.Boot == now.Boot && to.Phase != topics.PhaseUpdating {
		e.recovered(ill, to)
	}
	return e.all
}

type events struct {
	at  time.Time
	all []store.Event
}

func (e *events) add(kind, format string, args ...any) {
	e.all = append(e.all, store.Event{At: e.at, Kind: kind, Text: fmt.Sprintf(format, args...)})
}

func (e *events) boots(before store.Device, now store.Sighting, from, to report) {
	switch {
	case before.Boot == now.Boot || before.Boot == "" || now.Boot == "":
	case from.BootID != "" && to.BootID != "" && from.BootID != to.BootID:
		e.add(store.EventRestarted, "the device was started anew, and its worker with it")
	default:
		e.add(store.EventRestarted, "the worker was started anew")
	}
}

// gaps says which reports are missing between the two, and how many the device says that it had no room for.
func (e *events) gaps(before store.Device, now store.Sighting, from, to report) {
	last := before.Seq
	if before.Boot != now.Boot {
		last = 0
	}
	missing := now.Seq - last - 1
	known := before.Boot != "" && now.Boot != "" && now.Seq > 0
	dropped := ""
	if n := to.Dropped - from.Dropped; n > 0 {
		dropped = fmt.Sprintf("the device had no room for %d reports while it was not connected", n)
	}
	switch {
	case known && missing > 0 && dropped != "":
		e.add(store.EventLost, "%d reports are missing, from %d to %d: %s", missing, last+1, now.Seq-1, dropped)
	case known && missing > 0:
		e.add(store.EventLost, "%d reports are missing, from %d to %d", missing, last+1, now.Seq-1)
	case dropped != "":
		e.add(store.EventLost, "%s", dropped)
	}
}

func (e *events) clock(before store.Device, from, to report) {
	was, _ := from.clockOff(before.Reported)
	is, known := to.clockOff(e.at)
	switch {
	case is > 0 && was <= 0:
		e.add(store.EventClockOff, "the device's clock is %s ahead", inWords(is))
	case is < 0 && was >= 0:
		e.add(store.EventClockOff, "the device's clock is %s behind", inWords(-is))
	case known && is == 0 && was != 0:
		e.add(store.EventClockSet, "the device's clock is right again")
	}
}

// inWords is for people: days are enough where there are many.
func inWords(d time.Duration) string {
	const day = 24 * time.Hour
	if d < 2*day {
		return d.Round(time.Second).String()
	}
	return fmt.Sprintf("%d days", d/day)
}

// failures says what began to fail, and what fails for another reason.
func (e *events) failures(from, to report) {
	was := byName(from.Failing)
	for _, f := range to.Failing {
		if old, failed := was[nameOf(f)]; !failed || old.Code != f.Code {
			e.about(store.EventFailing, f, line(f.Reason))
		}
	}
}

// recovered says what of the named things does not fail any more.
func (e *events) recovered(names []topics.Failure, to report) {
	is := byName(to.Failing)
	for _, f := range names {
		if _, fails := is[f]; !fails && to.has(f) {
			e.about(store.EventRecovered, f, "runs as wanted again")
		}
	}
}

// stillFailing names what fails by the last report, and what failed by an earlier one and was not seen to recover since.
func stillFailing(past []store.Event, last report) (names []topics.Failure) {
	for _, f := range last.Failing {
		names = append(names, nameOf(f))
	}
	newest := map[topics.Failure]bool{}
	for _, e := range past {
		name := topics.Failure{App: e.App, CronJob: e.CronJob}
		if newest[name] || e.Kind != store.EventFailing && e.Kind != store.EventRecovered {
			continue
		}
		newest[name] = true
		if e.Kind == store.EventFailing && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

func (e *events) about(kind string, f topics.Failure, text string) {
	e.all = append(e.all, store.Event{At: e.at, Kind: kind, App: f.App, CronJob: f.CronJob, Text: cmp.Or(text, string(f.Code))})
}

func nameOf(f topics.Failure) topics.Failure { return topics.Failure{App: f.App, CronJob: f.CronJob} }

func byName(all []topics.Failure) map[topics.Failure]topics.Failure {
	named := map[topics.Failure]topics.Failure{}
	for _, f := range all {
		named[nameOf(f)] = f
	}
	return named
}

func inGroup(group string) string {
	if group == "" {
		return ""
	}
	return " in device_group " + group
}

func was(v topics.Version) string {
	if v.IsZero() {
		return ""
	}
	return fmt.Sprintf(", was %d", v.ConfigID)
}
