package status_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"muster/topics"
	"muster/worker"
	"muster/worker/link"
	"muster/worker/outbox"
	"muster/worker/status"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

var v7 = topics.Version{Epoch: "01ARZ3NDEKTSV4RRFFQ69G5FAV", ConfigID: 7}

// full is a device with an app that runs, one that fails, one that is new, and a cron_job of each kind.
func full() status.Status {
	next := now.Add(9 * time.Second)
	return status.Status{
		Running: true, At: now,
		Config:  status.Config{DeviceGroup: "shops", Version: v7, IssuedAt: now.Add(-time.Hour), Apps: []string{"web", "api", "new"}, CronJobs: []string{"night", "hourly"}},
		Link:    &link.State{Connected: true, Since: now.Add(-2 * time.Hour), CheckedIn: now.Add(-20 * time.Second), At: now.Add(-10 * time.Second)},
		Reports: outbox.Count{Waiting: 2, Dropped: 1},
		Report: &topics.Report{
			Device: "till-1", DeviceGroup: "shops", Agent: "muster-worker/1", Version: topics.Version{Epoch: v7.Epoch, ConfigID: 6}, Wanted: v7,
			Phase: topics.PhaseUpdating, At: now.Add(-time.Minute),
			Failing: []topics.Failure{
				{App: "(worker)", Code: topics.ReasonStateUnsaved, Reason: "no space left"},
				{App: "api", Code: topics.ReasonImageMissing, Reason: "pull api:2: not found"},
			},
			Apps: []topics.AppState{
				{App: "web", AppID: 3, RunningID: 3, Phase: topics.PhaseSettled, Containers: []topics.ContainerState{{State: "running"}, {State: "exited"}}},
				{App: "api", AppID: 2, RunningID: 1, Phase: topics.PhaseUpdating, Code: topics.ReasonImageMissing, Reason: "pull api:2:\nnot found", Next: &next},
			},
			CronJobs: []topics.CronJobState{
				{CronJob: "night", CronJobID: 4, Next: &next, Last: &topics.CronRun{Started: now.Add(-time.Hour), Seconds: 12.4, ExitCode: 3}, Code: topics.ReasonRunFailed, Reason: "exit code 3"},
				{CronJob: "hourly", CronJobID: 1},
			},
			Machine: topics.Machine{
				Engine: "28.1", OS: "Debian", Kernel: "6.1", Architecture: "aarch64", UptimeSeconds: 3600, Addresses: []string{"192.0.2.7"},
				MemoryUsage: &topics.MemoryUsage{Total: 900, Available: 400}, RootDiskUsage: &topics.DiskUsage{Total: 8000, Free: 70},
				Temperatures: map[string]float64{"cpu": 61.5},
			},
		},
	}
}

func TestText(t *testing.T) {
	var b strings.Builder
	if err := full().Text(&b); err != nil {
		t.Fatal(err)
	}
	const want = `device       till-1, device_group shops
worker       runs; what follows is of 2026-03-01 11:59:00Z (1m0s ago) (muster-worker/1)
managers     connected since 2026-03-01 10:00:00Z (2h0m0s ago); last check-in answered 2026-03-01 11:59:40Z (20s ago), as of 2026-03-01 11:59:50Z (10s ago)
reports      2 wait until the broker acknowledges them; 1 were dropped so far
config       01ARZ3NDEKTSV4RRFFQ69G5FAV/7, issued 2026-03-01 11:00:00Z (1h0m0s ago); updating, applied is 01ARZ3NDEKTSV4RRFFQ69G5FAV/6
engine       28.1
machine      Debian, 6.1, aarch64, up 1h0m0s
             memory 400 of 900 MiB available, disk 70 of 8000 MiB free, cpu 61.5 °C
addresses    192.0.2.7

APP  WANTED  RUNS  CONTAINERS  STATE              NEXT TRY  WHY NOT
web  3       3     1 of 2 run  settled            -
api  2       1     0 of 0 run  failing            in 9s     image_missing: pull api:2: not found
new  ?       ?     ?           not looked at yet

CRON_JOB  WANTED  NEXT   LAST RUN                           RESULT                  WHY NOT
night     4       in 9s  2026-03-01 11:00:00Z (1h0m0s ago)  exit code 3 after 12 s  run_failed: exit code 3
hourly    1       -      never

failing      (worker) state_unsaved: no space left
`
	if got := b.String(); got != want {
		t.Errorf("the screen is\n%s\nwant\n%s", got, want)
	}
}

// A worker that was killed could not write down that its connection has ended.
func TestTextOfAWorkerThatWasKilled(t *testing.T) {
	s := full()
	s.Running = false
	var b strings.Builder
	if err := s.Text(&b); err != nil {
		t.Fatal(err)
	}
	const want = "\nmanagers     connected when last heard of, 2026-03-01 11:59:50Z (10s ago); last check-in answered 2026-03-01 11:59:40Z (20s ago)\n"
	if !strings.Contains(b.String(), want) {
		t.Errorf("the screen is\n%s\nwant%s", b.String(), want)
	}
}

func TestFailing(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*status.Status)
		want   string
	}{
		"all well":         {func(*status.Status) {}, ""},
		"corrupt":          {func(s *status.Status) { s.Trouble = "is corrupt" }, "is corrupt"},
		"no report":        {func(s *status.Status) { s.Report = nil }, "the worker has said nothing yet"},
		"an app fails":     {func(s *status.Status) { s.Report.Failing = full().Report.Failing }, "2 failing"},
		"no config":        {func(s *status.Status) { s.Report.Phase = topics.PhaseWaiting }, "there is no config yet"},
		"being updated":    {func(s *status.Status) { s.Report.Phase = topics.PhaseUpdating }, "the config is not applied yet"},
		"not looked at it": {func(s *status.Status) { s.Config.ConfigID++ }, "the config is not applied yet"},
	} {
		s := full()
		s.Report.Failing, s.Report.Phase, s.Report.Version = nil, topics.PhaseSettled, v7
		tc.change(&s)
		if got := s.Failing(); got != tc.want {
			t.Errorf("%s: failing is %q, want %q", name, got, tc.want)
		}
	}
}

func facts(context.Context) topics.Machine {
	return topics.Machine{UptimeSeconds: 5, Engine: "not asked"}
}

func TestRead(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	s, err := status.Read(t.Context(), dir, facts)
	if err != nil || s.Running || s.Report != nil || s.Link != nil || s.Failing() == "" {
		t.Errorf("where no worker ever ran: %+v, %v", s, err)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("looking made the directory: %v", err)
	}

	write := func(name, content string) {
		t.Helper()
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	report, err := json.Marshal(full().Report)
	if err != nil {
		t.Fatal(err)
	}
	write("report.json", string(report))
	write("link.json", `{"connected":true}`)
	s, err = status.Read(t.Context(), dir, facts)
	if err != nil || s.Report.Device != "till-1" || s.Report.UptimeSeconds != 5 || s.Report.Engine != "28.1" || !s.Link.Connected || s.Trouble != "" {
		t.Errorf("what a worker left: %+v, %v", s, err)
	}

	write("report.json", string(report[:50]))
	if s, err = status.Read(t.Context(), dir, facts); err != nil || !strings.Contains(s.Trouble, "report.json") {
		t.Errorf("half a report: %+v, %v", s, err)
	}
	write("config.json", "half")
	if s, err = status.Read(t.Context(), dir, facts); err != nil || s.Trouble == "" {
		t.Errorf("half a config: %+v, %v", s, err)
	}
}

// Who looks must not keep a worker from starting.
func TestLookingDoesNotKeepAWorkerFromStarting(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "lock"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if running, err := worker.Running(dir); running || err != nil {
			t.Fatalf("running is %v, %v", running, err)
		}
	}
}
