package docker_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"muster/test/rig"
	"muster/topics"
	"muster/worker"
)

// fill leaves that many bytes free on the file system of dir, and returns how to undo it.
func fill(t *testing.T, dir string, leave int64) (undo func()) {
	t.Helper()
	var disk syscall.Statfs_t
	if err := syscall.Statfs(dir, &disk); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "filler")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	left := int64(disk.Bavail)*int64(disk.Bsize) - leave //nolint:unconvert // its type differs between architectures
	chunk := make([]byte, 1<<16)
	for left > 0 && err == nil {
		n, werr := f.Write(chunk[:min(left, int64(len(chunk)))])
		left, err = left-int64(n), werr
	}
	if err != nil && !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := os.Remove(path); err != nil {
			t.Error(err)
		}
	}
}

// An image that the disk has no room for is not fetched, and nothing that runs is touched; it is fetched when there is
// room.
func TestNoRoomForAnImage(t *testing.T) {
	registry := rig.NewRegistry(t)
	small := registry.Push(t, "small", rig.Hello{Version: "v1"})
	large := registry.Push(t, "large", rig.Hello{Version: "v1", Padding: 12 * mib})
	front := rig.NewFaultyRegistry(t, registry, nil)
	d := newDevice(t, 96*mib)
	d.options.DiskReserve = 16 * mib
	d.start()
	d.offer(1, app("web", small, 1))
	d.settles()
	ids := d.runs("web")

	undo := fill(t, d.own.Data, 36*mib)
	d.offer(1, app("web", small, 1), app("large", front.Ref("large", "v1"), 1))
	reason := d.fails("large", topics.ReasonDiskSpace)
	if !strings.Contains(reason, "needs about 26 MB of the disk") || !strings.Contains(reason, "of which 17 MB are kept in reserve") {
		t.Errorf("the reason is %q", reason)
	}
	if n := front.Requests("/blobs/"); n > 2 { // the config, and the end of the layer
		t.Errorf("%d blobs were asked for", n)
	}
	if d.has(large) || d.runs("web") != ids {
		t.Error("something was begun, or the running app was touched")
	}
	undo()
	d.settles()
	if d.runs("large") == "" || d.runs("web") != ids {
		t.Error("with room again: the new app does not run, or the other one was touched")
	}
}

// blind is an engine that cannot tell how large an image is.
type blind struct{ worker.Engine }

func (blind) PullSize(context.Context, string) (worker.PullSize, error) {
	return worker.PullSize{}, errors.New("nobody knows")
}

// A disk that fills up in the middle of a pull, where a container is made, and where one writes: what runs goes on, the
// report says what is the matter, and all is well when there is room.
func TestDiskThatIsFull(t *testing.T) {
	registry := rig.NewRegistry(t)
	small := registry.Push(t, "small", rig.Hello{Version: "v1"})
	large := registry.Push(t, "large", rig.Hello{Version: "v1", Padding: 12 * mib})
	d := newDevice(t, 64*mib)
	d.options.Engine = blind{d.engine}
	d.start()
	d.offer(1, app("web", small, 1))
	d.settles()
	ids := d.runs("web")

	undo := fill(t, d.own.Data, 6*mib)
	d.offer(1, app("web", small, 1), app("large", large, 1))
	if reason := d.fails("large", topics.ReasonDiskFull); !strings.Contains(reason, "the disk is full") || strings.Contains(reason, "\n") {
		t.Errorf("the reason is %q", reason)
	}
	if d.runs("web") != ids {
		t.Error("the running app was touched")
	}
	undo()
	d.settles()
	if d.runs("large") == "" || d.runs("web") != ids {
		t.Error("with room again: the new app does not run, or the other one was touched")
	}

	undo = fill(t, d.own.Data, 0)
	both := d.runs("web") + d.runs("large")
	more := app("web", small, 1)
	more.ContainersPer.Count = 2
	d.offer(1, more, app("large", large, 1))
	if reason := d.fails("web", topics.ReasonDiskFull); strings.Contains(reason, "\n") {
		t.Errorf("the reason is %q", reason)
	}
	if got := d.runs("web") + d.runs("large"); got != both {
		t.Errorf("there run %q, before the disk was full %q", got, both)
	}
	undo()
	d.settles()
	if got := d.runs("web"); !strings.Contains(got, strings.TrimSpace(ids)) || strings.Count(got, " ") != 2 {
		t.Errorf("with room again there run %q, want %q and one more", got, ids)
	}
}

// A state directory on a full disk: the config is not taken, and what runs goes on, until there is room.
func TestStateDirThatIsFull(t *testing.T) {
	registry := rig.NewRegistry(t)
	small := registry.Push(t, "small", rig.Hello{Version: "v1"})
	d := newDevice(t, 0)
	d.options.StateDir = t.TempDir()
	if err := syscall.Mount("muster-test", d.options.StateDir, "tmpfs", 0, "size=128k"); err != nil {
		t.Fatalf("mount a small tmpfs: %v; be root", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(d.options.StateDir, 0); err != nil {
			t.Error(err)
		}
	})
	d.start()
	d.offer(1, app("web", small, 1))
	d.settles()
	ids := d.runs("web")

	undo := fill(t, d.options.StateDir, 0)
	d.offer(1, app("web", small, 1), app("other", small, 1))
	if reason := d.fails("(worker)", topics.ReasonStateUnsaved); !strings.Contains(reason, "no space left on device") {
		t.Errorf("the reason is %q", reason)
	}
	if d.runs("web") != ids || d.runs("other") != "" {
		t.Error("the config was followed, or the running app touched")
	}
	left, err := filepath.Glob(filepath.Join(d.options.StateDir, "*.tmp"))
	if err != nil || len(left) > 0 {
		t.Errorf("parts of files are left: %q, %v", left, err)
	}
	undo()
	d.settles()
	if d.runs("web") != ids || d.runs("other") == "" {
		t.Error("with room again the config was not followed, or the running app touched")
	}
}

// With room wanting, and where that is allowed, images that nothing needs make room by themselves.
func TestPruneForRoomOnARealEngine(t *testing.T) {
	registry := rig.NewRegistry(t)
	small := registry.Push(t, "small", rig.Hello{Version: "v1"})
	unneeded := registry.Push(t, "unneeded", rig.Hello{Version: "v1", Padding: 12 * mib})
	large := registry.Push(t, "large", rig.Hello{Version: "v1", Padding: 12 * mib})
	d := newDevice(t, 96*mib)
	d.options.DiskReserve, d.options.PruneOnDiskPressure = 16*mib, true
	d.start()
	d.pulls(unneeded)
	d.offer(1, app("web", small, 1))
	d.settles()
	ids := d.runs("web")
	fill(t, d.own.Data, 36*mib)
	d.offer(1, app("web", small, 1), app("large", large, 1))
	d.settles()
	eventually(t, "report", func() error {
		if p := d.report().Pruned; p == nil || p.PruneID != 0 || p.Images != 1 || p.Bytes < 12*mib {
			return fmt.Errorf("the report tells of %+v, want one image of 12 MiB", p)
		}
		return nil
	})
	if d.has(unneeded) || d.runs("large") == "" || d.runs("web") != ids {
		t.Errorf("the image is there, the new app does not run, or the other one was touched\n%s", d.images())
	}
}
