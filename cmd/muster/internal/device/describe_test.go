package device_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"muster/cmd/muster/internal/device"
	"muster/manager/fleet"
	"muster/manager/store"
	"muster/topics"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

var v6, v7 = topics.Version{Epoch: "01ARZ3NDEKTSV4RRFFQ69G5FAV", ConfigID: 6}, topics.Version{Epoch: "01ARZ3NDEKTSV4RRFFQ69G5FAV", ConfigID: 7}

func before(d time.Duration) *time.Time {
	at := now.Add(-d)
	return &at
}

// till is a device with an app that runs, one whose image is missing, and one that it has not heard of. Its clock is an hour behind.
func till() fleet.Detail {
	const clockOff = -time.Hour
	next, night := now.Add(9*time.Second+clockOff), now.Add(15*time.Hour+clockOff)
	return fleet.Detail{
		Device: fleet.Device{
			Device: "till-1", DeviceGroup: "shops", Online: true, Phase: topics.PhaseUpdating, Applied: v6, Wanted: v7, Behind: true,
			Failing: []topics.Failure{
				{App: "(worker)", Code: topics.ReasonStateUnsaved, Reason: "no space left"},
				{App: "api", Code: topics.ReasonImageMissing, Reason: "pull api:2: not found"},
			},
			Labels: map[string]string{"site": "north", "floor": "2"}, LastSeen: before(20 * time.Second), Agent: "muster-worker/1",
			Pulls: []topics.Progress{{App: "web", Phase: topics.PhasePull, Done: 30_000_000, Total: 120_000_000}},
		},
		Note: "the screen is cracked", Since: before(2 * time.Hour),
		Machine: topics.Machine{
			Hostname: "till", OS: "Debian", Kernel: "6.1", Architecture: "aarch64", Engine: "28.1", UptimeSeconds: 7200,
			CPUUsage: &topics.CPUUsage{Cores: 4, UsedPercent: 12.4}, MemoryUsage: &topics.MemoryUsage{Total: 900, Available: 400},
			RootDiskUsage: &topics.DiskUsage{Total: 8000, Free: 70}, Temperatures: map[string]float64{"cpu": 61.5}, Addresses: []string{"192.0.2.7"},
		},
		Apps: []fleet.App{
			{App: "web", WantedID: 3, RunningID: 3, Phase: topics.PhaseSettled, Containers: []topics.ContainerState{
				{State: "running", EngineRestarts: 1}, {State: "running", Health: "unhealthy", HealthRestarts: 2}, {State: "exited"},
			}},
			{App: "api", WantedID: 2, RunningID: 1, Phase: topics.PhaseUpdating, Code: topics.ReasonImageMissing, Reason: "pull api:2:\nnot found; next try at 11:00:09 UTC", Next: &next},
			{App: "new", WantedID: 1, Reason: "the device has not heard of it yet"},
		},
		CronJobs: []topics.CronJobState{
			{CronJob: "night", CronJobID: 4, Next: &night, Last: &topics.CronRun{Started: now.Add(clockOff - 9*time.Hour), Seconds: 12.4, ExitCode: 3}, Code: topics.ReasonRunFailed, Reason: "exit code 3"},
			{CronJob: "hourly", CronJobID: 1},
		},
		LastReport: &fleet.LastReport{Received: now.Add(-time.Minute), ClockOff: clockOff.Seconds(), Dropped: 4},
		Events: []store.Event{
			{At: now.Add(-time.Minute), Kind: "failing", App: "api", Text: "pull api:2: " + strings.Repeat("x", 80) + "; next try at 10:59:00 UTC"},
			{At: now.Add(-3 * 24 * time.Hour), Kind: "applied", Text: "config 6"},
		},
	}
}

func TestDescribe(t *testing.T) {
	const want = `device        till-1, device_group shops, muster-worker/1
as wanted     no: app (worker), app api fail
connection    online since 2026-03-01 10:00:00Z (2 hours ago), last heard of 2026-03-01 11:59:40Z (20 seconds ago)
config        wanted 7, applied 6, updating
last report   2026-03-01 11:59:00Z (about a minute ago); reports lost because it had no room for them: 4
clock         about an hour behind
labels        floor=2,site=north
note          the screen is cracked
machine       till, Debian, 6.1, aarch64, engine 28.1, up 2 hours
              cpu 12% of 4, memory 400 of 900 MiB available, disk 70 of 8000 MiB free, cpu 61.5 °C
              192.0.2.7

APP  WANTED  RUNS  CONTAINERS                                STATE    NEXT TRY      WHY NOT
web  3       3     2 of 3 run, 1 unhealthy, 3× restarted  settled  under way     -
api  2       1     none                                        failing  in 9 seconds  image_missing: pull api:2: not found
new  1       -     none                                        -        -             the device has not heard of it yet

CRON_JOB  VERSION  NEXT RUN     LAST RUN                             RESULT                  WHY NOT
night     4        in 15 hours  2026-03-01 03:00:00Z (9 hours ago)  exit code 3 after 12 s  run_failed: exit code 3
hourly    1        -            never                                -                       -

ALSO FAILS    WHY
app (worker)  state_unsaved: no space left

FETCHES  HOW FAR
web      ███████░░░░░░░░░░░░░░░░░░░░░░░  25% 30MB of 120MB

WHEN                                            EVENT    OF   WHAT
2026-03-01 11:59:00Z (about a minute ago)  failing  api  pull api:2: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…
2026-02-26 12:00:00Z (3 days ago)          applied  -    config 6
`
	if got := device.Describe(till(), now).String(); columns(got) != columns(want) {
		t.Errorf("the screen is\n%s\nwant\n%s", got, want)
	}
}

// columns has no more than two spaces in a row: what lines up is for the test of tables.
func columns(text string) string {
	for strings.Contains(text, "   ") {
		text = strings.ReplaceAll(text, "   ", "  ")
	}
	return text
}

// Of a device that never said anything there is little to show, and nothing made up.
func TestDescribeAnUnknownDevice(t *testing.T) {
	const want = `device        till-9, device_group of no name
as wanted     no: nothing was heard of it yet
connection    offline
config        wanted -, applied -
last report   never
labels        site=north
`
	got := device.Describe(fleet.Detail{Device: fleet.Device{Device: "till-9", Labels: map[string]string{"site": "north"}}}, now).String()
	if got != want {
		t.Errorf("the screen is\n%s\nwant\n%s", got, want)
	}
}

// However much has happened to a device, it is one screen.
func TestDescribeIsOneScreen(t *testing.T) {
	d := till()
	lines := strings.Count(device.Describe(d, now).String(), "\n")
	d.Events = append(d.Events, slices.Repeat(d.Events[:1], store.MaxEvents-len(d.Events))...)
	if more := strings.Count(device.Describe(d, now).String(), "\n") - lines; more != 6 {
		t.Errorf("%d lines more, want 6", more)
	}
}

// A broker may keep the status of a device that was lost while it was down itself.
func TestDescribeAQuietDevice(t *testing.T) {
	for want, seen := range map[string]*time.Time{
		"(14 minutes ago)\n": before(14 * time.Minute),
		"(16 minutes ago); it may be gone, if the broker was restarted and kept what it had said\n":     before(16 * time.Minute),
		"online since 2026-03-01 10:00:00Z (2 hours ago), not heard of since the manager was started\n": nil,
	} {
		d := till()
		d.LastSeen = seen
		if got := device.Describe(d, now).String(); !strings.Contains(got, want) {
			t.Errorf("want %q in\n%s", want, got)
		}
		d.Online = false
		if got := device.Describe(d, now).String(); strings.Contains(got, "may be gone") || strings.Contains(got, "not heard of since") {
			t.Errorf("of a device that is offline:\n%s", got)
		}
	}
}

// A device may say anything, and says it to a terminal.
func TestDescribeIsHarmless(t *testing.T) {
	d, evil := till(), "\x1b[2J\x1b]0;x\a\r\u202e"
	d.Agent, d.Note, d.Machine.Hostname, d.Labels = evil, evil, evil, map[string]string{"a": evil}
	d.Apps[1].Reason, d.Apps[1].Containers, d.Events[0].Text, d.Machine.Addresses = evil, []topics.ContainerState{{State: evil}}, evil, []string{evil}
	d.Failing[1].Reason, d.CronJobs[0].Reason, d.Pulls[0].App, d.Machine.Temperatures = evil, evil, evil, map[string]float64{evil: 1}
	got := device.Describe(d, now).String()
	if strings.ContainsAny(got, "\x1b\a\r\u202e") || strings.Count(got, "\n") != strings.Count(device.Describe(till(), now).String(), "\n") {
		t.Errorf("the screen is\n%q", got)
	}
}
