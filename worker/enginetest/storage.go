package enginetest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"muster/worker"
)

// find is an image that there is, by its id.
func find(t *testing.T, engine worker.Engine, id string) (worker.Image, bool) {
	t.Helper()
	images, err := engine.Images(t.Context())
	if err != nil {
		t.Fatalf("Images: %v", err)
	}
	if !slices.IsSortedFunc(images, func(a, b worker.Image) int { return strings.Compare(a.ID, b.ID) }) {
		t.Errorf("Images are not ordered by id: %+v", images)
	}
	i := slices.IndexFunc(images, func(i worker.Image) bool { return i.ID == id })
	if i < 0 {
		return worker.Image{}, false
	}
	return images[i], true
}

func imageID(t *testing.T, engine worker.Engine, ref string) string {
	t.Helper()
	id, err := engine.ImageID(t.Context(), ref)
	if err != nil {
		t.Fatalf("ImageID(%s): %v", ref, err)
	}
	return id
}

func testImageList(t *testing.T, h Harness) {
	h.pulled(t)
	id := imageID(t, h.Engine, h.Once)
	image, there := find(t, h.Engine, id)
	if !there || !slices.Contains(image.Names, h.Once) || image.Bytes < 0 || image.Used {
		t.Errorf("the image is %+v (%v), want one by the name %s that nothing uses", image, there, h.Once)
	}
	for range 2 { // the second time it does not exist any more
		if err := h.Engine.RemoveImage(t.Context(), id); err != nil {
			t.Errorf("RemoveImage: %v", err)
		}
	}
	if image, there := find(t, h.Engine, id); there {
		t.Errorf("after its removal there is %+v", image)
	}
	if id := imageID(t, h.Engine, h.Forever); id == "" {
		t.Error("another image is gone with it")
	}
}

func testImageInUse(t *testing.T, h Harness) {
	h.pulled(t)
	id := imageID(t, h.Engine, h.Forever)
	container := create(t, h.Engine, h.spec("web", 0)) // one that never ran
	used := func(state string) {
		t.Helper()
		if image, there := find(t, h.Other, id); !there || !image.Used {
			t.Errorf("the image of a %s container is %+v (%v), want one in use", state, image, there)
		}
		if err := h.Other.RemoveImage(t.Context(), id); !errors.Is(err, worker.ErrConflict) {
			t.Errorf("RemoveImage of a %s container: %v, want an error that wraps %q", state, err, worker.ErrConflict)
		}
		if imageID(t, h.Engine, h.Forever) != id {
			t.Errorf("the image of a %s container has lost its name", state)
		}
	}
	used("created")
	start(t, h.Engine, container)
	waitFor(t, h.Engine, "running")
	used("running")
}

func testPullSize(t *testing.T, h Harness) {
	h.pulled(t)
	size, err := h.Engine.PullSize(t.Context(), h.Forever)
	if err != nil || size != (worker.PullSize{}) {
		t.Errorf("PullSize of what is there: %+v, %v, want nothing to fetch", size, err)
	}
	if size, err := h.Engine.PullSize(t.Context(), h.Missing); err == nil {
		t.Errorf("PullSize of an image that no registry has: %+v, want an error", size)
	}
}

func testFree(t *testing.T, h Harness) {
	free, err := h.Engine.Free(t.Context())
	if err != nil || free <= 0 {
		t.Errorf("Free = %d, %v, want some", free, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, call := range map[string]func() error{
		"Images":      func() error { _, err := h.Engine.Images(ctx); return err },
		"RemoveImage": func() error { return h.Engine.RemoveImage(ctx, "sha256:0") },
		"PullSize":    func() error { _, err := h.Engine.PullSize(ctx, h.Forever); return err },
		"Free":        func() error { _, err := h.Engine.Free(ctx); return err },
	} {
		if err := call(); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v, want an error that wraps %q", name, err, context.Canceled)
		}
	}
}
