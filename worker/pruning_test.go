package worker_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"muster/topics"
	"muster/worker"
	"muster/worker/enginetest"
)

// pruning is a config of group g that asks for a removal of images.
func pruning(t *testing.T, configID, pruneID int64, apps ...topics.App) worker.Offered {
	t.Helper()
	nightly := topics.NewCronJob("nightly", "0 3 1 7 *", "job:latest")
	nightly.Running = false // so that its image is kept where it is, and not pulled where it is not
	return encoded(t, topics.Version{Epoch: epoch, ConfigID: configID}, topics.Content{
		DeviceGroup: "g", DeviceGroupID: 1, PruneID: pruneID, Apps: apps, CronJobs: []topics.CronJob{nightly},
	})
}

// has expects exactly these images on the machine.
func (b *bench) has(want ...string) {
	b.t.Helper()
	if got := b.machine.Present(); !slices.Equal(got, want) {
		b.t.Errorf("there are the images %q, want %q", got, want)
	}
}

// pruned is the last report's word on the last removal of images.
func (b *bench) pruned() topics.Pruned {
	b.t.Helper()
	said := b.link.said()
	if p := said[len(said)-1].Pruned; p != nil {
		return *p
	}
	return topics.Pruned{}
}

// load puts images of 10 bytes on the machine.
func (b *bench) load(refs ...string) {
	for _, ref := range refs {
		b.machine.Load(ref, enginetest.Image{Bytes: 10})
	}
}

func stopped(a *topics.App) { a.Running = false }

func TestPruneID(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.load("old:1", "old:2", "job:latest", "off:1", "foreign:1")
		other := b.machine.Engine("another")
		if _, err := other.Create(t.Context(), worker.Spec{App: "theirs", Image: "foreign:1"}); err != nil {
			t.Fatal(err)
		}
		b.begin("g")
		apps := []topics.App{newApp("web", "nginx:1"), newApp("off", "off:1", stopped)}
		b.offer(pruning(t, 1, 7, apps...))
		b.pass(time.Hour)
		b.has("foreign:1", "job:latest", "nginx:1", "off:1", "old:1", "old:2") // nobody asked this device yet
		if b.pruned() != (topics.Pruned{}) {
			t.Errorf("the first config is told to have removed %+v", b.pruned())
		}
		b.offer(pruning(t, 2, 9, apps...))
		b.has("foreign:1", "job:latest", "nginx:1", "off:1")
		want := topics.Pruned{PruneID: 9, At: b.pruned().At, Images: 2, Bytes: 20}
		if b.pruned() != want || time.Since(b.pruned().At) > time.Second {
			t.Errorf("the report tells of %+v, want %+v, just now", b.pruned(), want)
		}
		if b.logged("unneeded images removed") != 1 {
			t.Errorf("the log says nothing of it:\n%s", b.log)
		}
		b.load("old:1")
		b.pass(time.Hour)
		b.restart("g")
		b.offer(pruning(t, 3, 9, apps...))
		b.pass(time.Hour)
		b.has("foreign:1", "job:latest", "nginx:1", "off:1", "old:1") // it was done, also for after a restart
		if b.pruned() != want {
			t.Errorf("after a restart the report tells of %+v, want %+v", b.pruned(), want)
		}
		b.end()
		b.begin("g")
		b.offer(pruning(t, 4, 10, apps...))
		b.has("foreign:1", "job:latest", "nginx:1", "off:1")
	})
}

// Images go when the containers follow the config, because until then the old ones may be needed.
func TestPruneWaitsForTheConfig(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.machine.Push("large:1", enginetest.Image{Bytes: 10, PullTime: time.Hour})
		b.load("old:1")
		b.begin("g")
		b.offer(pruning(t, 1, 1, newApp("web", "nginx:1")))
		b.offer(pruning(t, 2, 2, newApp("web", "large:1", appID(2))))
		b.pass(59 * time.Minute)
		b.has("nginx:1", "old:1")
		b.pass(2 * time.Minute)
		b.has("large:1")
		b.runs("web-1")
	})
}

// An app that fails does not keep the others' images.
func TestPruneWithAnAppThatFails(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.load("old:1")
		b.begin("g")
		b.offer(pruning(t, 1, 1, newApp("web", "nginx:1")))
		b.offer(pruning(t, 2, 2, newApp("web", "nowhere:1", appID(2))))
		b.has("nginx:1") // of the container that still runs
		b.runs("web-1")
	})
}

func TestPruneThatFails(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.load("old:1", "old:2")
		b.begin("g")
		b.offer(pruning(t, 1, 1))
		b.machine.Fail(enginetest.OpImages, errors.New("no list today"))
		b.machine.Fail(enginetest.OpUnimage, errors.New("remove image sha256:old:1: a layer is broken"))
		b.offer(pruning(t, 2, 2))
		b.says(2, "(worker): no list today")
		b.failsWith("(worker)", topics.ReasonPruneFailed)
		b.has("old:1", "old:2")
		b.pass(2 * time.Minute)
		b.says(2, "(worker): remove image sha256:old:1: a layer is broken")
		b.has("old:1") // the other one did not have to wait for it
		b.restart("g")
		b.pass(10 * time.Minute)
		b.has()
		b.says(2)
	})
}

// A removal that failed and that nobody asks for any more is no failure any more.
func TestPruneThatIsNotAskedForAnyMore(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.load("old:1")
		b.begin("g")
		b.offer(pruning(t, 1, 5))
		b.machine.Fail(enginetest.OpImages, errors.New("no list today"))
		b.offer(pruning(t, 2, 6))
		b.failsWith("(worker)", topics.ReasonPruneFailed)
		b.offer(pruning(t, 3, 1)) // as of a group that was made anew
		b.pass(time.Second)
		b.says(3)
		b.pass(time.Hour)
		b.has("old:1")
	})
}

// The version to go back to keeps its image until the next one has shown that it works.
func TestPruneKeepsTheWayBack(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.begin("g")
		b.offer(pruning(t, 1, 1, newApp("web", "nginx:1")))
		b.pass(10 * time.Minute)
		b.offer(pruning(t, 2, 2, newApp("web", "nginx:2", appID(2))))
		b.pass(time.Second)
		b.has("nginx:1", "nginx:2")
		b.pass(10 * time.Minute)
		b.offer(pruning(t, 3, 3, newApp("web", "nginx:2", appID(2))))
		b.pass(time.Second)
		b.has("nginx:2")
	})
}

// A removal that goes on when a newer config comes knows nothing of what that needs.
func TestPruneEndsForANewerConfig(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.load("old:1", "old:2")
		b.begin("g")
		b.offer(pruning(t, 1, 1))
		b.machine.SetUnimageTime(time.Minute)
		b.offer(pruning(t, 2, 2))
		b.pass(time.Second)
		b.machine.SetUnimageTime(0)
		b.offer(pruning(t, 3, 2, newApp("web", "old:1", stopped)))
		b.pass(time.Hour)
		b.has("old:1")
		b.says(3)
	})
}

// When the disk is so full that the config cannot be written that asks for it, images are removed all the same.
func TestPruneByAConfigThatCannotBeWritten(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.load("old:1", "next:1")
		b.begin("g")
		b.offer(pruning(t, 1, 1, newApp("web", "nginx:1")))
		b.block("config.json.tmp")
		b.offer(pruning(t, 2, 2, newApp("web", "nginx:1"), newApp("next", "next:1", stopped)))
		synctest.Wait()
		b.has("next:1", "nginx:1")
		b.failsWith("(worker)", topics.ReasonStateUnsaved)
		b.load("old:1")
		b.pass(time.Hour)
		b.has("next:1", "nginx:1", "old:1") // once is enough
		b.unblock("config.json.tmp")
		b.pass(10 * time.Minute)
		b.has("next:1", "nginx:1")
		b.says(2)
	})
}

// block has the file fail to be written: there is a directory in its place.
func (b *bench) block(name string) {
	b.t.Helper()
	if err := os.MkdirAll(filepath.Join(b.dir, name, "in the way"), 0o700); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) unblock(name string) {
	b.t.Helper()
	if err := os.RemoveAll(filepath.Join(b.dir, name)); err != nil {
		b.t.Fatal(err)
	}
}

func TestPruneForWantOfRoom(t *testing.T) {
	for name, allowed := range map[string]bool{"allowed": true, "not allowed": false} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				b.reserve, b.prune = 100*mb, allowed
				b.machine.Load("old:1", enginetest.Image{Bytes: 90 * mb})
				b.machine.Push("large:1", enginetest.Image{Bytes: 50 * mb})
				b.begin("g")
				b.offer(config(t, 1, newApp("web", "nginx:1")))
				b.machine.SetFree(120 * mb)
				b.offer(config(t, 2, newApp("web", "large:1", appID(2))))
				b.pass(2 * time.Minute)
				if !allowed {
					b.has("nginx:1", "old:1")
					b.failsWith("web", topics.ReasonDiskSpace)
					return
				}
				b.has("large:1", "nginx:1") // which the container had while there was no room
				b.says(2)
				if b.pruned().PruneID != 0 || b.pruned().Images != 1 || b.pruned().Bytes != 90*mb {
					t.Errorf("the report tells of %+v, want one image of 90 MB and no prune_id", b.pruned())
				}
			})
		})
	}
}

// With too little free space, unneeded images go before anybody asks for a new one; and where there are none, that is
// not looked for all the time.
func TestPruneBelowTheReserve(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.reserve, b.prune = 100*mb, true
		b.load("old:1")
		b.begin("g")
		b.offer(config(t, 1, newApp("web", "nginx:1")))
		b.pass(time.Hour)
		b.has("nginx:1", "old:1")
		b.machine.SetFree(99 * mb)
		b.pass(31 * time.Second)
		b.has("nginx:1")
		b.says(1)
		b.pass(24 * time.Hour)
		if tries := b.logged("unneeded images removed"); tries < 20 || tries > 60 {
			t.Errorf("%d tries in a day, want one in an hour or so", tries)
		}
	})
}
