package worker_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"muster/worker"
	"muster/worker/enginetest"
)

// An odd engine does some things in a way of its own.
type odd struct {
	worker.Engine
	pull func(ctx context.Context, image string) error
	has  func() bool
	list func(ctx context.Context) error
	// listed is called before List answers.
	listed func()
	// deaf has Remove and Start succeed and do nothing.
	deaf  bool
	calls atomic.Int32
	lists atomic.Int32
}

func (o *odd) Pull(ctx context.Context, image string, progress func(worker.PullProgress)) error {
	if o.pull != nil {
		if err := o.pull(ctx, image); err != nil {
			return err
		}
	}
	return o.Engine.Pull(ctx, image, progress)
}

func (o *odd) ImageID(ctx context.Context, image string) (string, error) {
	if o.has != nil && !o.has() {
		return "", nil
	}
	return o.Engine.ImageID(ctx, image)
}

func (o *odd) List(ctx context.Context) ([]worker.Container, error) {
	o.lists.Add(1)
	if o.list != nil {
		if err := o.list(ctx); err != nil {
			return nil, err
		}
	}
	list, err := o.Engine.List(ctx)
	if o.listed != nil {
		o.listed()
	}
	return list, err
}

func (o *odd) Remove(ctx context.Context, id string) error {
	o.calls.Add(1)
	if o.deaf {
		return nil
	}
	return o.Engine.Remove(ctx, id)
}

func (o *odd) Start(ctx context.Context, id string) error {
	o.calls.Add(1)
	if o.deaf {
		return nil
	}
	return o.Engine.Start(ctx, id)
}

func TestEngineThatDoesNotDoWhatItSays(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		engine := &odd{Engine: b.machine.Engine("d")}
		b.engine = engine
		b.begin("g")
		b.offer(config(t, 1, newApp("web", "nginx:1"), newApp("db", "redis:1")))
		engine.calls.Store(0)
		engine.deaf = true
		b.offer(config(t, 2, newApp("web", "nginx:1"), newApp("api", "redis:1")))
		b.pass(time.Hour)
		b.says(2, "api: api-1 is not started yet; next start at ", "db: reported success, but nothing changed; next try at ")
		if n := engine.calls.Load(); n < 20 || n > 60 {
			t.Errorf("%d calls in an hour, want some 40", n)
		}
	})
}

func TestPullThatEndsLateIsOfNoConsequence(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.engine = &odd{Engine: b.machine.Engine("d"), pull: func(_ context.Context, image string) error {
			if image == "slow:1" {
				time.Sleep(time.Minute) // whether or not it is told to end
				return errors.New("boom")
			}
			return nil
		}}
		b.begin("g")
		b.offer(config(t, 1, newApp("web", "slow:1")))
		b.pass(10 * time.Second)
		b.offer(config(t, 2, newApp("web", "nginx:1", appID(2))))
		b.pass(50 * time.Second)
		b.didOps("pull nginx:1", "create web-1", "start web-1")
		b.says(2)
	})
}

func TestImageThatIsGoneAfterEachPull(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.engine = &odd{Engine: b.machine.Engine("d"), has: func() bool { return false }}
		b.begin("g")
		b.offer(config(t, 1, newApp("web", "nginx:1")))
		b.pass(time.Hour)
		if pulls := len(b.machine.Ops()); pulls < 10 || pulls > 30 {
			t.Errorf("%d pulls in an hour, want some 20", pulls)
		}
		b.says(1, "web: image nginx:1: does not exist; next try at ")
	})
}

func TestPinnedImageIsPulledWhenItIsNotThere(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		const ref = "nginx@sha256:aa"
		b.machine.Push(ref, enginetest.Image{})
		b.begin("g")
		b.offer(config(t, 1, newApp("web", ref)))
		b.didOps("pull "+ref, "create web-1", "start web-1")
		b.offer(config(t, 2, newApp("web", ref, appID(2))))
		b.didOps("create web-1.next", "remove web-1", "rename web-1", "start web-1")
		b.machine.Prune()
		b.pass(time.Minute + 10*time.Second)
		b.machine.Wipe()
		synctest.Wait()
		b.didOps("pull "+ref, "create web-1", "start web-1")
		b.says(2)
	})
}

func TestEngineThatHangs(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		var hang atomic.Bool
		b.engine = &odd{Engine: b.machine.Engine("d"), list: func(ctx context.Context) error {
			if hang.Load() {
				<-ctx.Done()
			}
			return ctx.Err()
		}}
		b.begin("g")
		b.offer(config(t, 1, newApp("web", "nginx:1")))
		hang.Store(true)
		b.pass(2 * time.Minute)
		b.says(1, "web: the container engine does not answer within 1m0s")
		hang.Store(false)
		b.pass(2 * time.Minute)
		b.says(1)
	})
}

func TestStormOfEventsIsThinnedOut(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		engine := &odd{Engine: b.machine.Engine("d")}
		b.engine = engine
		b.begin("g")
		b.offer(config(t, 1, newApp("web", "nginx:1")))
		before := engine.lists.Load()
		for range 1000 {
			b.machine.SetState("web-1", "running", "Up")
			b.pass(10 * time.Millisecond)
		}
		if n := engine.lists.Load() - before; n > 12 {
			t.Errorf("1000 events in 10 s had the containers looked at %d times, want about 10", n)
		}
	})
}

func TestEngineThatComesBackOnOtherTerms(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.begin("g")
		b.offer(config(t, 1, newApp("web", "nginx:1", perCPU(0.5))))
		b.runs("web-1", "web-2")
		b.machine.SetDown(true)
		b.pass(time.Minute)
		b.machine.SetFacts(worker.Facts{CPUs: 6, MemoryMB: 4000})
		b.machine.SetDown(false)
		b.pass(time.Minute)
		b.runs("web-1", "web-2", "web-3")
	})
}

func TestAppIsTriedAtOnceWhenTheEngineIsBack(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.begin("g")
		b.offer(config(t, 1, newApp("web", "nginx:9")))
		b.pass(3 * time.Hour) // the pause is as long as it gets
		b.machine.Push("nginx:9", enginetest.Image{PullTime: 10 * time.Minute})
		b.pass(8 * time.Minute)
		b.machine.SetDown(true) // during the pull
		b.pass(10 * time.Minute)
		b.machine.Push("nginx:9", enginetest.Image{})
		b.machine.SetDown(false)
		b.pass(time.Minute) // no more than the engine's own pause
		b.runs("web-1")
	})
}

func TestTroubleThatIsOverIsForgotten(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.begin("g")
		fails := make([]error, 100)
		for i := range fails {
			fails[i] = errors.New("boom")
		}
		b.machine.Fail(enginetest.OpStart, fails...)
		b.offer(config(t, 1, newApp("web", "nginx:1")))
		b.pass(3 * time.Hour) // the pause is as long as it gets
		b.says(1, "web: boom")
		b.machine.SetState("web-1", "running", "Up") // by another hand
		b.pass(2 * time.Second)
		b.says(1)
		b.machine.Wipe()
		b.pass(2 * time.Second)
		b.says(1, "web: boom; next try at ") // tried anew, and at once
		if n := len(b.machine.Ops()); n != 3 {
			t.Errorf("the worker did %q, want a second create", b.machine.Ops())
		}
	})
}

func TestRollingRestartStopsAtTheFirstFailure(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.begin("g")
		b.offer(config(t, 1, newApp("web", "nginx:1", times(3), rolling)))
		b.machine.ForgetOps()
		b.machine.Fail(enginetest.OpCreate, errors.New("boom"))
		b.offer(config(t, 2, newApp("web", "nginx:2", times(3), rolling, appID(2))))
		b.didOps("pull nginx:2", "create web-2.next", "create web-3.next")
		b.runs("web-1", "web-2", "web-3")
		b.pass(5 * time.Second)
		b.didOps("create web-1.next", "remove web-1", "rename web-1", "start web-1")
		b.machine.Fail(enginetest.OpStart, errors.New("boom"))
		for deadline := time.Now().Add(time.Minute); len(b.machine.Ops()) == 0 && time.Now().Before(deadline); {
			b.pass(100 * time.Millisecond)
		}
		b.didOps("remove web-2", "rename web-2")
		b.runs("web-1", "web-3")
		b.pass(15 * time.Second)
		b.didOps("start web-2", "remove web-3", "rename web-3", "start web-3")
		b.pass(10 * time.Second)
		b.says(2)
	})
}

func TestRollingRestartWithPortsThatMove(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.begin("g")
		b.offer(config(t, 1, newApp("web", "nginx:1", times(3), rolling, port(8000))))
		// Each new container needs the port of the old one after it.
		b.machine.ForgetOps()
		b.offer(config(t, 2, newApp("web", "nginx:1", times(3), rolling, port(8001), appID(2))))
		b.pass(25 * time.Second)
		b.didOps("pull nginx:1", "create web-1.next", "create web-2.next", "create web-3.next",
			"remove web-3", "rename web-3", "start web-3", "remove web-2", "rename web-2", "start web-2",
			"remove web-1", "rename web-1", "start web-1")
		b.says(2)
	})
}

func TestLastingTroubleIsLoggedOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.begin("g")
		high := newApp("high", "nginx:1", port(65535), times(2))
		b.offer(config(t, 1, high))
		b.offer(config(t, 2, high, newApp("web", "nginx:1")))
		b.says(2, "high: container 1 would need host port 65536")
		if n := b.logged("does not run as wanted"); n != 1 {
			t.Errorf("the trouble is logged %d times, want once", n)
		}
		b.offer(config(t, 3, newApp("web", "nginx:1")))
		if n := b.logged("does not fail any more"); n != 1 {
			t.Errorf("its end is logged %d times, want once", n)
		}
	})
}
