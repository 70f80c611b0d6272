package enginetest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"muster/worker"
)

// Fake is a [worker.Engine] on a [Machine].
type Fake struct {
	machine *Machine
	device  string
}

var _ worker.Engine = (*Fake)(nil)

// begin locks the machine for one call, unless ctx has ended or the call is to fail.
func (f *Fake) begin(ctx context.Context, op Op) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	f.machine.mu.Lock()
	if err := f.machine.fault(op); err != nil {
		f.machine.mu.Unlock()
		return err
	}
	return nil
}

// Facts implements [worker.Engine].
func (f *Fake) Facts(ctx context.Context) (worker.Facts, error) {
	if err := f.begin(ctx, OpFacts); err != nil {
		return worker.Facts{}, err
	}
	defer f.machine.mu.Unlock()
	return f.machine.facts, nil
}

// List implements [worker.Engine].
func (f *Fake) List(ctx context.Context) ([]worker.Container, error) {
	if err := f.begin(ctx, OpList); err != nil {
		return nil, err
	}
	defer f.machine.mu.Unlock()
	var list []worker.Container
	for _, c := range f.machine.containers {
		if c.device == f.device {
			list = append(list, c.seen())
		}
	}
	slices.SortFunc(list, func(a, b worker.Container) int {
		return cmp.Or(cmp.Compare(a.App, b.App), cmp.Compare(a.Index, b.Index), cmp.Compare(a.Name, b.Name))
	})
	return list, nil
}

// ImageID implements [worker.Engine]. An image's id is its reference after "sha256:".
func (f *Fake) ImageID(ctx context.Context, image string) (string, error) {
	if err := f.begin(ctx, OpHas); err != nil {
		return "", err
	}
	defer f.machine.mu.Unlock()
	if _, has := f.machine.present[strings.TrimPrefix(image, fakeID)]; has {
		return fakeID + strings.TrimPrefix(image, fakeID), nil
	}
	return "", nil
}

// fakeID is in front of a reference in an image's id.
const fakeID = "sha256:"

// Inspect implements [worker.Engine].
func (f *Fake) Inspect(ctx context.Context, id string) (worker.Details, error) {
	if err := f.begin(ctx, OpInspect); err != nil {
		return worker.Details{}, fmt.Errorf("inspect %s: %w", id, err)
	}
	defer f.machine.mu.Unlock()
	c, found := f.machine.containers[id]
	if !found {
		return worker.Details{}, fmt.Errorf("inspect %s: container %w", id, worker.ErrNotExist)
	}
	return c.details, nil
}

// Restart implements [worker.Engine].
func (f *Fake) Restart(ctx context.Context, id string) error {
	if err := f.begin(ctx, OpRestart); err != nil {
		return fmt.Errorf("restart %s: %w", id, err)
	}
	m := f.machine
	defer m.mu.Unlock()
	c, found := m.containers[id]
	if !found {
		return fmt.Errorf("restart %s: container %w", id, worker.ErrNotExist)
	}
	m.run(c)
	m.did(OpRestart, c.Name)
	m.tell(f.device)
	return nil
}

// pullSteps is how often a slow pull reports progress.
const pullSteps = 10

// Pull implements [worker.Engine]. An image that takes time is reported in ten steps.
func (f *Fake) Pull(ctx context.Context, ref string, progress func(worker.PullProgress)) error {
	if err := f.begin(ctx, OpPull); err != nil {
		return fmt.Errorf("pull %s: %w", ref, err)
	}
	image, found := f.machine.registry[ref]
	f.machine.mu.Unlock()
	if !found {
		return fmt.Errorf("pull %s: the registry does not know it: %w", ref, worker.ErrNotExist)
	}
	for i := range int64(pullSteps) {
		if progress != nil {
			progress(worker.PullProgress{Done: image.Bytes * i / pullSteps, Total: image.Bytes})
		}
		if err := pass(ctx, image.PullTime/pullSteps); err != nil {
			return fmt.Errorf("pull %s: %w", ref, err)
		}
	}
	f.machine.mu.Lock()
	defer f.machine.mu.Unlock()
	if f.machine.down {
		return fmt.Errorf("pull %s: %w", ref, worker.ErrEngineDown)
	}
	if err := f.machine.store(ref, image); err != nil {
		return fmt.Errorf("pull %s: %w", ref, err)
	}
	f.machine.did(OpPull, ref)
	return nil
}

// Create implements [worker.Engine].
func (f *Fake) Create(ctx context.Context, spec worker.Spec) (string, error) {
	return f.create(ctx, spec, spec.Name())
}

// Stage implements [worker.Engine].
func (f *Fake) Stage(ctx context.Context, spec worker.Spec) (string, error) {
	return f.create(ctx, spec, spec.Staged())
}

func (f *Fake) create(ctx context.Context, spec worker.Spec, name string) (string, error) {
	if err := f.begin(ctx, OpCreate); err != nil {
		return "", fmt.Errorf("create %s: %w", spec.Name(), err)
	}
	m := f.machine
	defer m.mu.Unlock()
	image, found := m.present[strings.TrimPrefix(spec.Source(), fakeID)]
	if !found {
		return "", fmt.Errorf("create %s: image %s: %w", spec.Name(), spec.Image, worker.ErrNotExist)
	}
	for _, network := range spec.Networks {
		if !m.networks[network] {
			return "", fmt.Errorf("create %s: network %s: %w", spec.Name(), network, worker.ErrNotExist)
		}
	}
	for _, c := range m.containers {
		if c.Name == name || c.Name == spec.Name() && c.device != f.device {
			return "", fmt.Errorf("create %s: the name %w", spec.Name(), worker.ErrConflict)
		}
	}
	c := &container{device: f.device, spec: spec, image: image, Container: worker.Container{
		ID: m.newID(), Name: name, App: spec.App, CronJob: spec.CronJob, Index: spec.Index, AppID: spec.AppID, Spec: spec.Hash(),
		State: "created", Detail: "Created", Image: spec.Source(), ImageID: fakeID + strings.TrimPrefix(spec.Source(), fakeID),
	}}
	if spec.StopGraceSeconds != nil {
		c.StopGrace = time.Duration(*spec.StopGraceSeconds) * time.Second
	}
	if spec.CronJob != "" {
		c.Index = -1
	}
	m.containers[c.ID] = c
	m.did(OpCreate, c.Name)
	m.tell(f.device)
	return c.ID, nil
}

// Remove implements [worker.Engine].
func (f *Fake) Remove(ctx context.Context, id string) error {
	if err := f.begin(ctx, OpRemove); err != nil {
		return fmt.Errorf("remove %s: %w", id, err)
	}
	wait := f.machine.removeTime
	f.machine.mu.Unlock()
	if err := pass(ctx, wait); err != nil {
		return fmt.Errorf("remove %s: %w", id, err)
	}
	m := f.machine
	m.mu.Lock()
	defer m.mu.Unlock()
	if c, found := m.containers[id]; found {
		delete(m.containers, id)
		m.did(OpRemove, c.Name)
		m.tell(f.device)
	}
	return nil
}

// Logs implements [worker.Engine].
func (f *Fake) Logs(ctx context.Context, id string, limit int) ([]byte, error) {
	if err := f.begin(ctx, OpLogs); err != nil {
		return nil, fmt.Errorf("read the log of %s: %w", id, err)
	}
	defer f.machine.mu.Unlock()
	c, found := f.machine.containers[id]
	if !found {
		return nil, fmt.Errorf("read the log of %s: container %w", id, worker.ErrNotExist)
	}
	if c.details.Started.IsZero() {
		return nil, nil
	}
	output := []byte(c.image.Output)
	return output[max(0, len(output)-limit):], nil
}

// Events implements [worker.Engine].
func (f *Fake) Events(ctx context.Context) <-chan struct{} {
	ch := make(chan struct{}, 1)
	f.machine.with(func() { f.machine.watchers[ch] = f.device })
	context.AfterFunc(ctx, func() { f.machine.with(func() { delete(f.machine.watchers, ch) }) })
	return ch
}

// Close implements [worker.Engine]. The machine lives on.
func (f *Fake) Close() error { return nil }

// pass lets time pass.
func pass(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
