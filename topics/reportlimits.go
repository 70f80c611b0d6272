package topics

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// Limits of a [Report] that is too large for a payload.
const (
	shortOutput = 256 // bytes of a cron_job's output
	shortReason = 100 // bytes of a reason
)

// shortenings are what a report is made smaller by, in this order, until it fits. Each changes its report and no
// other, and names what it leaves out. The last of them leaves at most half of [MaxPayload].
var shortenings = []func(*Report) string{
	func(r *Report) string {
		r.AppsContainers, r.CronJobsContainers = nil, nil
		return "stats of containers"
	},
	func(r *Report) string { r.cutOutput(shortOutput); return "long output" },
	func(r *Report) string { r.cutOutput(0); return "output" },
	func(r *Report) string {
		r.dropContainers(func(a AppState) bool { return a.Code == "" })
		return "containers of apps that run as wanted"
	},
	func(r *Report) string { *r = r.tidy(shortReason); return "long reasons" },
	func(r *Report) string {
		r.dropContainers(func(AppState) bool { return true })
		return "containers"
	},
	func(r *Report) string { r.Failing = r.Failing[:min(len(r.Failing), MaxFailing)]; return "failures" },
	func(r *Report) string {
		r.Apps = slices.DeleteFunc(slices.Clone(r.Apps), func(a AppState) bool { return a.Code == "" })
		r.CronJobs = slices.DeleteFunc(slices.Clone(r.CronJobs), func(c CronJobState) bool { return c.Code == "" })
		return "what runs as wanted"
	},
	func(r *Report) string {
		r.Apps, r.CronJobs = r.Apps[:min(len(r.Apps), MaxFailing)], r.CronJobs[:min(len(r.CronJobs), MaxFailing)]
		return "apps and cron_jobs"
	},
}

// cutOutput keeps the end of what cron_jobs wrote.
func (r *Report) cutOutput(limit int) {
	r.CronJobs = mapped(r.CronJobs, func(c CronJobState) CronJobState {
		if c.Last != nil {
			last := *c.Last
			last.Output = tail(last.Output, limit)
			c.Last = &last
		}
		return c
	})
}

func (r *Report) dropContainers(of func(AppState) bool) {
	r.Apps = mapped(r.Apps, func(a AppState) AppState {
		if of(a) {
			a.Containers = []ContainerState{}
		}
		return a
	})
}

// tidy is the report with texts of at most these many bytes, and with empty lists instead of none.
func (r Report) tidy(reason int) Report {
	r.Failing = mapped(r.Failing, func(f Failure) Failure { f.Reason = shorten(f.Reason, reason); return f })
	r.Apps = mapped(r.Apps, func(a AppState) AppState {
		a.Reason = shorten(a.Reason, reason)
		a.Containers = mapped(a.Containers, ContainerState.tidy)
		return a
	})
	r.CronJobs = mapped(r.CronJobs, func(c CronJobState) CronJobState { c.Reason = shorten(c.Reason, reason); return c })
	r.cutOutput(MaxOutput)
	r.Agent = shorten(r.Agent, MaxFact)
	r.Machine = r.Machine.tidy()
	return r
}

func (c ContainerState) tidy() ContainerState {
	c.Name, c.ID, c.Image = shorten(c.Name, MaxReason), shorten(c.ID, MaxFact), shorten(c.Image, MaxReason)
	c.State, c.Health = shorten(c.State, MaxFact), shorten(c.Health, MaxFact)
	return c
}

// tail is the end of a text, in at most limit bytes of valid UTF-8.
func tail(s string, limit int) string {
	s = strings.ToValidUTF8(s, "?")
	cut := max(0, len(s)-limit)
	for cut < len(s) && !utf8.RuneStart(s[cut]) {
		cut++
	}
	return s[cut:]
}

// mapped is a new list, never nil, of what f makes of each.
func mapped[T any](list []T, f func(T) T) []T {
	out := make([]T, 0, len(list))
	for _, v := range list {
		out = append(out, f(v))
	}
	return out
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
