package worker_test

import (
	"sync/atomic"
	"testing"
	"time"

	"muster/worker"
)

// What the engine said before a job ended may be about how things were before the job.
func TestWhatWasSeenBeforeAJobEndedDoesNotCount(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		var slow atomic.Bool
		b.engine = &odd{Engine: b.machine.Engine("d"), listed: func() {
			if slow.CompareAndSwap(true, false) {
				time.Sleep(7 * time.Second)
			}
		}}
		b.begin("g")
		b.offer(config(t, 1, newApp("web", "nginx:1"), newApp("db", "redis:1")))
		b.pass(2 * time.Second)
		b.machine.SetRemoveTime(10 * time.Second)
		b.machine.ForgetOps()
		b.offer(config(t, 2, newApp("web", "nginx:2", appID(2)), newApp("db", "redis:1")))
		b.pass(5 * time.Second) // half of the removal
		slow.Store(true)
		b.machine.SetState("db-1", "running", "Up 5 seconds") // has the worker look
		b.pass(20 * time.Second)
		if slow.Load() {
			t.Error("the worker did not look while it was replacing web-1")
		}
		b.didOps("pull nginx:2", "create web-1.next", "remove web-1", "rename web-1", "start web-1")
		if n := b.logged("does not run as wanted"); n != 0 {
			t.Errorf("%d troubles were reported, want none", n)
		}
		b.says(2)
	})
}

// An engine that does not know how large the device is must not have containers removed for that.
func TestDeviceOfNoSize(t *testing.T) {
	for name, facts := range map[string]worker.Facts{"no CPUs": {MemoryMB: 4000}, "no memory": {CPUs: 4}} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				b.begin("g")
				b.offer(config(t, 1, newApp("web", "nginx:1", perCPU(0.5)), newApp("db", "redis:1")))
				b.end()
				b.machine.SetFacts(facts)
				b.restart("g")
				b.pass(time.Minute)
				b.didOps()
				b.runs("db-1", "web-1", "web-2")
				b.says(1, "web: the container engine says that the device has", "db: the container engine says that the device has")
			})
		})
	}
}
