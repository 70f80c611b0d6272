package worker_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/gofrs/flock"

	"muster/worker"
)

// Who looks whether a worker runs has its lock for a moment, which must not keep the worker from starting.
func TestWorkerStartsWhileSomebodyLooks(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		looks := flock.New(filepath.Join(b.dir, "lock"))
		if ok, err := looks.TryRLock(); !ok || err != nil {
			t.Fatal(ok, err)
		}
		b.begin("g")
		b.pass(300 * time.Millisecond)
		if n := b.link.count(); n != 0 {
			t.Fatalf("the worker began before it had the lock: %d reports", n)
		}
		if err := looks.Close(); err != nil {
			t.Fatal(err)
		}
		b.pass(time.Second)
		if running, err := worker.Running(b.dir); !running || err != nil || b.link.count() == 0 {
			t.Errorf("running is %v, %v", running, err)
		}
		b.end()
		if running, err := worker.Running(b.dir); running || err != nil {
			t.Errorf("after its end running is %v, %v", running, err)
		}
	})
}
