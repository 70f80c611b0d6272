package worker_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"muster/topics"
	"muster/worker/enginetest"
)

func TestOnlyNewerConfigsAreTaken(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.begin("g")
		b.offer(config(t, 5, newApp("web", "nginx:1")))
		b.machine.ForgetOps()

		for range 3 { // the same complaint is logged once
			b.offer(config(t, 4))
		}
		if n := b.logged("older than the one in force"); n != 1 {
			t.Errorf("an older config is logged %d times, want once", n)
		}
		for range 3 {
			b.offer(configOf(t, "other", topics.Version{Epoch: epoch, ConfigID: 9}))
		}
		if n := b.logged("of another device_group"); n != 1 {
			t.Errorf("another group's config is logged %d times, want once", n)
		}
		b.offer(config(t, 5, newApp("web", "nginx:2")))
		if n := b.logged("differs from the one of the same version"); n != 1 {
			t.Errorf("a second config 5 is logged %d times, want once", n)
		}
		before := b.log.String()
		b.offer(config(t, 5, newApp("web", "nginx:1")))
		if got := b.log.String(); got != before {
			t.Errorf("the config in force, repeated, is logged:\n%s", got[len(before):])
		}
		b.didOps()
		b.says(5)

		// A newer epoch counts for more than any config_id.
		b.offer(configOf(t, "g", topics.Version{Epoch: laterEpoch, ConfigID: 1}))
		b.didOps("remove web-1")
		b.says(1)
		b.offer(config(t, 6, newApp("web", "nginx:1")))
		b.restart("g")
		b.offer(config(t, 7, newApp("web", "nginx:1")))
		b.didOps()
		b.says(1)
	})
}

func TestNewGroupTakesOverWithItsFirstConfig(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.begin("g")
		b.offer(config(t, 7, newApp("web", "nginx:1"), newApp("db", "redis:1")))
		b.restart("h")
		b.pass(time.Minute)
		b.didOps()
		b.says(0)
		if v := b.link.told(); !v.IsZero() {
			t.Errorf("the link is told to have %v of another group", v)
		}
		// The old group's config stays in force, but no more of them are taken.
		b.machine.Wipe()
		b.pass(time.Second)
		b.runs("db-1", "web-1")
		b.offer(config(t, 8))
		b.runs("db-1", "web-1")

		b.machine.ForgetOps()
		b.offer(configOf(t, "h", topics.Version{Epoch: epoch, ConfigID: 1}, newApp("db", "redis:1")))
		b.didOps("remove web-1")
		b.says(1)
	})
}

func TestConfigThatCannotBeWrittenIsNotTaken(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.begin("g")
		b.offer(config(t, 1, newApp("web", "nginx:1")))
		b.machine.ForgetOps()

		// A directory in the way of the new file stays there, unlike a disk that is full once.
		obstacle := filepath.Join(b.dir, "config.json.tmp")
		if err := os.MkdirAll(filepath.Join(obstacle, "x"), 0o700); err != nil {
			t.Fatal(err)
		}
		b.offer(config(t, 2))
		b.pass(time.Hour)
		b.didOps()
		b.says(1, "(worker): config "+epoch+"/2 cannot be written to disk: ")
		if tries := b.logged("cannot be written to disk"); tries < 10 {
			t.Errorf("%d tries to write in an hour, want more", tries)
		}
		b.offer(config(t, 3, newApp("web", "nginx:1"), newApp("db", "redis:1")))
		b.offer(config(t, 2)) // is older than what waits for the disk
		b.says(1, "(worker): config "+epoch+"/3 cannot be written to disk: ")

		if err := os.RemoveAll(obstacle); err != nil {
			t.Fatal(err)
		}
		b.pass(10 * time.Minute)
		b.didOps("pull redis:1", "create db-1", "start db-1")
		b.says(3)
	})
}

func TestChangedAppIsTriedAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.begin("g")
		b.offer(config(t, 1, newApp("web", "nginx:9")))
		b.pass(time.Hour)
		b.offer(config(t, 2, newApp("web", "nginx:1", appID(2))))
		b.didOps("pull nginx:1", "create web-1", "start web-1")
		b.says(2)
	})
}

func TestAppThatComesBackIsAnotherOne(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.begin("g")
		b.offer(config(t, 1, newApp("web", "nginx:1")))
		b.offer(config(t, 2))
		b.machine.ForgetOps()
		b.offer(config(t, 3, newApp("web", "nginx:1"))) // its app_id is 1 again, its tag may have moved
		b.didOps("pull nginx:1", "create web-1", "start web-1")
	})
}

func TestFullDiskIsToldAndTriedAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.begin("g")
		if err := os.Symlink("/dev/full", filepath.Join(b.dir, "config.json.tmp")); err != nil {
			t.Fatal(err)
		}
		b.offer(config(t, 1, newApp("web", "nginx:1")))
		b.didOps()
		b.says(0, "(worker): no space left on device")
		b.pass(10 * time.Second)
		b.didOps("pull nginx:1", "create web-1", "start web-1")
		b.says(1)
	})
}

func TestConfigIsOnDiskBeforeItIsActedOn(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.machine.Push("big:1", enginetest.Image{PullTime: time.Hour})
		b.begin("g")
		b.offer(config(t, 1, newApp("web", "big:1")))
		info, err := os.Stat(filepath.Join(b.dir, "config.json"))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != 0o600 {
			t.Errorf("the mode of the state file is %v, want 0600: env_vars hold secrets", info.Mode())
		}
		b.pass(time.Minute)
		b.restart("g")
		b.pass(2 * time.Hour)
		b.didOps("pull big:1", "create web-1", "start web-1")
		b.says(1)
	})
}
