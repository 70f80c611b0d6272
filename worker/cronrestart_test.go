package worker_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"muster/topics"
	"muster/worker"
	"muster/worker/enginetest"
)

func TestRunSurvivesTheWorker(t *testing.T) {
	cronBubble(t, func(t *testing.T, b *bench) {
		b.machine.Push("long:1", enginetest.Image{RunTime: 100 * time.Second, ExitCode: 4})
		b.offer(cron(t, 1, job("clean", "long:1", at("* 0 * * *"))))
		b.pass(half + time.Second) // 00:01:01
		b.didOps("pull long:1", "create clean.cron", "start clean.cron")
		began := time.Now().Truncate(time.Minute)
		b.restart("g")
		if s := b.state("clean"); s.Started == nil || !s.Started.Equal(began) {
			t.Errorf("after a restart the state is %+v, want a run since %v", s, began)
		}
		b.pass(time.Minute)
		b.end()
		b.pass(10 * time.Minute) // it ends while there is no worker
		b.restart("g")
		last := topics.CronRun{Started: began, Seconds: 100, ExitCode: 4}
		diff(t, "the last run", &last, b.state("clean").Last)
		if n := b.logged("a run of a cron_job is over"); n != 1 {
			t.Errorf("its end is recorded %d times, want once", n)
		}
		b.didOps("remove clean.cron")
		b.restart("g")
		diff(t, "the last run after another start", &last, b.state("clean").Last)
		b.wellOrNot("clean", topics.ReasonRunFailed, "exit code 4")
		if n := b.logged("a run of a cron_job is over"); n != 1 {
			t.Errorf("its end is recorded %d times, want once", n)
		}
	})
}

// A worker that is killed leaves the container in one of these states; what the next one does is the same whether
// it is killed itself.
func TestRunOfAWorkerThatWasKilled(t *testing.T) {
	for _, test := range []struct {
		name  string
		leave func(*testing.T, worker.Engine, string)
		want  []string
	}{
		{name: "before the container was made", leave: func(t *testing.T, e worker.Engine, id string) { remove(t, e, id) },
			want: []string{"create clean.cron", "start clean.cron"}},
		{name: "before it was started", leave: func(*testing.T, worker.Engine, string) {},
			want: []string{"remove clean.cron", "create clean.cron", "start clean.cron"}},
		{name: "during the run", leave: start, want: nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			cronBubble(t, func(t *testing.T, b *bench) {
				j := job("clean", "job:1")
				b.offer(cron(t, 1, j))
				b.end()
				b.pass(half) // 00:01:00
				engine := b.machine.Engine("d")
				id, err := engine.Create(t.Context(), worker.NewCronSpec(j))
				if err != nil {
					t.Fatal(err)
				}
				test.leave(t, engine, id)
				b.pass(time.Second)
				b.restart("g")
				b.pass(2 * time.Second)
				b.didOps(test.want...)
			})
		})
	}
}

func remove(t *testing.T, e worker.Engine, id string) {
	t.Helper()
	if err := e.Remove(t.Context(), id); err != nil {
		t.Fatal(err)
	}
}

func start(t *testing.T, e worker.Engine, id string) {
	t.Helper()
	if err := e.Start(t.Context(), id); err != nil {
		t.Fatal(err)
	}
}

// A worker that is killed between the record and the removal records nothing twice.
func TestRecordedRunIsOnlyRemoved(t *testing.T) {
	cronBubble(t, func(t *testing.T, b *bench) {
		b.offer(cron(t, 1, job("clean", "bad:1", at("1 0 * * *"))))
		b.machine.Fail(enginetest.OpRemove, errors.New("first"), errors.New("second"))
		b.pass(half + time.Second)
		b.wellOrNot("clean", topics.ReasonUnknown, "first; next try at ")
		b.restart("g")
		b.pass(time.Minute)
		b.didOps("remove clean.cron")
		b.wellOrNot("clean", topics.ReasonRunFailed, "exit code 3")
		if n := b.logged("a run of a cron_job is over"); n != 1 {
			t.Errorf("its end is recorded %d times, want once", n)
		}
	})
}

func TestCronJobsRunOfflineAfterAReboot(t *testing.T) {
	cronBubble(t, func(t *testing.T, b *bench) {
		b.offer(cron(t, 1, job("clean", "job:1", at("1 * * * *"))))
		b.end()
		b.machine.Unpush("job:1")
		b.pass(24 * time.Hour) // what is missed is not made up for
		b.restart("g")
		b.didOps()
		b.pass(half + time.Second)
		b.didOps("create clean.cron", "start clean.cron")
		b.wellOrNot("clean", "", "")
	})
}

func TestRunsAreMissedWhileTheEngineIsDown(t *testing.T) {
	cronBubble(t, func(t *testing.T, b *bench) {
		b.offer(cron(t, 1, job("clean", "job:1"), job("nightly", "job:1", at("0 4 * * *"))))
		b.machine.SetDown(true)
		b.pass(5 * time.Minute)
		b.wellOrNot("clean", topics.ReasonEngineDown, "could not be made: ")
		b.wellOrNot("nightly", "", "")
		b.machine.SetDown(false)
		b.machine.ForgetOps()
		b.pass(half)
		if n := b.starts("clean"); n > 1 {
			t.Errorf("%d runs at once, want what is due now at the most", n)
		}
		if n := b.logged("was missed"); n != 5 {
			t.Errorf("%d runs are logged as missed, want 5", n)
		}
		b.pass(time.Minute)
		b.wellOrNot("clean", "", "")
	})
}

func TestEngineThatDoesNotRemoveARun(t *testing.T) {
	cronBubble(t, func(t *testing.T, b *bench) {
		engine := &odd{Engine: b.machine.Engine("d")}
		b.engine = engine
		b.restart("g")
		b.offer(cron(t, 1, job("clean", "job:1")))
		b.pass(half + time.Second)
		engine.deaf = true
		b.machine.ForgetOps() // whose lock the worker takes as well before it reads that
		b.pass(time.Minute)
		b.wellOrNot("clean", topics.ReasonNoEffect, "nothing changed")
		calls := engine.calls.Load()
		b.pass(time.Hour)
		if n := engine.calls.Load() - calls; n < 10 || n > 60 {
			t.Errorf("%d calls in an hour, want some 15", n)
		}
	})
}

// What cannot be written down is lost with the worker, but keeps no cron_job from running.
func TestCronFileThatCannotBeWritten(t *testing.T) {
	cronBubble(t, func(t *testing.T, b *bench) {
		if err := os.Mkdir(filepath.Join(b.dir, "cron.json"), 0o700); err != nil {
			t.Fatal(err)
		}
		b.offer(cron(t, 1, job("clean", "bad:1")))
		b.pass(10 * time.Minute)
		if n := b.starts("clean"); n != 10 {
			t.Errorf("%d runs, want 10", n)
		}
		b.wellOrNot("clean", topics.ReasonRunFailed, "exit code 3")
		if b.logged("cannot be written") == 0 {
			t.Error("the log does not say so")
		}
	})
}
