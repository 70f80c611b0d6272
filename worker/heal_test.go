package worker_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"muster/topics"
	"muster/worker/enginetest"
)

func policy(p string) func(*topics.App) { return func(a *topics.App) { a.RestartPolicy = p } }

func TestUnhealthyContainerIsRestartedWithAGrowingPause(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.machine.Push("web:1", enginetest.Image{CheckTime: time.Second})
		b.begin("g")
		b.offer(config(t, 1, newApp("web", "web:1"), newApp("db", "redis:1")))
		b.pass(2 * time.Minute)
		b.says(1)
		b.machine.ForgetOps()

		b.machine.SetHealth("web-1", "unhealthy")
		b.pass(time.Second)
		b.didOps("restart web-1") // the first time at once
		for range 3600 {
			b.pass(time.Second)
			b.machine.SetHealth("web-1", "unhealthy")
		}
		b.pass(time.Second)
		if len(b.link.last().Failing) == 0 { // it was restarted this very moment, and will not be soon
			b.machine.SetHealth("web-1", "unhealthy")
			b.pass(time.Second)
		}
		b.says(1, "web: web-1 is unhealthy; next restart at ")
		if got := b.link.last().Failing[0].Code; got != topics.ReasonUnhealthy {
			t.Errorf("the code is %s", got)
		}
		if n := len(b.machine.Ops()); n < 10 || n > 30 || slices.Contains(b.machine.Ops(), "remove web-1") {
			t.Errorf("in an hour the worker did %q, want some 20 restarts", b.machine.Ops())
		}

		// One that has been well for long is as good as new.
		b.machine.SetHealth("web-1", "healthy")
		b.pass(time.Hour)
		b.says(1)
		b.machine.ForgetOps()
		for range 2 {
			b.machine.SetHealth("web-1", "unhealthy")
			b.pass(16 * time.Second)
		}
		b.didOps("restart web-1", "restart web-1")
	})
}

// A health check that takes longer than a pause to find out does not start the pauses anew.
func TestPausesGrowWhileAHealthCheckTakesItsTime(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.machine.Push("web:1", enginetest.Image{CheckTime: 90 * time.Second, Sick: true})
		b.begin("g")
		b.offer(config(t, 1, newApp("web", "web:1")))
		b.machine.ForgetOps()
		b.pass(2 * time.Hour)
		if n := len(b.machine.Ops()); n < 15 || n > 45 {
			t.Errorf("%d restarts in two hours, want some 25: one about every 5 minutes, rather than every 90 seconds", n)
		}
	})
}

// Pauses grow also for a container of which the engine tells nothing but that it is unhealthy.
func TestPausesGrowWithoutDetails(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.machine.Push("web:1", enginetest.Image{CheckTime: time.Second, Sick: true})
		for range 5000 {
			b.machine.Fail(enginetest.OpInspect, errors.New("no details"))
		}
		b.begin("g")
		b.offer(config(t, 1, newApp("web", "web:1")))
		b.machine.ForgetOps()
		b.pass(30 * time.Minute)
		if n := len(b.machine.Ops()); n < 5 || n > 25 {
			t.Errorf("%d restarts in half an hour, want some 10", n)
		}
	})
}

func TestAppThatIsFinishedIsNotStartedAgain(t *testing.T) {
	for _, test := range []struct {
		policy string
		code   int
		says   []string
	}{
		{topics.RestartNo, 0, nil},
		{topics.RestartOnFailure, 0, nil},
		{topics.RestartNo, 3, []string{"job: job-1 has ended with exit code 3, and its restart_policy says not to start it again"}},
	} {
		t.Run(test.policy, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				b.machine.Push("job:1", enginetest.Image{Once: true, ExitCode: test.code})
				b.begin("g")
				b.offer(config(t, 1, newApp("job", "job:1", policy(test.policy))))
				b.pass(time.Hour)
				b.didOps("pull job:1", "create job-1", "start job-1")
				b.says(1, test.says...)
				b.restart("g")
				b.pass(time.Hour)
				b.didOps()
				b.says(1, test.says...)
				b.offer(config(t, 2, newApp("job", "job:1", policy(test.policy), appID(2))))
				b.didOps("pull job:1", "create job-1.next", "remove job-1", "rename job-1", "start job-1")
			})
		})
	}
}
