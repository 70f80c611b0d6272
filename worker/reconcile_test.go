package worker_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"muster/topics"
	"muster/worker"
	"muster/worker/enginetest"
)

func TestSlowPullStallsNothingElse(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.machine.Push("big:1", enginetest.Image{PullTime: time.Hour, Bytes: 1000})
		b.begin("g")
		b.offer(config(t, 1, newApp("slow", "big:1"), newApp("web", "nginx:1")))
		b.didOps("pull nginx:1", "create web-1", "start web-1")
		b.says(0) // it has not applied all of it

		b.pass(10 * time.Minute)
		b.offer(config(t, 2, newApp("slow", "big:1"), newApp("web", "nginx:2", appID(2))))
		b.didOps("pull nginx:2", "create web-1.next", "remove web-1", "rename web-1", "start web-1")
		b.pass(50 * time.Minute) // the pull was not begun anew for an app that did not change
		b.didOps("pull big:1", "create slow-1", "start slow-1")
		b.says(2)
	})
}

func TestNewerConfigEndsAPullThatNobodyWants(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.machine.Push("big:1", enginetest.Image{PullTime: time.Hour})
		b.begin("g")
		b.offer(config(t, 1, newApp("web", "big:1")))
		b.pass(time.Minute)
		b.offer(config(t, 2, newApp("web", "nginx:1", appID(2))))
		b.didOps("pull nginx:1", "create web-1", "start web-1")
		b.says(2)
		b.pass(2 * time.Hour)
		b.didOps()
		if n := b.logged("step failed"); n != 0 {
			t.Errorf("%d steps are logged as failed, want none", n)
		}
	})
}

func TestNewerConfigEndsAReplacementBetweenSteps(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.begin("g")
		b.offer(config(t, 1, newApp("web", "nginx:1", times(3))))
		b.machine.SetRemoveTime(10 * time.Second)
		b.offer(config(t, 2, newApp("web", "nginx:2", times(3), appID(2))))
		b.machine.ForgetOps()
		b.pass(15 * time.Second)
		b.offer(config(t, 3, newApp("web", "nginx:1", times(3)))) // back to what it was
		b.pass(2 * time.Minute)
		b.didOps("remove web-1", "remove web-2", // until the step that was being taken had ended
			"remove web-1.next", "remove web-2.next", "remove web-3.next", "create web-1", "start web-1", "create web-2", "start web-2")
		b.says(3)
	})
}

func TestTwoPullsAtATime(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		var apps []topics.App
		for _, name := range []string{"a", "b", "c", "d", "e"} {
			b.machine.Push(name+":1", enginetest.Image{PullTime: 10 * time.Minute})
			apps = append(apps, newApp(name, name+":1"))
		}
		b.begin("g")
		b.offer(config(t, 1, apps...))
		for _, want := range []int{2, 4, 5} {
			b.pass(10*time.Minute + time.Second)
			containers, err := b.machine.Engine("d").List(t.Context())
			if err != nil || len(containers) != want {
				t.Errorf("%d containers (%v), want %d", len(containers), err, want)
			}
		}
		b.says(1)
	})
}

func TestStalledPullMakesWay(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		for _, ref := range []string{"stuck:1", "stuck:2"} {
			b.machine.Push(ref, enginetest.Image{PullTime: 1000 * time.Hour})
		}
		b.begin("g")
		b.offer(config(t, 1, newApp("a", "stuck:1"), newApp("b", "stuck:2"), newApp("web", "nginx:1"), newApp("db", "redis:1")))
		b.pass(20 * time.Minute)
		b.runs("db-1", "web-1")
		b.says(1, "a: pull stuck:1: given up after 15m0s without progress", "b: pull stuck:2: given up")
	})
}

func TestProgressOfAPullIsTold(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.machine.Push("big:1", enginetest.Image{PullTime: 10 * time.Second, Bytes: 1000})
		b.begin("g")
		b.offer(config(t, 1, newApp("web", "big:1")))
		b.pass(5500 * time.Millisecond)
		b.link.mu.Lock()
		defer b.link.mu.Unlock()
		last := b.link.progress[len(b.link.progress)-1]
		last.At = time.Time{}
		diff(t, "progress after half the pull", topics.Progress{App: "web", Phase: topics.PhasePull, Done: 500, Total: 1000}, last)
	})
}

func TestTroubleOfOneAppLeavesTheOthers(t *testing.T) {
	for _, op := range []enginetest.Op{enginetest.OpCreate, enginetest.OpStart, enginetest.OpHas} {
		t.Run(string(op), func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				b.begin("g")
				b.offer(config(t, 1, newApp("db", "redis:1")))
				b.machine.Fail(op, errors.New("first"), errors.New("second"), errors.New("third"))
				b.offer(config(t, 2, newApp("web", "nginx:1"), newApp("db", "redis:1")))
				b.says(2, "web: first; next try at ")
				b.runs("db-1")
				b.offer(config(t, 3, newApp("web", "nginx:1"), newApp("db", "redis:1"), newApp("api", "redis:1")))
				b.pass(time.Minute)
				b.runs("api-1", "db-1", "web-1")
				b.says(3)
			})
		})
	}
}

func TestPortThatAnotherAppGivesUpIsTakenAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.begin("g")
		b.offer(config(t, 1, newApp("a", "nginx:1", port(8001)), newApp("b", "nginx:1", port(8010), times(3))))
		b.machine.SetRemoveTime(time.Minute)
		b.offer(config(t, 2, newApp("a", "nginx:1", port(8012), appID(2)), newApp("b", "nginx:1", port(8020), times(3), appID(2))))
		b.pass(2 * time.Minute)
		b.says(1, "a: start a-1: host port 8012 is taken; next try at ")
		b.pass(time.Minute + time.Second)
		b.runs("a-1", "b-1", "b-2", "b-3")
		b.says(2)
	})
}

func TestEngineThatIsDown(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.machine.SetDown(true)
		b.begin("g")
		b.offer(config(t, 1, newApp("web", "nginx:1")))
		b.says(0, "web: the container engine does not answer")
		b.pass(time.Hour)
		b.machine.SetDown(false)
		b.pass(time.Minute)
		b.didOps("pull nginx:1", "create web-1", "start web-1")
		b.says(1)

		b.machine.SetDown(true)
		b.pass(time.Hour)
		b.says(1, "web: the container engine does not answer")
		if n := b.logged("cannot be looked at"); n != 2 {
			t.Errorf("two outages are logged %d times", n)
		}
		b.machine.SetDown(false)
		b.pass(time.Minute)
		b.didOps()
		b.says(1)
	})
}

func TestEngineThatGoesDownDuringAPull(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.machine.Push("big:1", enginetest.Image{PullTime: time.Minute})
		b.begin("g")
		b.offer(config(t, 1, newApp("web", "big:1")))
		b.pass(50 * time.Second)
		b.machine.SetDown(true)
		b.pass(20 * time.Second)
		b.says(0, "web: the container engine does not answer")
		b.pass(time.Hour)
		b.machine.SetDown(false)
		b.pass(2 * time.Minute) // no longer than the engine's own pause, and the pull
		b.didOps("pull big:1", "create web-1", "start web-1")
		b.says(1)
	})
}

func TestFactsThatCannotBe(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.begin("g")
		b.offer(config(t, 1, newApp("web", "nginx:1", perCPU(0.5))))
		b.machine.SetFacts(worker.Facts{})
		b.restart("g")
		b.pass(time.Minute)
		b.didOps()
		b.runs("web-1", "web-2")
		b.says(1, "web: 0 CPUs")
	})
}

func TestContainerThatKeepsRestarting(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.begin("g")
		b.offer(config(t, 1, newApp("web", "nginx:1")))
		b.machine.ForgetOps()
		b.pass(70 * time.Second)
		reports := b.link.count()
		for i := range 10 {
			b.machine.SetState("web-1", "restarting", "Restarting (3) Less than a second ago")
			b.pass(2 * time.Second)
			b.machine.SetState("web-1", "running", "Up 1 second")
			b.pass(time.Duration(i+2) * time.Second)
			b.says(1, "web: web-1 keeps restarting with exit code 3")
		}
		if n := b.link.count() - reports; n != 1 {
			t.Errorf("%d reports of a container that goes up and down, want 1", n)
		}
		b.pass(2 * time.Minute)
		b.says(1)
		b.didOps()
	})
}

func TestContainerThatEndsIsStartedWithAGrowingPause(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.begin("g")
		b.offer(config(t, 1, newApp("web", "nginx:1")))
		b.machine.ForgetOps()
		b.pass(time.Hour)
		b.machine.SetState("web-1", "exited", "Exited (0) Less than a second ago")
		synctest.Wait()
		b.pass(time.Second)
		b.didOps("start web-1") // the first time at once
		for range 1800 {
			b.machine.SetState("web-1", "exited", "Exited (0) Less than a second ago")
			b.pass(2 * time.Second)
		}
		if starts := len(b.machine.Ops()); starts < 10 || starts > 30 {
			t.Errorf("%d starts in an hour, want some 20", starts)
		}
		if len(b.link.last().Failing) == 0 { // it was started this very moment, and will not be soon
			b.machine.SetState("web-1", "exited", "Exited (0) Less than a second ago")
			b.pass(2 * time.Second)
		}
		b.says(1, "web: web-1 has ended with exit code 0; next start at ")

		// One that has run for long is as good as new.
		b.pass(time.Hour)
		b.machine.ForgetOps()
		for range 2 {
			b.machine.SetState("web-1", "exited", "Exited (0) Less than a second ago")
			b.pass(16 * time.Second)
		}
		b.didOps("start web-1", "start web-1")
	})
}

func TestContainersOfNobodyElseAreTouched(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		other := b.machine.Engine("other")
		if err := other.Pull(t.Context(), "redis:1", nil); err != nil {
			t.Fatal(err)
		}
		spec, err := worker.NewSpec(newApp("web", "redis:1"), 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := other.Create(t.Context(), spec); err != nil {
			t.Fatal(err)
		}
		b.machine.ForgetOps()
		b.begin("g")
		b.offer(config(t, 1, newApp("web", "nginx:1"))) // wants the name that the other's has
		b.says(1, "web: create web-1: the name is taken; next try at ")
		b.didOps("pull nginx:1")
	})
}

func TestEachStepIsLoggedWithItsReason(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.begin("g")
		b.offer(config(t, 1, newApp("web", "nginx:1")))
		var steps []string
		for line := range strings.Lines(b.log.String()) {
			if _, rest, ok := strings.Cut(line, `msg="step taken" `); ok {
				steps = append(steps, strings.TrimSpace(rest))
			}
		}
		want := []string{
			`step=pull app=web reason="not yet pulled for app_id 1" image=nginx:1 took=0s`,
			`step=create app=web reason="is missing" container=web-1 took=0s`,
		}
		if !slices.Equal(steps, want) {
			t.Errorf("logged are %q, want %q", steps, want)
		}
	})
}

func TestRecordOfImagesThatIsOfNoUse(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.begin("g")
		b.offer(config(t, 1, newApp("web", "nginx:1")))
		b.end()
		if err := os.WriteFile(filepath.Join(b.dir, "images.json"), []byte(`{"web":{"app`), 0o600); err != nil {
			t.Fatal(err)
		}
		b.restart("g")
		b.didOps()
		b.says(1)
		if n := b.logged(`of="pulled images"`); n != 1 {
			t.Errorf("the record that cannot be read is logged %d times, want once", n)
		}
	})
}
