package docker_test

import (
	"fmt"
	"testing"

	"github.com/docker/docker/api/types/volume"

	"muster/test/rig"
)

// A raised prune_id removes what neither the config nor any container needs, and only that.
func TestPruneOnARealEngine(t *testing.T) {
	registry := rig.NewRegistry(t)
	push := func(name, version string) string {
		return registry.Push(t, name, rig.Hello{Version: version, Padding: mib})
	}
	web1, web2, off := push("web", "v1"), push("web", "v2"), push("off", "v1")
	foreign, unneeded := push("foreign", "v1"), push("unneeded", "v1")

	d := newDevice(t, 128*mib)
	d.start()
	d.pulls(off)
	d.pulls(foreign)
	d.foreign(foreign) // a container that never ran
	d.pulls(unneeded)
	if err := d.own.ImageTag(t.Context(), unneeded, "other.example/name:too"); err != nil {
		t.Fatal(err)
	}
	stale := d.pulls(push("moving", "v1"))
	moving := push("moving", "v1") // another image by the same name
	fresh := d.pulls(moving)
	if stale == fresh || !d.has(stale) {
		t.Fatalf("the tag did not move: %s, %s", stale, fresh)
	}
	kept, err := d.own.VolumeCreate(t.Context(), volume.CreateOptions{Name: "kept"})
	if err != nil {
		t.Fatal(err)
	}
	stopped := app("off", off, 1)
	stopped.Running = false
	last := app("last", moving, 1)
	last.Running = false

	d.offer(3, app("web", web1, 1), stopped, last)
	d.settles()
	if !d.has(unneeded) || !d.has(stale) || d.report().Pruned != nil {
		t.Fatalf("the first config removed images: %+v\n%s", d.report().Pruned, d.images())
	}
	d.offer(4, app("web", web2, 2), stopped, last)
	d.settles()
	eventually(t, "removal", func() error {
		if p := d.report().Pruned; p == nil || p.PruneID != 4 {
			return fmt.Errorf("the report tells of %+v", p)
		}
		return nil
	})
	for _, ref := range []string{web2, off, foreign, fresh, moving} {
		if !d.has(ref) {
			t.Errorf("%s is gone", ref)
		}
	}
	for _, ref := range []string{web1, unneeded, "other.example/name:too", stale} {
		if d.has(ref) {
			t.Errorf("%s is still there", ref)
		}
	}
	// Each of the three has a megabyte of its own beside the layer that all share.
	if p := d.report().Pruned; p.Images != 3 || p.Bytes < 3*mib || p.Bytes > 4*mib {
		t.Errorf("the report tells of %+v, want 3 images and 3 MiB\n%s", p, d.images())
	}
	if d.runs("web") == "" {
		t.Error("the app does not run")
	}
	if _, err := d.own.VolumeInspect(t.Context(), kept.Name); err != nil {
		t.Errorf("the volume: %v", err)
	}
}
