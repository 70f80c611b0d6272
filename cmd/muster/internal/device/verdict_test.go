package device_test

import (
	"math"
	"testing"

	"muster/cmd/muster/internal/device"
	"muster/manager/fleet"
	"muster/topics"
)

func TestVerdict(t *testing.T) {
	image := topics.Failure{App: "api", Code: topics.ReasonImageMissing, Reason: "not\nfound"}
	job := topics.Failure{CronJob: "night", Code: topics.ReasonRunFailed, Reason: "exit code 3"}
	for name, tc := range map[string]struct {
		change      func(*fleet.Detail)
		want, state string
	}{
		"all well":      {func(*fleet.Detail) {}, "yes", "settled"},
		"an app fails":  {func(d *fleet.Detail) { d.Failing = []topics.Failure{image} }, "no: app api fails: image_missing", "failing"},
		"several fail":  {func(d *fleet.Detail) { d.Failing = []topics.Failure{image, job} }, "no: app api, cron_job night fail", "failing"},
		"many fail":     {func(d *fleet.Detail) { d.Failing = []topics.Failure{image, job, job, image, job} }, "no: app api, cron_job night, cron_job night, 2 more fail", "failing"},
		"being updated": {func(d *fleet.Detail) { d.Applied, d.Behind, d.Phase = v6, true, topics.PhaseUpdating }, "no: it is about to apply config 7", "updating"},
		"not heard of it": {func(d *fleet.Detail) { d.Applied, d.Behind, d.Phase = v6, true, fleet.PhaseBehind },
			"no: it has not taken up config 7 yet", "behind"},
		"another epoch": {func(d *fleet.Detail) {
			d.Applied.Epoch, d.Behind, d.Phase = "00000000000000000000000000", true, fleet.PhaseBehind
		},
			"no: it has not taken up config 01ARZ3NDEKTSV4RRFFQ69G5FAV/7 yet", "behind"},
		"newer than the store": {func(d *fleet.Detail) { d.Wanted, d.Behind = v6, true },
			"no: it has a newer config than the managers: their store was restored from an old backup", "behind"},
		"no config": {func(d *fleet.Detail) {
			d.Wanted, d.Applied, d.Phase = topics.Version{}, topics.Version{}, topics.PhaseWaiting
		},
			"no: device_group shops has no config", "waiting"},
		"offline": {func(d *fleet.Detail) { d.Online, d.Applied, d.Behind = false, v6, true },
			"no: it is offline, and what it is to run now reaches it when it is back", "offline"},
		"offline, and where it should be": {func(d *fleet.Detail) { d.Online = false },
			"it was when it was last heard of; it is offline", "offline"},
		"offline without a config": {func(d *fleet.Detail) { d.Online, d.Wanted, d.Applied = false, topics.Version{}, topics.Version{} },
			"no: it is offline, and what it is to run now reaches it when it is back; device_group shops has no config", "offline"},
		"online, not heard of by this manager": {func(d *fleet.Detail) { d.LastSeen = nil }, "yes", "settled"},
		"fails without a code": {func(d *fleet.Detail) { d.Failing = []topics.Failure{{App: "api", Reason: "not found"}} },
			"no: app api fails", "failing"},
		"offline, and it failed": {func(d *fleet.Detail) { d.Online, d.Failing = false, []topics.Failure{job} },
			"no: it is offline, and what it is to run now reaches it when it is back; cron_job night fails: run_failed", "offline"},
		"applied, and still busy": {func(d *fleet.Detail) { d.Phase = topics.PhaseUpdating }, "not yet: it is being brought about", "updating"},
		"never heard of":          {func(d *fleet.Detail) { *d = fleet.Detail{} }, "no: nothing was heard of it yet", "offline"},
		"says no phase":           {func(d *fleet.Detail) { d.Phase = "" }, "yes", "unknown"},
	} {
		d := fleet.Detail{Device: fleet.Device{
			Device: "till-1", DeviceGroup: "shops", Online: true, Phase: topics.PhaseSettled, Applied: v7, Wanted: v7, LastSeen: &now,
		}}
		tc.change(&d)
		if got := device.Verdict(d); got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
		if got := device.State(d.Device); got != tc.state {
			t.Errorf("%s: the state is %q, want %q", name, got, tc.state)
		}
	}
}

func TestBar(t *testing.T) {
	for _, tc := range []struct {
		done, total int64
		want        string
	}{
		{0, 1000, "░░░░   0% 0B of 1kB"},
		{500, 1000, "██░░  50% 500B of 1kB"},
		{1000, 1000, "████ 100% 1kB of 1kB"},
		{1_234_000, 0, "1.23MB"},
		{1_500_000_000, 2_000_000_000, "███░  75% 1.5GB of 2GB"},
		// What no honest device says.
		{2000, 1000, "████ 100% 2kB of 1kB"},
		{-1, 1000, "░░░░   0% 0B of 1kB"},
		{math.MaxInt64, 1, "████ 100% 9.22EB of 1B"},
		{-5, -5, "0B"},
	} {
		if got := device.Bar(topics.Progress{Done: tc.done, Total: tc.total}, 4); got != tc.want {
			t.Errorf("%d of %d: %q, want %q", tc.done, tc.total, got, tc.want)
		}
	}
}
