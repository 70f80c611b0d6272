package enginetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"muster/topics"
	"muster/worker"
)

// SetFree sets how many bytes of the machine's disk are free. Images that are pulled take of them, and give
// them back when they are removed.
func (m *Machine) SetFree(bytes int64) { m.with(func() { m.free = bytes }) }

// SetUnimageTime makes the removal of each image take that long.
func (m *Machine) SetUnimageTime(d time.Duration) { m.with(func() { m.unimageTime = d }) }

// Load puts an image on the machine without a registry.
func (m *Machine) Load(ref string, image Image) { m.with(func() { m.present[ref] = image }) }

// Present lists the images that the machine has, sorted.
func (m *Machine) Present() (refs []string) {
	m.with(func() {
		for ref := range m.present {
			refs = append(refs, ref)
		}
	})
	slices.Sort(refs)
	return refs
}

// store keeps an image on the disk, if there is room. The machine is locked.
func (m *Machine) store(ref string, image Image) error {
	took := m.present[ref].Bytes
	if m.free+took < image.Bytes {
		return &worker.Fault{Code: topics.ReasonDiskFull, Err: errors.New("no space left on device")}
	}
	m.free += took - image.Bytes
	m.present[ref] = image
	return nil
}

// used reports whether there is a container of the image. The machine is locked.
func (m *Machine) used(ref string) bool {
	for _, c := range m.containers {
		if c.ImageID == fakeID+ref {
			return true
		}
	}
	return false
}

// Images implements [worker.Engine].
func (f *Fake) Images(ctx context.Context) ([]worker.Image, error) {
	if err := f.begin(ctx, OpImages); err != nil {
		return nil, err
	}
	m := f.machine
	defer m.mu.Unlock()
	var images []worker.Image
	for ref, image := range m.present {
		images = append(images, worker.Image{ID: fakeID + ref, Names: []string{ref}, Bytes: image.Bytes, Used: m.used(ref)})
	}
	slices.SortFunc(images, func(a, b worker.Image) int { return strings.Compare(a.ID, b.ID) })
	return images, nil
}

// RemoveImage implements [worker.Engine].
func (f *Fake) RemoveImage(ctx context.Context, id string) error {
	if err := f.begin(ctx, OpUnimage); err != nil {
		return fmt.Errorf("remove image %s: %w", id, err)
	}
	m := f.machine
	wait := m.unimageTime
	m.mu.Unlock()
	if err := pass(ctx, wait); err != nil {
		return fmt.Errorf("remove image %s: %w", id, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	ref := strings.TrimPrefix(id, fakeID)
	if m.used(ref) {
		return fmt.Errorf("remove image %s: a container has it, it %w", id, worker.ErrConflict)
	}
	if image, there := m.present[ref]; there {
		delete(m.present, ref)
		m.free += image.Bytes
		m.did(OpUnimage, ref)
	}
	return nil
}

// PullSize implements [worker.Engine]: one layer for an image that is not present, which is as large packed as it is
// unpacked.
func (f *Fake) PullSize(ctx context.Context, ref string) (worker.PullSize, error) {
	if err := f.begin(ctx, OpSize); err != nil {
		return worker.PullSize{}, fmt.Errorf("size of %s: %w", ref, err)
	}
	defer f.machine.mu.Unlock()
	image, found := f.machine.registry[ref]
	if !found {
		return worker.PullSize{}, fmt.Errorf("size of %s: the registry does not know it: %w", ref, worker.ErrNotExist)
	}
	if _, present := f.machine.present[ref]; present {
		return worker.PullSize{}, nil
	}
	return worker.PullSize{Layers: 1, Packed: image.Bytes, Unpacked: image.Bytes}, nil
}

// Free implements [worker.Engine].
func (f *Fake) Free(ctx context.Context) (int64, error) {
	if err := f.begin(ctx, OpFree); err != nil {
		return 0, err
	}
	defer f.machine.mu.Unlock()
	return f.machine.free, nil
}
