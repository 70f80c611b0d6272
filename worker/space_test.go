package worker_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"muster/topics"
	"muster/worker/enginetest"
)

const mb = 1_000_000

// failsWith expects the only failure of the last report to be of that app and code.
func (b *bench) failsWith(app string, code topics.Reason) {
	b.t.Helper()
	said := b.link.said()
	failing := said[len(said)-1].Failing
	if len(failing) != 1 || failing[0].App != app || failing[0].Code != code {
		b.t.Errorf("failing are %+v, want %s with code %s", failing, app, code)
	}
}

// didPulls expects exactly these pulls since the last time.
func (b *bench) didPulls(want ...string) {
	b.t.Helper()
	got := slices.DeleteFunc(b.machine.Ops(), func(op string) bool { return !strings.HasPrefix(op, "pull ") })
	b.machine.ForgetOps()
	if !slices.Equal(got, want) {
		b.t.Errorf("the worker did %q, want %q", got, want)
	}
}

// A pull that the disk has no room for is not begun, disturbs nobody, and is made as soon as there is room.
func TestPullWithoutRoom(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.reserve = 200 * mb
		b.machine.Push("large:1", enginetest.Image{Bytes: 50 * mb})
		b.begin("g")
		b.offer(config(t, 1, newApp("web", "nginx:1"), newApp("db", "redis:1")))
		b.machine.SetFree(250 * mb)
		b.machine.ForgetOps()
		b.offer(config(t, 2, newApp("web", "large:1", appID(2)), newApp("db", "redis:1", appID(2))))
		b.didPulls("pull redis:1")
		b.says(2, "web: pull large:1: needs about 100 MB of the disk, and 250 MB are free, of which 200 MB are kept in reserve")
		b.failsWith("web", topics.ReasonDiskSpace)
		b.runs("db-1", "web-1")
		b.pass(time.Hour)
		if tries := b.logged("step=pull app=web"); tries < 10 || tries > 30 {
			t.Errorf("%d tries in the first hour, want some 20 with a growing pause", tries)
		}
		b.didOps()
		b.machine.SetFree(299 * mb)
		b.pass(time.Minute)
		b.didOps()
		b.machine.SetFree(300 * mb) // what is needed, and the reserve
		b.pass(31 * time.Second)    // and not the five minutes of the pause
		b.didPulls("pull large:1")
		b.runs("db-1", "web-1")
		b.says(2)
	})
}

// Pulls at the same time do not count on the same room.
func TestPullsShareTheRoom(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.reserve = 100 * mb
		for _, ref := range []string{"one:1", "two:1"} {
			b.machine.Push(ref, enginetest.Image{Bytes: 50 * mb, PullTime: time.Hour})
		}
		b.machine.SetFree(260 * mb)
		b.begin("g")
		b.offer(config(t, 1, newApp("one", "one:1"), newApp("two", "two:1")))
		b.pass(50 * time.Minute)
		said := b.link.said()
		failing := said[len(said)-1].Failing
		if len(failing) != 1 || !strings.Contains(failing[0].Reason, "needs about 100 MB of the disk, and 160 MB are free") {
			t.Fatalf("while one is pulled failing are %+v, want the other one, and the room that is left for it", failing)
		}
		b.didOps()
		b.pass(11 * time.Minute) // 210 MB are free by then
		b.pass(time.Hour)
		b.says(1)
		b.runs("one-1", "two-1")
	})
}

// Where it cannot be known whether there is room, the pull is tried.
func TestPullIntoTheUnknown(t *testing.T) {
	for _, op := range []enginetest.Op{enginetest.OpSize, enginetest.OpFree} {
		inBubble(t, func(t *testing.T, b *bench) {
			b.reserve = 1 << 62
			b.machine.Fail(op, errors.New("nobody knows"))
			b.begin("g")
			b.offer(config(t, 1, newApp("web", "nginx:1")))
			b.didOps("pull nginx:1", "create web-1", "start web-1")
			b.says(1)
			if b.logged("nobody knows") != 1 {
				t.Errorf("the log does not say why:\n%s", b.log)
			}
		})
	}
}

// What is there already takes no room.
func TestPullOfWhatIsThere(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.begin("g")
		b.offer(config(t, 1, newApp("web", "nginx:1")))
		b.end()
		b.reserve = 1 << 62
		b.restart("g")
		b.offer(config(t, 2, newApp("web", "nginx:1", appID(2))))
		b.didPulls("pull nginx:1")
		b.says(2)
	})
}

// A disk that is full all the same is a trouble of the app that fills it, and passes when there is room.
func TestDiskFullDuringAPull(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.machine.Push("large:1", enginetest.Image{Bytes: 50 * mb, PullTime: time.Minute})
		b.begin("g")
		b.offer(config(t, 1, newApp("web", "nginx:1"), newApp("db", "redis:1")))
		b.machine.ForgetOps()
		b.offer(config(t, 2, newApp("web", "large:1", appID(2)), newApp("db", "redis:1")))
		b.machine.SetFree(0)
		b.pass(61 * time.Second)
		b.says(2, "web: pull large:1: no space left on device; next try at ")
		b.failsWith("web", topics.ReasonDiskFull)
		b.runs("db-1", "web-1")
		b.didOps()
		b.pass(time.Minute)
		b.failsWith("web", topics.ReasonDiskSpace) // it is known by now
		b.machine.SetFree(200 * mb)
		b.pass(2 * time.Minute)
		b.didPulls("pull large:1")
		b.runs("db-1", "web-1")
		b.says(2)
	})
}
