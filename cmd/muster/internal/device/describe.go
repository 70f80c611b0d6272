package device

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/docker/go-units"
	"github.com/jedib0t/go-pretty/v6/text"

	"muster/cmd/muster/internal/output"
	"muster/manager/fleet"
	"muster/topics"
)

// Describe is one screen that says why a device does not run what is wanted, with everything that bears on it.
func Describe(d fleet.Detail, now time.Time) *output.Screen {
	s := &screen{now: now}
	if r := d.LastReport; r != nil {
		s.clockOff = time.Duration(r.ClockOff * float64(time.Second))
	}
	s.Line("device", "%s, device_group %s%s", d.Device.Device, quoted(d.DeviceGroup), before(", ", d.Agent))
	s.Line("as wanted", "%s", Verdict(d))
	s.identity(d.Identity)
	s.connection(d)
	s.Line("config", "wanted %s, applied %s%s", Config(d.Wanted, d.Applied), Config(d.Applied, d.Wanted), before(", ", d.Phase))
	s.report(d.LastReport)
	if len(d.Labels) > 0 {
		s.Line("labels", "%s", Labels(d.Labels))
	}
	if d.Note != "" {
		s.Line("note", "%s", d.Note)
	}
	s.machine(d.Machine)
	s.apps(d)
	s.cronJobs(d.CronJobs)
	s.others(d)
	s.pulls(d.Pulls)
	s.events(d)
	return &s.Screen
}

// A screen is what is written so far.
type screen struct {
	output.Screen
	now time.Time
	// clockOff is by how much the device's clock is ahead.
	clockOff time.Duration
}

func (s *screen) connection(d fleet.Detail) {
	state := "offline"
	if d.Online {
		state = "online"
	}
	if d.Since != nil {
		state += " since " + s.time(*d.Since)
	}
	switch {
	case d.LastSeen != nil:
		state += ", last heard of " + s.time(*d.LastSeen)
		if d.Online && s.now.Sub(*d.LastSeen) > quiet {
			state += "; it may be gone, if the broker was restarted and kept what it had said"
		}
	case d.Online:
		state += ", not heard of since the manager was started"
	}
	s.Line("connection", "%s", state)
}

// quiet is how long nothing is heard of a device before that is worth a word: several reports are missing by then.
const quiet = 15 * time.Minute

func (s *screen) report(r *fleet.LastReport) {
	if r == nil {
		s.Line("last report", "never")
		return
	}
	text := s.time(r.Received)
	if r.Dropped > 0 {
		text += fmt.Sprintf("; reports lost because it had no room for them: %d", r.Dropped)
	}
	s.Line("last report", "%s", text)
	switch off := s.clockOff.Abs(); {
	case off < tolerated:
	case s.clockOff > 0:
		s.Line("clock", "%s ahead", human(off))
	default:
		s.Line("clock", "%s behind", human(off))
	}
}

// tolerated is how far off a clock may be without a word: a report may be under way for as long.
const tolerated = time.Minute

func (s *screen) machine(m topics.Machine) {
	name := "machine"
	line := func(facts ...string) {
		if facts = slices.DeleteFunc(facts, func(f string) bool { return f == "" }); len(facts) > 0 {
			s.Line(name, "%s", strings.Join(facts, ", "))
			name = ""
		}
	}
	up := ""
	if m.UptimeSeconds > 0 {
		up = "up " + human(time.Duration(m.UptimeSeconds)*time.Second)
	}
	line(m.Hostname, m.OS, m.Kernel, m.Architecture, before("engine ", m.Engine), up)
	var use []string
	if u := m.CPUUsage; u != nil {
		use = append(use, fmt.Sprintf("cpu %.0f%% of %d", u.UsedPercent, u.Cores))
	}
	if u := m.MemoryUsage; u != nil {
		use = append(use, fmt.Sprintf("memory %d of %d MiB available", u.Available, u.Total))
	}
	if u := m.RootDiskUsage; u != nil {
		use = append(use, fmt.Sprintf("disk %d of %d MiB free", u.Free, u.Total))
	}
	if u := m.StateDiskUsage; u != nil {
		use = append(use, fmt.Sprintf("state directory's disk %d of %d MiB free", u.Free, u.Total))
	}
	for _, sensor := range slices.Sorted(maps.Keys(m.Temperatures)) {
		use = append(use, fmt.Sprintf("%s %.1f °C", sensor, m.Temperatures[sensor]))
	}
	line(use...)
	line(m.Addresses...)
}

// pulls are the images that are being fetched.
func (s *screen) pulls(pulls []topics.Progress) {
	rows := make([][]string, len(pulls))
	for i, p := range pulls {
		rows[i] = []string{p.App + before("cron_job ", p.CronJob), Bar(p, 30)}
	}
	s.Table([]string{"fetches", "how far"}, rows)
}

// One screen has mostEvents of the last events, the text of each cut to eventWidth columns: what fails now is told in full above.
const (
	mostEvents = 8
	eventWidth = 80
)

func (s *screen) events(d fleet.Detail) {
	rows := make([][]string, min(len(d.Events), mostEvents))
	for i, e := range d.Events[:len(rows)] {
		about := e.App + before("cron_job ", e.CronJob)
		if about == "" {
			about = "-"
		}
		rows[i] = []string{s.time(e.At), e.Kind, about, text.Snip(lasting(e.Text), eventWidth, "…")}
	}
	s.Table([]string{"when", "event", "of", "what"}, rows)
}

// time is a moment by the managers' clock.
func (s *screen) time(at time.Time) string {
	text := at.UTC().Format("2006-01-02 15:04:05Z")
	if ago := s.now.Sub(at); ago >= 0 {
		return text + " (" + human(ago) + " ago)"
	}
	return text + " (in " + human(-s.now.Sub(at)) + ")"
}

// next is a moment to come by the device's clock.
func (s *screen) next(at *time.Time) string {
	if at == nil {
		return "-"
	}
	if left := at.Add(-s.clockOff).Sub(s.now); left > 0 {
		return "in " + human(left)
	}
	return "now"
}

// Ago says how long ago something was; "-" of nil, which is not known.
func Ago(at *time.Time, now time.Time) string {
	if at == nil {
		return "-"
	}
	return human(max(0, now.Sub(*at))) + " ago"
}

// Labels are all of them, in order; "-" is none.
func Labels(labels map[string]string) string {
	if len(labels) == 0 {
		return "-"
	}
	var all []string
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		all = append(all, key+"="+labels[key])
	}
	return strings.Join(all, ",")
}

func human(d time.Duration) string { return strings.ToLower(units.HumanDuration(d)) }

// before is text behind something that is left out without it.
func before(front, text string) string {
	if text == "" {
		return ""
	}
	return front + text
}

func id(n int64) string {
	if n == 0 {
		return "-"
	}
	return strconv.FormatInt(n, 10)
}
