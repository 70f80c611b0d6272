package enginetest

import (
	"errors"
	"testing"
	"time"

	"muster/topics"
	"muster/worker"
)

// cronSpec is one of a run of a cron_job.
func (h Harness) cronSpec(name, image string) worker.Spec {
	job := topics.NewCronJob(h.Prefix+name, "* * * * *", image)
	return worker.NewCronSpec(job)
}

// A run is told from the containers of an app of the same name, and is not started again when it has ended.
func testCronRun(t *testing.T, h Harness) {
	h.pulled(t)
	spec := h.cronSpec("web", h.Once)
	id := create(t, h.Engine, spec)
	got := list(t, h.Engine)
	if len(got) != 1 || got[0].ID != id || got[0].Name != h.Prefix+"web.cron" || got[0].CronJob != h.Prefix+"web" || got[0].App != "" ||
		got[0].Index != -1 || got[0].Spec != spec.Hash() || got[0].State != "created" {
		t.Errorf("List = %+v, want the run of cron_job %sweb, created", got, h.Prefix)
	}
	start(t, h.Engine, id)
	waitFor(t, h.Engine, "exited")
	d := inspect(t, h.Engine, id)
	// Docker notes that a container has started a moment after it has, when the end of a short one is noted already.
	if d.ExitCode != h.OnceCode || d.Started.IsZero() || d.Finished.Before(d.Started.Add(-time.Second)) || d.Restarts != 0 {
		t.Errorf("details of the run are %+v, want exit code %d and both times", d, h.OnceCode)
	}

	create(t, h.Engine, h.spec("web", 0))
	var apps, jobs int
	for _, c := range list(t, h.Engine) {
		if c.App == h.Prefix+"web" && c.CronJob == "" {
			apps++
		}
		if c.App == "" && c.CronJob == h.Prefix+"web" {
			jobs++
		}
	}
	if apps != 1 || jobs != 1 {
		t.Errorf("there are %d containers of the app and %d of the cron_job, want one of each", apps, jobs)
	}
}

func testLogs(t *testing.T, h Harness) {
	h.pulled(t)
	id := create(t, h.Engine, h.cronSpec("job", h.Once))
	if said := logs(t, h.Engine, id, 100); said != "" {
		t.Errorf("Logs before the start = %q, want nothing", said)
	}
	start(t, h.Engine, id)
	waitFor(t, h.Engine, "exited")
	for limit, want := range map[int]string{100: h.OnceSays, 3: h.OnceSays[len(h.OnceSays)-3:]} {
		if said := logs(t, h.Engine, id, limit); said != want {
			t.Errorf("Logs of at most %d bytes = %q, want %q", limit, said, want)
		}
	}
	if _, err := h.Engine.Logs(t.Context(), "nothing", 100); !errors.Is(err, worker.ErrNotExist) {
		t.Errorf("Logs of nothing: %v, want ErrNotExist", err)
	}
}

func logs(t *testing.T, engine worker.Engine, id string, limit int) string {
	t.Helper()
	said, err := engine.Logs(t.Context(), id, limit)
	if err != nil {
		t.Fatalf("Logs(%s): %v", id, err)
	}
	return string(said)
}
