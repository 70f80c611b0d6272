package device

import (
	"fmt"
	"slices"
	"strings"

	"muster/manager/fleet"
	"muster/topics"
)

func (s *screen) apps(d fleet.Detail) {
	rows := make([][]string, len(d.Apps))
	for i, a := range d.Apps {
		state, next := a.Phase, s.next(a.Next)
		if a.Code != "" {
			state = "failing"
		}
		if slices.ContainsFunc(d.Pulls, func(p topics.Progress) bool { return p.App == a.App }) {
			next = "under way"
		}
		rows[i] = []string{a.App, id(a.WantedID), id(a.RunningID), containers(a.Containers), OrDash(state), next, OrDash(Why(a.Code, lasting(a.Reason)))}
	}
	s.Table([]string{"app", "wanted", "runs", "containers", "state", "next try", "why not"}, rows)
}

// containers says how many run, and what they have been through.
func containers(list []topics.ContainerState) string {
	running, unhealthy, restarts := 0, 0, 0
	for _, c := range list {
		if c.State == "running" {
			running++
		}
		if c.Health == "unhealthy" {
			unhealthy++
		}
		restarts += c.EngineRestarts + c.HealthRestarts
	}
	text := fmt.Sprintf("%d of %d run", running, len(list))
	if len(list) == 0 {
		text = "none"
	}
	if unhealthy > 0 {
		text += fmt.Sprintf(", %d unhealthy", unhealthy)
	}
	if restarts > 0 {
		text += fmt.Sprintf(", %d× restarted", restarts)
	}
	return text
}

func (s *screen) cronJobs(jobs []topics.CronJobState) {
	rows := make([][]string, len(jobs))
	for i, c := range jobs {
		last, result := "never", "-"
		if r := c.Last; r != nil {
			last, result = s.time(r.Started.Add(-s.clockOff)), fmt.Sprintf("exit code %d after %.0f s", r.ExitCode, r.Seconds)
		}
		if c.Started != nil {
			result = "runs since " + s.time(c.Started.Add(-s.clockOff))
		}
		rows[i] = []string{c.CronJob, id(c.CronJobID), s.next(c.Next), last, result, OrDash(Why(c.Code, lasting(c.Reason)))}
	}
	s.Table([]string{"cron_job", "version", "next run", "last run", "result", "why not"}, rows)
}

// others are failures of what is neither among the apps nor among the cron_jobs, such as the worker itself.
func (s *screen) others(d fleet.Detail) {
	var rows [][]string
	for _, f := range d.Failing {
		app := slices.ContainsFunc(d.Apps, func(a fleet.App) bool { return f.App != "" && a.App == f.App })
		job := slices.ContainsFunc(d.CronJobs, func(c topics.CronJobState) bool { return f.CronJob != "" && c.CronJob == f.CronJob })
		if !app && !job {
			rows = append(rows, []string{Subject(f), Why(f.Code, lasting(f.Reason))})
		}
	}
	s.Table([]string{"also fails", "why"}, rows)
}

// lasting is a reason without when it is tried again, which has a column of its own and is soon over.
func lasting(reason string) string {
	reason, _, _ = strings.Cut(reason, "; next try at ")
	return reason
}

// OrDash is a cell that is never empty, so that columns can be counted.
func OrDash(text string) string {
	if strings.TrimSpace(text) == "" {
		return "-"
	}
	return text
}
