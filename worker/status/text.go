package status

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"muster/topics"
)

// Text writes a screen for people: a few lines about the device, and one for each app and cron_job.
func (s Status) Text(w io.Writer) error {
	p := &page{now: s.At}
	p.head(s)
	if s.Report != nil {
		p.machine(s.Report.Machine)
		p.apps(s)
		p.cronJobs(s.Report.CronJobs)
		p.others(s.Report.Failing)
	}
	_, err := io.WriteString(w, p.String())
	return err
}

// A page is what is written so far.
type page struct {
	strings.Builder
	now time.Time
}

func (p *page) line(name, format string, args ...any) {
	_, _ = fmt.Fprintf(p, "%-12s %s\n", name, fmt.Sprintf(format, args...)) // never fails
}

func (p *page) head(s Status) {
	runs := "does not run"
	if s.Running {
		runs = "runs"
	}
	if s.Report == nil {
		p.line("worker", "%s, and has said nothing yet", runs)
	} else {
		p.line("device", "%s, device_group %s", s.Report.Device, s.Report.DeviceGroup)
		p.line("worker", "%s; what follows is of %s (%s)", runs, p.time(s.Report.At), s.Report.Agent)
	}
	p.identity(s.Identity)
	switch {
	case s.Link == nil:
		p.line("managers", "never connected")
	case s.Link.Connected && s.Running:
		p.line("managers", "connected since %s; last check-in answered %s, as of %s", p.time(s.Link.Since), p.time(s.Link.CheckedIn), p.time(s.Link.At))
	case s.Link.Connected:
		p.line("managers", "connected when last heard of, %s; last check-in answered %s", p.time(s.Link.At), p.time(s.Link.CheckedIn))
	default:
		p.line("managers", "not connected since %s; last check-in answered %s", p.time(s.Link.Since), p.time(s.Link.CheckedIn))
	}
	if r := s.Reports; r.Waiting > 0 || r.Dropped > 0 {
		p.line("reports", "%d wait until the broker acknowledges them; %d were dropped so far", r.Waiting, r.Dropped)
	}
	config := "none yet"
	if !s.Config.IsZero() {
		config = fmt.Sprintf("%s, issued %s", s.Config.Version, p.time(s.Config.IssuedAt))
	}
	if s.Report != nil {
		config += "; " + s.Report.Phase
		if !s.Report.Version.IsZero() && s.Report.Version != s.Config.Version {
			config += ", applied is " + s.Report.Version.String()
		}
	}
	p.line("config", "%s", config)
	if s.Trouble != "" {
		p.line("trouble", "%s", s.Trouble)
	}
}

func (p *page) machine(m topics.Machine) {
	p.line("engine", "%s", cmp.Or(m.Engine, "has not answered yet"))
	var facts []string
	for _, f := range []string{m.OS, m.Kernel, m.Architecture} {
		if f != "" {
			facts = append(facts, f)
		}
	}
	facts = append(facts, "up "+(time.Duration(m.UptimeSeconds)*time.Second).String())
	p.line("machine", "%s", strings.Join(facts, ", "))
	facts = nil
	if u := m.MemoryUsage; u != nil {
		facts = append(facts, fmt.Sprintf("memory %d of %d MiB available", u.Available, u.Total))
	}
	if u := m.RootDiskUsage; u != nil {
		facts = append(facts, fmt.Sprintf("disk %d of %d MiB free", u.Free, u.Total))
	}
	if u := m.StateDiskUsage; u != nil {
		facts = append(facts, fmt.Sprintf("state directory's disk %d of %d MiB free", u.Free, u.Total))
	}
	for _, name := range slices.Sorted(maps.Keys(m.Temperatures)) {
		facts = append(facts, fmt.Sprintf("%s %.1f °C", name, m.Temperatures[name]))
	}
	p.line("", "%s", strings.Join(facts, ", "))
	p.line("addresses", "%s", strings.Join(m.Addresses, ", "))
}

func (p *page) apps(s Status) {
	reported := map[string]bool{}
	rows := [][]string{{"APP", "WANTED", "RUNS", "CONTAINERS", "STATE", "NEXT TRY", "WHY NOT"}}
	for _, a := range s.Report.Apps {
		reported[a.App] = true
		running := 0
		for _, c := range a.Containers {
			if c.State == "running" {
				running++
			}
		}
		state := a.Phase
		if a.Code != "" {
			state = "failing"
		}
		rows = append(rows, []string{
			a.App, number(a.AppID), number(a.RunningID), fmt.Sprintf("%d of %d run", running, len(a.Containers)), state, p.next(a.Next), why(a.Code, a.Reason),
		})
	}
	for _, name := range s.Config.Apps {
		if !reported[name] {
			rows = append(rows, []string{name, "?", "?", "?", "not looked at yet", "", ""})
		}
	}
	p.table(rows)
}

func (p *page) cronJobs(list []topics.CronJobState) {
	rows := [][]string{{"CRON_JOB", "WANTED", "NEXT", "LAST RUN", "RESULT", "WHY NOT"}}
	for _, c := range list {
		last, result := "never", ""
		if c.Last != nil {
			last = p.time(c.Last.Started)
			result = fmt.Sprintf("exit code %d after %.0f s", c.Last.ExitCode, c.Last.Seconds)
		}
		if c.Started != nil {
			result = "runs since " + p.time(*c.Started)
		}
		rows = append(rows, []string{c.CronJob, number(c.CronJobID), p.next(c.Next), last, result, why(c.Code, c.Reason)})
	}
	p.table(rows)
}

// others are failures that are neither an app's nor a cron_job's, such as those of the worker itself.
func (p *page) others(list []topics.Failure) {
	gap := "\n"
	for _, f := range list {
		if f.CronJob == "" && topics.CheckAppName(f.App) != nil {
			p.WriteString(gap)
			gap = ""
			p.line("failing", "%s %s", f.App, why(f.Code, f.Reason))
		}
	}
}

// table writes rows, the first of which is the heading, if there is another.
func (p *page) table(rows [][]string) {
	if len(rows) < 2 {
		return
	}
	_, _ = fmt.Fprintln(p)
	var lines strings.Builder
	w := tabwriter.NewWriter(&lines, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		// With all its cells, also those that are empty: a row with fewer would end the columns of those above it.
		_, _ = fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	_ = w.Flush() // a builder takes everything
	for line := range strings.Lines(lines.String()) {
		_, _ = fmt.Fprintln(p, strings.TrimRight(line, " \n"))
	}
}

func number(n int64) string {
	if n == 0 {
		return "-"
	}
	return fmt.Sprint(n)
}

// why is a reason with its code, in one line.
func why(code topics.Reason, reason string) string {
	if code == "" {
		return reason
	}
	return fmt.Sprintf("%s: %s", code, strings.Join(strings.Fields(reason), " "))
}

// time is a moment in UTC, and how long ago that is.
func (p *page) time(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return fmt.Sprintf("%s (%v ago)", t.UTC().Format(time.DateTime+"Z"), p.now.Sub(t).Round(time.Second))
}

func (p *page) next(t *time.Time) string {
	switch {
	case t == nil:
		return "-"
	case !t.After(p.now):
		return "now"
	}
	return "in " + t.Sub(p.now).Round(time.Second).String()
}
