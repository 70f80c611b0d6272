package worker_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"muster/test/logs"
	"muster/topics"
	"muster/worker"
	"muster/worker/enginetest"
)

// last is the newest report, which must be what the file in the state directory says, and fit into a payload.
func (b *bench) last() topics.Report {
	b.t.Helper()
	said := b.link.said()
	r := said[len(said)-1]
	read, err := worker.LoadReport(b.dir)
	if err != nil {
		b.t.Fatal(err)
	}
	first, second := r, read
	first.At, second.At = time.Time{}, time.Time{}
	diff(b.t, "the report in the state directory", first, second)
	if _, err := r.Encode(); err != nil {
		b.t.Errorf("the report is refused: %v", err)
	}
	return r
}

// web is the state of the app web.
func (b *bench) web() topics.AppState {
	b.t.Helper()
	r := b.last()
	if len(r.Apps) != 1 || r.Apps[0].App != "web" {
		b.t.Fatalf("apps are %+v", r.Apps)
	}
	return r.Apps[0]
}

func TestReportFollowsAnApp(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		if _, err := worker.LoadReport(b.dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("before the first start: %v", err)
		}
		b.begin("g")
		if r := b.last(); r.Phase != topics.PhaseWaiting || len(r.Apps) != 0 || r.Device != "d" || r.DeviceGroup != "g" || r.Agent != "muster-worker/test" {
			t.Errorf("without a config: %+v", r.Apps)
		}

		b.offer(config(t, 1, newApp("web", "nginx:1", times(2), appID(5))))
		b.pass(2 * time.Minute)
		r, web := b.last(), b.web()
		if r.Phase != topics.PhaseSettled || r.ConfigID != 1 || r.Wanted != r.Version || r.Engine != "1.0" || r.OS != "memory" {
			t.Errorf("settled: %+v, engine %q", r.Phase, r.Engine)
		}
		if web.AppID != 5 || web.RunningID != 5 || web.Phase != topics.PhaseSettled || web.Code != "" || web.Next != nil || len(web.Containers) != 2 {
			t.Errorf("settled: %+v", web)
		}
		if c := web.Containers[1]; c.Name != "web-2" || c.ID == "" || len(c.ID) > 12 || c.Image != "nginx:1" || c.State != "running" {
			t.Errorf("settled: %+v", c)
		}

		b.machine.Fail(enginetest.OpPull, errors.New("no route to host"), errors.New("no route to host"), errors.New("no route to host"))
		b.offer(config(t, 2, newApp("web", "nginx:2", times(2), appID(6))))
		b.pass(4 * time.Second)
		r, web = b.last(), b.web()
		if r.ConfigID != 1 && r.ConfigID != 2 || r.Wanted.ConfigID != 2 || web.AppID != 6 || web.RunningID != 5 || !strings.Contains(web.Reason, "no route to host") {
			t.Errorf("while the pull fails: %v, %+v", r.Version, web)
		}
		if web.Next == nil || time.Until(*web.Next) > 10*time.Second || time.Until(*web.Next) < -time.Second {
			t.Errorf("while the pull fails, the next try is at %v", web.Next)
		}
		b.pass(5 * time.Minute)
		if web = b.web(); web.RunningID != 6 || web.Reason != "" || web.Next != nil || web.Containers[0].Image != "nginx:2" {
			t.Errorf("in the end: %+v", web)
		}

		b.offer(config(t, 3))
		b.pass(5 * time.Minute)
		if r := b.last(); len(r.Apps) != 0 || r.ConfigID != 3 {
			t.Errorf("without the app: %+v", r.Apps)
		}
	})
}

// An app that only waits does not fail, but people see what for, and until when.
func TestReportOfAnAppThatWaits(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.maxRestartWait = time.Hour
		b.begin("g")
		b.offer(config(t, 1, newApp("web", "nginx:1")))
		b.pass(2 * time.Minute)
		b.offer(config(t, 2, newApp("web", "nginx:2", appID(2))))
		b.pass(time.Millisecond)
		web := b.web()
		if !strings.HasSuffix(web.Reason, "so that not all devices change at once") || web.Next == nil || web.Code != "" || len(b.last().Failing) > 0 {
			t.Fatalf("before its time: %+v", web)
		}
		b.pass(time.Until(*web.Next) + 10*time.Second)
		if web = b.web(); web.RunningID != 2 || web.Reason != "" || web.Next != nil {
			t.Errorf("after its time: %+v", web)
		}
	})
}

// A worker that was just started says nothing of what runs before it has looked.
func TestFirstReportIsOfWhatIsThere(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.begin("g")
		b.offer(config(t, 1, newApp("web", "nginx:1")))
		b.pass(2 * time.Minute)
		b.restart("g")
		b.pass(time.Minute)
		if r := b.link.said()[0]; r.Phase != topics.PhaseSettled || r.ConfigID != 1 || len(r.Apps) != 1 || r.Apps[0].RunningID != 1 || len(r.Apps[0].Containers) != 1 {
			t.Errorf("the first report is %+v", r)
		}
	})
}

func TestReportWhileTheEngineIsDown(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.begin("g")
		b.offer(config(t, 1, newApp("web", "nginx:1")))
		b.pass(2 * time.Minute)
		b.machine.SetDown(true)
		b.pass(2 * time.Minute)
		web := b.web()
		if web.Code != topics.ReasonEngineDown || web.Next == nil || len(web.Containers) != 1 {
			t.Errorf("%+v", web)
		}
		b.machine.SetDown(false)
		b.pass(2 * time.Minute)
		if web := b.web(); web.Code != "" || web.RunningID != 1 {
			t.Errorf("%+v", web)
		}
	})
}

// env_vars are nobody's business but the container's.
func TestReportHoldsNoSecrets(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.begin("g")
		b.offer(config(t, 1, newApp("web", "nginx:1", func(a *topics.App) { a.EnvVars = topics.EnvVars{"TOKEN": "hush"} })))
		b.pass(2 * time.Minute)
		b.web()
		written, err := os.ReadFile(filepath.Join(b.dir, "report.json"))
		if err != nil {
			t.Fatal(err)
		}
		payload, err := b.last().Encode()
		if err != nil || strings.Contains(string(written)+string(payload), "hush") {
			t.Errorf("%s, %v", payload, err)
		}
	})
}

// A report that cannot be written is told once, and changes nothing else.
func TestReportThatCannotBeWritten(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.log = &logs.Buffer{}
		path := filepath.Join(b.dir, "report.json")
		if err := os.MkdirAll(filepath.Join(path, "in-the-way"), 0o700); err != nil {
			t.Fatal(err)
		}
		b.begin("g")
		b.offer(config(t, 1, newApp("web", "nginx:1")))
		b.pass(2 * time.Minute)
		b.says(1)
		if n := b.logged("the report cannot be written to disk"); n != 1 {
			t.Errorf("logged %d times", n)
		}
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
		b.offer(config(t, 2, newApp("web", "nginx:2", appID(2))))
		b.pass(2 * time.Minute)
		b.web()
		if b.logged("the report is written to disk again") != 1 {
			t.Error("nobody says that it is written again")
		}
	})
}
