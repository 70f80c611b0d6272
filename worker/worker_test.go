package worker_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"muster/topics"
	"muster/worker"
	"muster/worker/enginetest"
)

func TestFirstConfigIsPulledAndRun(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.begin("g")
		b.says(0)
		b.offer(config(t, 1, newApp("web", "nginx:1")))
		b.didOps("pull nginx:1", "create web-1", "start web-1")
		b.says(1)
		if want := (topics.Version{Epoch: epoch, ConfigID: 1}); b.link.told() != want {
			t.Errorf("the link is told to have %v, want %v", b.link.told(), want)
		}
		b.pass(time.Hour)
		b.didOps()
	})
}

func TestRestartTouchesNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.begin("g")
		b.offer(config(t, 1, newApp("web", "nginx:1", times(2)), newApp("db", "redis:1")))
		b.machine.Unpush("nginx:1") // nothing of what follows needs a registry
		b.restart("g")
		b.says(1)
		if v := b.link.told(); v.ConfigID != 1 {
			t.Errorf("the link is told to have %v, want config 1", v)
		}
		b.pass(time.Hour)
		b.didOps()
		b.runs("db-1", "web-1", "web-2")
	})
}

// A worker that starts while a newer config is still being applied says what the containers follow until then.
func TestRestartDoesNotForgetWhatWasApplied(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.begin("g")
		b.offer(config(t, 1, newApp("web", "nginx:1")))
		b.machine.Push("big:1", enginetest.Image{PullTime: time.Hour, Bytes: 1000})
		b.offer(config(t, 2, newApp("web", "big:1")))
		b.restart("g")
		for i, r := range b.link.said() {
			if r.ConfigID != 1 {
				t.Errorf("status %d after the restart names config %d, want 1", i, r.ConfigID)
			}
		}
		b.pass(2 * time.Hour)
		b.says(2)
		b.restart("elsewhere")
		b.says(0)
	})
}

func TestBootsOfflineFromLocalImages(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.begin("g")
		b.offer(config(t, 1, newApp("web", "nginx:1")))
		b.end()
		b.machine.Unpush("nginx:1")
		b.machine.Wipe()
		b.restart("g")
		b.didOps("create web-1", "start web-1")
		b.says(1)
	})
}

func TestWipedContainersAreMadeAnew(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.begin("g")
		b.offer(config(t, 1, newApp("web", "nginx:1")))
		b.machine.ForgetOps()
		b.pass(70 * time.Second)
		b.machine.Wipe()
		synctest.Wait()
		b.didOps("create web-1", "start web-1")
	})
}

func TestImageThatIsGoneIsPulledAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.begin("g")
		b.offer(config(t, 1, newApp("web", "nginx:1")))
		b.end()
		b.machine.Wipe()
		b.machine.Prune()
		b.restart("g")
		b.didOps("pull nginx:1", "create web-1", "start web-1")
		b.says(1)
	})
}

func TestNewSpecIsPulledBeforeTheOldIsRemoved(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.begin("g")
		b.offer(config(t, 1, newApp("web", "nginx:1")))
		b.offer(config(t, 2, newApp("web", "nginx:2", appID(2))))
		b.didOps("pull nginx:1", "create web-1", "start web-1", "pull nginx:2", "create web-1.next", "remove web-1", "rename web-1", "start web-1")
		// A restart of the app changes the app_id alone; its tag may have moved.
		b.offer(config(t, 3, newApp("web", "nginx:2", appID(3))))
		b.didOps("pull nginx:2", "create web-1.next", "remove web-1", "rename web-1", "start web-1")
		b.says(3)
	})
}

func TestFailedPullLeavesTheOldRunning(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.begin("g")
		b.offer(config(t, 1, newApp("web", "nginx:1"), newApp("db", "redis:1")))
		b.machine.ForgetOps()
		b.offer(config(t, 2, newApp("web", "nginx:9", appID(2)), newApp("db", "redis:1", appID(2))))
		b.didOps("pull redis:1", "create db-1.next", "remove db-1", "rename db-1", "start db-1")
		b.runs("db-1", "web-1")
		b.says(2, "web: nginx:9: the registry does not know it: does not exist; next try at ")
		b.pass(time.Hour)
		if tries := b.logged("step=pull app=web"); tries < 10 || tries > 30 {
			t.Errorf("%d tries to pull in the first hour, want some 20 with a growing pause", tries)
		}
		b.runs("db-1", "web-1")
		b.machine.Push("nginx:9", enginetest.Image{})
		b.pass(10 * time.Minute)
		b.didOps("pull nginx:9", "create web-1.next", "remove web-1", "rename web-1", "start web-1")
		b.says(2)
	})
}

func TestAppsGoAndStop(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.begin("g")
		b.offer(config(t, 1, newApp("web", "nginx:1"), newApp("db", "redis:1"), newApp("api", "redis:1")))
		b.machine.ForgetOps()
		stopped := newApp("web", "nginx:1", appID(2))
		stopped.Running = false
		b.offer(config(t, 2, stopped, newApp("api", "redis:1")))
		b.runs("api-1")
		b.says(2)
		b.offer(config(t, 3))
		b.runs()
		b.says(3)
	})
}

func TestStopWhileReplacingFinishesTheReplacement(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.begin("g")
		b.offer(config(t, 1, newApp("web", "nginx:1")))
		b.machine.ForgetOps()
		b.machine.SetRemoveTime(5 * time.Second)
		b.offer(config(t, 2, newApp("web", "nginx:2", appID(2))))
		b.pass(time.Second)
		b.end()
		b.didOps("pull nginx:2", "create web-1.next", "remove web-1", "rename web-1", "start web-1")
	})
}

func TestStopWaitsOnlySoLongForAReplacement(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.begin("g")
		b.offer(config(t, 1, newApp("web", "nginx:1")))
		b.machine.SetRemoveTime(4 * time.Minute)
		b.offer(config(t, 2, newApp("web", "nginx:2", appID(2))))
		b.pass(time.Second)
		began := time.Now()
		b.end()
		if took := time.Since(began); took != 20*time.Second {
			t.Errorf("the worker took %v to stop, want 20s", took)
		}
	})
}

func TestStopDoesNotWaitForAPull(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.machine.Push("big:1", enginetest.Image{PullTime: time.Hour})
		b.begin("g")
		b.offer(config(t, 1, newApp("web", "big:1")))
		b.pass(time.Minute)
		began := time.Now()
		b.end()
		if took := time.Since(began); took != 0 {
			t.Errorf("the worker took %v to stop, want none", took)
		}
		b.didOps()
	})
}

func TestTwoWorkersOnOneStateDir(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.begin("g")
		other := *b
		other.link = &script{}
		other.run("g")
		if err := <-other.done; err == nil || !strings.Contains(err.Error(), b.dir+" is in use by another worker") {
			t.Errorf("Run of the second worker: %v, want one that says that the directory is in use", err)
		}
	})
}

func TestCorruptStateEndsTheWorker(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.begin("g")
		b.offer(config(t, 1, newApp("web", "nginx:1")))
		b.end()
		b.machine.ForgetOps()
		path := filepath.Join(b.dir, "config.json")
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data[:len(data)-1], 0o600); err != nil {
			t.Fatal(err)
		}
		b.run("g")
		err = <-b.done
		b.stop = nil
		if !errors.Is(err, worker.ErrCorrupt) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "move the file away") {
			t.Errorf("Run: %v, want one that names the file and says what to do", err)
		}
		b.didOps()

		// What the error says to do works.
		if err := os.Rename(path, path+".bad"); err != nil {
			t.Fatal(err)
		}
		b.restart("g")
		b.offer(config(t, 1, newApp("web", "nginx:1")))
		b.didOps()
		b.says(1)
	})
}

func TestLinkThatCanNeverWorkEndsTheWorker(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.link = &script{fail: errors.New("no such URL scheme")}
		b.run("g")
		if err := <-b.done; err == nil || !strings.Contains(err.Error(), "no such URL scheme") {
			t.Errorf("Run: %v, want the link's error", err)
		}
		b.stop = nil
	})
}

func TestNewChecksItsOptions(t *testing.T) {
	good := worker.Options{Group: "g", StateDir: "/tmp/x", Engine: enginetest.NewMachine().Engine("d"), Link: &script{}}
	if _, err := worker.New(good); err != nil {
		t.Errorf("New: %v", err)
	}
	for name, spoil := range map[string]func(*worker.Options){
		"group":  func(o *worker.Options) { o.Group = "a/b" },
		"state":  func(o *worker.Options) { o.StateDir = "" },
		"engine": func(o *worker.Options) { o.Engine = nil },
		"link":   func(o *worker.Options) { o.Link = nil },
	} {
		o := good
		spoil(&o)
		if _, err := worker.New(o); err == nil {
			t.Errorf("New without a good %s succeeded", name)
		}
	}
}
