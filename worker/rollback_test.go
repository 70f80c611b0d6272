package worker_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"muster/topics"
	"muster/worker"
	"muster/worker/enginetest"
)

// bad versions of an app, by how they fail.
var bad = map[string]enginetest.Image{
	"unhealthy":  {CheckTime: 5 * time.Second, Sick: true},
	"restarting": {CrashTime: 2 * time.Second, ExitCode: 7},
}

func TestVersionThatFailsMakesWayForTheOneBefore(t *testing.T) {
	for how, image := range bad {
		t.Run(how, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				b.machine.Push("web:2", image)
				b.begin("g")
				b.offer(config(t, 1, newApp("web", "nginx:1"), newApp("db", "redis:1")))
				b.pass(2 * time.Minute)
				b.machine.Unpush("nginx:1") // going back needs no registry
				b.machine.ForgetOps()
				b.offer(config(t, 2, newApp("web", "web:2", appID(2)), newApp("db", "redis:1")))
				b.pass(20 * time.Second)
				b.didOps("pull web:2", "create web-1.next", "remove web-1", "rename web-1", "start web-1",
					"create web-1.next", "remove web-1", "rename web-1", "start web-1")
				b.says(2, "web: version 2 failed: web-1 ")
				b.code("web", topics.ReasonRolledBack)
				b.runs("db-1", "web-1")
				if c := b.container("web-1"); c.ImageID != "sha256:nginx:1" {
					t.Errorf("there runs %+v, want one of the image that worked", c)
				}

				// Neither time nor a new start of the worker has it tried again.
				for range 3 {
					b.pass(time.Hour)
					b.restart("g")
					b.pass(time.Minute)
				}
				b.didOps()
				b.says(2, "web: version 2 failed: web-1 ")

				// A change of another app does not either, a change of this one does.
				b.offer(config(t, 3, newApp("web", "web:2", appID(2)), newApp("db", "redis:1", appID(2))))
				b.pass(time.Minute)
				b.didOps("pull redis:1", "create db-1.next", "remove db-1", "rename db-1", "start db-1")
				b.offer(config(t, 4, newApp("web", "nginx:2", appID(3)), newApp("db", "redis:1", appID(2))))
				b.pass(2 * time.Minute)
				b.didOps("pull nginx:2", "create web-1.next", "remove web-1", "rename web-1", "start web-1")
				b.says(4)
			})
		})
	}
}

func TestVersionThatCannotBeStartedMakesWayForTheOneBefore(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.begin("g")
		b.offer(config(t, 1, newApp("web", "nginx:1")))
		b.pass(2 * time.Minute)
		refused := &worker.Fault{Code: topics.ReasonCommandMissing, Err: errors.New("no such command")}
		b.machine.Fail(enginetest.OpStart, refused, refused, refused)
		b.offer(config(t, 2, newApp("web", "nginx:2", appID(2))))
		b.says(2, "web: no such command; next try at ")
		b.pass(time.Minute)
		b.says(2, "web: no such command; version 1, which worked before, is in its place")
		b.code("web", topics.ReasonRolledBack)
		b.runs("web-1")
	})
}

func TestVersionThatCannotBeMadeLeavesTheOneBefore(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.begin("g")
		b.offer(config(t, 1, newApp("web", "nginx:1")))
		b.pass(2 * time.Minute)
		before := b.container("web-1").ID
		for range 10 {
			b.machine.Fail(enginetest.OpCreate, errors.New("no such network"))
		}
		b.offer(config(t, 2, newApp("web", "nginx:2", appID(2))))
		b.pass(5 * time.Minute)
		b.says(2, "web: no such network; next try at ")
		if after := b.container("web-1").ID; after != before {
			t.Errorf("the container before was %s, now there is %s", before, after)
		}
		b.pass(time.Hour) // and once it can be made, it is
		b.says(2)
	})
}

func TestDownEngineIsNoFaultOfAVersion(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.begin("g")
		b.offer(config(t, 1, newApp("web", "nginx:1")))
		b.pass(2 * time.Minute)
		for range 8 {
			b.machine.Fail(enginetest.OpStart, worker.ErrEngineDown)
		}
		b.offer(config(t, 2, newApp("web", "nginx:2", appID(2))))
		b.pass(time.Hour)
		b.says(2)
		if c := b.container("web-1"); c.Image != "nginx:2" {
			t.Errorf("there runs %+v, want the new version", c)
		}
	})
}

func TestRollStopsAtAContainerThatFailsAndGoesBack(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.machine.Push("web:1", enginetest.Image{CheckTime: time.Second})
		b.machine.Push("web:2", bad["unhealthy"])
		b.begin("g")
		b.offer(config(t, 1, newApp("web", "web:1", times(3), rolling)))
		b.pass(2 * time.Minute)
		second, third := b.container("web-2").ID, b.container("web-3").ID
		b.offer(config(t, 2, newApp("web", "web:2", times(3), rolling, appID(2))))
		b.pass(time.Minute)
		b.code("web", topics.ReasonRolledBack)
		b.runs("web-1", "web-2", "web-3")
		if b.container("web-2").ID != second || b.container("web-3").ID != third {
			t.Error("containers of the version before were replaced though the first of the new one failed")
		}
		if left := len(b.containers()); left != 3 {
			t.Errorf("%d containers are left, want 3", left)
		}
	})
}

func TestFirstVersionThatFailsIsTriedOn(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.machine.Push("web:1", bad["unhealthy"])
		b.begin("g")
		b.offer(config(t, 1, newApp("web", "web:1")))
		b.comesTo("web", topics.ReasonUnhealthy)
		b.pass(time.Hour)
		b.comesTo("web", topics.ReasonUnhealthy)
		if slices.Contains(b.machine.Ops(), "remove web-1") || !slices.Contains(b.machine.Ops(), "restart web-1") {
			t.Errorf("the worker did %q, want restarts only", b.machine.Ops())
		}
		b.machine.SetHealth("web-1", "healthy")
		b.pass(10 * time.Second)
		b.says(1)
	})
}

func TestVersionThatOnceWorkedIsNotGivenUp(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.machine.Push("web:2", enginetest.Image{CheckTime: time.Second})
		b.begin("g")
		b.offer(config(t, 1, newApp("web", "nginx:1")))
		b.pass(2 * time.Minute)
		b.offer(config(t, 2, newApp("web", "web:2", appID(2))))
		b.pass(time.Minute)
		id := b.container("web-1").ID
		b.machine.SetHealth("web-1", "unhealthy")
		for range 5 {
			b.machine.Crash("web-1", 1)
			b.pass(time.Second)
		}
		b.pass(time.Hour)
		if c := b.container("web-1"); c.ID != id {
			t.Errorf("there is %+v, want the container that once worked", c)
		}
	})
}

// Without its records, a worker leaves all that runs alone, and learns from it what works.
func TestWhatRunsIsWhatWorks(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.machine.Push("web:2", bad["unhealthy"])
		b.begin("g")
		b.offer(config(t, 1, newApp("web", "nginx:1")))
		b.pass(2 * time.Minute)
		b.end()
		if err := os.Remove(filepath.Join(b.dir, "versions.json")); err != nil {
			t.Fatal(err)
		}
		b.restart("g")
		b.pass(2 * time.Minute)
		b.didOps()
		b.offer(config(t, 2, newApp("web", "web:2", appID(2))))
		b.pass(time.Minute)
		b.code("web", topics.ReasonRolledBack)
	})
}

// A worker that is killed while it goes back must not try the bad version again: what failed is on the disk before
// anything is done about it.
func TestWhatFailedIsOnTheDiskFirst(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.machine.Push("web:2", bad["restarting"])
		stages := 0
		b.engine = &staging{Engine: b.machine.Engine("d"), before: func(spec worker.Spec) {
			stages++
			data, err := os.ReadFile(filepath.Join(b.dir, "versions.json"))
			if known := strings.Contains(string(data), `"code":"restarting"`); known != (spec.AppID == 1) || err != nil {
				t.Errorf("as version %d is made the disk has %s (%v)", spec.AppID, data, err)
			}
		}}
		b.begin("g")
		b.offer(config(t, 1, newApp("web", "nginx:1")))
		b.pass(2 * time.Minute)
		b.offer(config(t, 2, newApp("web", "web:2", appID(2))))
		b.pass(time.Minute)
		if b.code("web", topics.ReasonRolledBack); stages != 2 {
			t.Errorf("%d containers were made beside others, want 2", stages)
		}
	})
}

// A staging engine tells of what is staged before it is.
type staging struct {
	worker.Engine
	before func(worker.Spec)
}

func (s *staging) Stage(ctx context.Context, spec worker.Spec) (string, error) {
	s.before(spec)
	return s.Engine.Stage(ctx, spec)
}

// An image that works and is gone is not to be had again.
func TestGoingBackWithoutTheImage(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.machine.Push("web:2", bad["unhealthy"])
		b.begin("g")
		b.offer(config(t, 1, newApp("web", "nginx:1")))
		b.pass(2 * time.Minute)
		b.machine.Prune()
		b.offer(config(t, 2, newApp("web", "web:2", appID(2))))
		b.pass(10 * time.Minute)
		b.code("web", topics.ReasonRollbackFailed)
		b.says(2, "web: version 2 failed: web-1 is unhealthy; version 1, which worked before, does not run: image sha256:nginx:1: does not exist")
		b.runs("web-1") // the bad one is better than none
	})
}

// What was done again because somebody undid it had an effect, also while an app is not as the config wants it.
func TestGoingBackIsRepaired(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.machine.Push("web:2", bad["restarting"])
		b.begin("g")
		b.offer(config(t, 1, newApp("web", "nginx:1")))
		b.pass(2 * time.Minute)
		b.offer(config(t, 2, newApp("web", "web:2", appID(2))))
		b.pass(time.Minute)
		for range 8 {
			b.machine.Wipe()
			b.pass(2 * time.Second)
			b.code("web", topics.ReasonRolledBack)
			b.runs("web-1")
		}
	})
}

// An app that comes back after it has left the config is another one, also when the worker died as it left.
func TestWorkerForgetsAppsThatAreGone(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.machine.Push("web:2", bad["unhealthy"])
		b.begin("g")
		b.offer(config(t, 1, newApp("web", "nginx:1")))
		b.pass(2 * time.Minute)
		path := filepath.Join(b.dir, "versions.json")
		known, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		b.offer(config(t, 2))
		b.pass(time.Minute)
		b.end()
		if err := os.WriteFile(path, known, 0o600); err != nil {
			t.Fatal(err)
		}
		b.begin("g")
		b.offer(config(t, 3, newApp("web", "web:2")))
		b.comesTo("web", topics.ReasonUnhealthy)
	})
}

// comesTo waits until the app fails with the code: it does not while its container is starting.
func (b *bench) comesTo(app string, want topics.Reason) {
	b.t.Helper()
	for range 60 {
		if slices.ContainsFunc(b.link.last().Failing, func(f topics.Failure) bool { return f.App == app && f.Code == want }) {
			return
		}
		b.pass(time.Second)
	}
	b.t.Errorf("failing are %+v, want %s with %s within a minute", b.link.last().Failing, app, want)
}

// container is the one with that name.
func (b *bench) container(name string) worker.Container {
	b.t.Helper()
	for _, c := range b.containers() {
		if c.Name == name {
			return c
		}
	}
	b.t.Fatalf("no container is called %s", name)
	return worker.Container{}
}

func (b *bench) containers() []worker.Container {
	b.t.Helper()
	list, err := b.machine.Engine("d").List(b.t.Context())
	if err != nil {
		b.t.Fatal(fmt.Errorf("list: %w", err))
	}
	return list
}

// The image to go back to is kept, though nothing runs from it and no config names it.
func TestPruneLeavesTheImageToGoBackTo(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.machine.Push("web:2", enginetest.Image{CheckTime: 10 * time.Minute, Sick: true})
		b.begin("g")
		b.offer(pruning(t, 1, 1, newApp("web", "nginx:1")))
		b.pass(2 * time.Minute)
		b.load("old:1")
		b.offer(pruning(t, 2, 2, newApp("web", "web:2", appID(2))))
		b.pass(time.Minute)
		b.has("nginx:1", "web:2")
		b.pass(10 * time.Minute)
		b.code("web", topics.ReasonRolledBack)
		b.runs("web-1")
	})
}

// Restarts while the engine comes and goes say nothing about a version.
func TestRestartsOfTheEngineAreNoFaultOfAVersion(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.begin("g")
		b.offer(config(t, 1, newApp("web", "nginx:1")))
		b.pass(2 * time.Minute)
		b.offer(config(t, 2, newApp("web", "nginx:2", appID(2))))
		for range 6 {
			b.machine.Crash("web-1", 255)
			b.pass(2 * time.Second)
			b.machine.SetDown(true)
			b.pass(40 * time.Second)
			b.machine.SetDown(false)
			b.pass(5 * time.Second)
		}
		b.pass(2 * time.Minute)
		b.says(2)
		if c := b.container("web-1"); c.Image != "nginx:2" {
			t.Errorf("there runs %+v, want the new version", c)
		}
	})
}
