package worker_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"muster/topics"
	"muster/worker"
	"muster/worker/enginetest"
)

// statsMachine runs three containers of an app, of which one has stopped, and one of a cron_job.
func statsMachine(t *testing.T) (*enginetest.Machine, worker.Engine) {
	t.Helper()
	m := enginetest.NewMachine()
	m.Push("i:1", enginetest.Image{})
	engine := m.Engine("d")
	if err := engine.Pull(t.Context(), "i:1", nil); err != nil {
		t.Fatal(err)
	}
	specs := []worker.Spec{worker.NewCronSpec(topics.NewCronJob("job", "* * * * *", "i:1"))}
	for i := range 3 {
		specs = append(specs, worker.Spec{App: "web", Index: i, AppID: 1, Image: "i:1"})
	}
	for _, spec := range specs {
		id, err := engine.Create(t.Context(), spec)
		if err == nil {
			err = engine.Start(t.Context(), id)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	m.SetState("web-2", "exited", "Exited (0)")
	return m, engine
}

// namesIn are the names in stats documents.
func namesIn(t *testing.T, documents []json.RawMessage) string {
	t.Helper()
	var names []string
	for _, d := range documents {
		var s struct{ Name string }
		if err := json.Unmarshal(d, &s); err != nil {
			t.Fatal(err)
		}
		names = append(names, s.Name)
	}
	return strings.Join(names, " ")
}

func TestStatsAreOfWhatRuns(t *testing.T) {
	_, engine := statsMachine(t)
	apps, cronJobs, err := worker.Stats(t.Context(), engine)
	if err != nil || namesIn(t, apps) != "/web-1 /web-3" || namesIn(t, cronJobs) != "/job.cron" {
		t.Errorf("Stats: apps %s, cron_jobs %s, %v", namesIn(t, apps), namesIn(t, cronJobs), err)
	}
}

func TestStatsThatCannotBeRead(t *testing.T) {
	m, engine := statsMachine(t)
	m.Fail(enginetest.OpStats, fmt.Errorf("it went: %w", worker.ErrNotExist))
	apps, cronJobs, err := worker.Stats(t.Context(), engine)
	if err != nil || len(apps)+len(cronJobs) != 2 {
		t.Errorf("when one has gone: apps %s, cron_jobs %s, %v", namesIn(t, apps), namesIn(t, cronJobs), err)
	}
	odd := errors.New("odd")
	m.Fail(enginetest.OpStats, odd)
	apps, cronJobs, err = worker.Stats(t.Context(), engine)
	if !errors.Is(err, odd) || len(apps)+len(cronJobs) != 2 {
		t.Errorf("when one fails: apps %s, cron_jobs %s, %v", namesIn(t, apps), namesIn(t, cronJobs), err)
	}
	m.SetDown(true)
	if _, _, err = worker.Stats(t.Context(), engine); !errors.Is(err, worker.ErrEngineDown) {
		t.Errorf("when the engine is down: %v", err)
	}
}
