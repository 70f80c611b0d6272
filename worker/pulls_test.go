package worker_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"muster/topics"
	"muster/worker"
	"muster/worker/enginetest"
)

func TestAppsOfOneImagePullItOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.machine.Push("big:1", enginetest.Image{PullTime: time.Minute, Bytes: 1000})
		b.begin("g")
		b.offer(config(t, 1, newApp("a", "big:1"), newApp("b", "big:1"), newApp("c", "big:1")))
		b.pass(30 * time.Second)
		told := map[string]int64{}
		b.link.mu.Lock()
		for _, p := range b.link.progress {
			told[p.App] = p.Done
		}
		b.link.mu.Unlock()
		for _, app := range []string{"a", "b", "c"} {
			if told[app] < 400 {
				t.Errorf("after half of the pull the progress told is %v, want about 500 of 1000 for each app", told)
			}
		}
		b.pass(40 * time.Second)
		b.runs("a-1", "b-1", "c-1")
		pulls := 0
		for _, op := range b.machine.Ops() {
			if op == "pull big:1" {
				pulls++
			}
		}
		if pulls != 1 {
			t.Errorf("%d pulls in %q, want one", pulls, b.machine.Ops())
		}
	})
}

// The tag may have moved since the pull began.
func TestAppThatComesLaterPullsAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.machine.Push("big:1", enginetest.Image{PullTime: time.Minute})
		b.begin("g")
		b.offer(config(t, 1, newApp("a", "big:1")))
		b.pass(30 * time.Second)
		b.offer(config(t, 2, newApp("a", "big:1"), newApp("b", "big:1")))
		b.pass(2 * time.Minute)
		b.didOps("pull big:1", "create a-1", "start a-1", "pull big:1", "create b-1", "start b-1")
	})
}

func TestPullThatFailsIsTriedByTheNext(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.machine.Fail(enginetest.OpPull, errors.New("boom"))
		b.begin("g")
		b.offer(config(t, 1, newApp("a", "nginx:1"), newApp("b", "nginx:1")))
		b.pass(10 * time.Second)
		b.runs("a-1", "b-1")
		b.says(1)
	})
}

func TestMaxPulls(t *testing.T) {
	for _, limit := range []int{1, 3} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				b.maxPulls = limit
				var apps []topics.App
				for i := range 6 {
					ref := fmt.Sprintf("big:%d", i)
					b.machine.Push(ref, enginetest.Image{PullTime: time.Minute})
					apps = append(apps, newApp(fmt.Sprintf("app%d", i), ref))
				}
				b.begin("g")
				b.offer(config(t, 1, apps...))
				b.pass(90 * time.Second)
				pulls := slices.DeleteFunc(b.machine.Ops(), func(op string) bool { return !strings.HasPrefix(op, "pull ") })
				if len(pulls) != limit {
					t.Errorf("after one and a half pulls' time there were %q, want %d", pulls, limit)
				}
			})
		})
	}
}

// A pull that waits for a layer of another one, as on a slow link, is not stalled.
func TestPullThatWaitsForAnother(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.machine.Push("slow:1", enginetest.Image{PullTime: 100 * time.Minute, Bytes: 1000}) // progress every 10 min
		b.engine = &odd{Engine: b.machine.Engine("d"), pull: func(ctx context.Context, image string) error {
			if image != "nginx:1" {
				return nil
			}
			select {
			case <-time.After(40 * time.Minute):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}}
		b.begin("g")
		b.offer(config(t, 1, newApp("a", "slow:1")))
		b.pass(time.Second)
		b.offer(config(t, 2, newApp("a", "slow:1"), newApp("b", "nginx:1")))
		b.pass(41 * time.Minute)
		b.runs("b-1")
		b.says(0)
	})
}

// What comes after a pull that is stuck does not keep it alive.
func TestStuckPullBesideAYoungerOne(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.machine.Push("stuck:1", enginetest.Image{PullTime: 1000 * time.Hour})
		b.machine.Push("slow:1", enginetest.Image{PullTime: 100 * time.Minute, Bytes: 1000}) // progress every 10 min
		b.begin("g")
		b.offer(config(t, 1, newApp("a", "stuck:1")))
		b.pass(time.Second)
		b.offer(config(t, 2, newApp("a", "stuck:1"), newApp("b", "slow:1")))
		b.pass(15 * time.Minute)
		b.code("a", topics.ReasonPullStalled)
	})
}

func TestStalledPullHasItsCode(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.machine.Push("stuck:1", enginetest.Image{PullTime: 1000 * time.Hour})
		b.begin("g")
		b.offer(config(t, 1, newApp("a", "stuck:1")))
		b.pass(15*time.Minute + time.Second)
		b.code("a", topics.ReasonPullStalled)
	})
}

// code checks the code of the app's failure.
func (b *bench) code(app string, want topics.Reason) {
	b.t.Helper()
	b.link.mu.Lock()
	defer b.link.mu.Unlock()
	for _, f := range b.link.reports[len(b.link.reports)-1].Failing {
		if f.App == app {
			if f.Code != want {
				b.t.Errorf("%s fails with the code %s, want %s", app, f.Code, want)
			}
			return
		}
	}
	b.t.Errorf("%s does not fail, want %s", app, want)
}

// What a config changes begins at a random time within the wait; what it stops, and the first config, at once.
func TestMaxRestartWait(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.maxRestartWait = 10 * time.Minute
		b.begin("g")
		list := func(image string, id int64) (apps []topics.App) {
			for i := range 20 {
				apps = append(apps, newApp(fmt.Sprintf("app%02d", i), image, appID(id)))
			}
			return apps
		}
		b.offer(config(t, 1, append(list("nginx:1", 1), newApp("gone", "nginx:1"))...))
		synctest.Wait()
		b.says(1)
		b.machine.ForgetOps()
		b.offer(config(t, 2, append(list("nginx:2", 2), newApp("new", "nginx:1"))...))
		b.pass(2 * time.Second)
		begun := func() int { return strings.Count(strings.Join(b.machine.Ops(), "\n"), "\nstart ") }
		if ops := b.machine.Ops(); begun() > 3 || !slices.Contains(ops, "remove gone-1") {
			t.Errorf("in the first two seconds of ten minutes %q, want the removal and hardly more", ops)
		}
		b.says(1)
		b.pass(5 * time.Minute)
		if half := begun(); half < 2 || half > 19 {
			t.Errorf("%d of 21 apps in the first half, want about half", half)
		}
		// What waits is not put off by another change.
		b.offer(config(t, 3, append(list("nginx:2", 3), newApp("new", "nginx:1"))...))
		b.pass(5 * time.Minute)
		if n := strings.Count(strings.Join(b.machine.Ops(), "\n"), "start new-1"); n != 1 {
			t.Errorf("new-1 was started %d times within the time of its first config, want once", n)
		}
		b.pass(5 * time.Minute)
		b.says(3)

		// A start of the worker waits for nothing.
		b.machine.Wipe()
		b.restart("g")
		b.pass(time.Second)
		b.says(3)
	})
}

// A registry that limits pulls is left alone for as long as it says, and for a minute when it does not.
func TestRegistryThatLimitsPulls(t *testing.T) {
	for name, test := range map[string]struct {
		err         error
		early, late time.Duration
	}{
		"says when":             {&worker.Limit{After: 10 * time.Minute, Err: errors.New("429")}, 9*time.Minute + 59*time.Second, 10*time.Minute + time.Second},
		"does not say":          {&worker.Limit{Err: errors.New("429")}, 59 * time.Second, 61 * time.Second},
		"says nothing sensible": {&worker.Limit{After: 1000 * time.Hour, Err: errors.New("429")}, 59 * time.Minute, time.Hour + time.Second},
		"as the engine says it": {&worker.Fault{Code: topics.ReasonRateLimited, Err: errors.New("429")}, 59 * time.Second, 61 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				b.machine.Fail(enginetest.OpPull, test.err)
				b.begin("g")
				b.offer(config(t, 1, newApp("web", "nginx:1")))
				b.pass(test.early)
				b.didOps()
				b.code("web", topics.ReasonRateLimited)
				b.pass(test.late - test.early)
				b.runs("web-1")
			})
		})
	}
}

// Registries that hang, or that fail again and again after a while, keep no app waiting whose registry works.
func TestBadRegistriesHoldUpNoOther(t *testing.T) {
	pulls := map[string]func(ctx context.Context) error{
		"hangs": func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		},
		"fails late": func(context.Context) error {
			time.Sleep(80 * time.Second)
			return errors.New("cut off")
		},
	}
	for name, pull := range pulls {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				b.engine = &odd{Engine: b.machine.Engine("d"), pull: func(ctx context.Context, image string) error {
					if strings.HasPrefix(image, "bad:") {
						return pull(ctx)
					}
					return nil
				}}
				var apps []topics.App
				for i := range 5 {
					apps = append(apps, newApp(fmt.Sprintf("a%d", i), fmt.Sprintf("bad:%d", i)))
				}
				b.begin("g")
				b.offer(config(t, 1, apps...))
				b.pass(6 * time.Minute) // each has failed, or hangs
				var want []string
				for i := range 9 {
					name := fmt.Sprintf("web%d", i)
					b.machine.Push(name+":1", enginetest.Image{})
					apps, want = append(apps, newApp(name, name+":1")), append(want, name+"-1")
					b.offer(config(t, int64(i+2), apps...))
					b.pass(time.Second)
					b.runs(want...)
					b.pass(time.Minute)
				}
			})
		})
	}
}
