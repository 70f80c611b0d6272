package metrics

import (
	"context"
	"time"

	"muster/manager/store"
)

type deviceRows struct {
	store.Devices
	m *Metrics
}

func (d *deviceRows) Observe(ctx context.Context, all []store.Sighting, events func(store.Device, store.Sighting) []store.Event) (err error) {
	defer d.m.observe("device", "observe", time.Now(), &err)
	return d.Devices.Observe(ctx, all, events)
}

func (d *deviceRows) Get(ctx context.Context, device string) (_ store.Device, err error) {
	defer d.m.observe("device", "get", time.Now(), &err)
	return d.Devices.Get(ctx, device)
}

// Annotate counts what the store fails at, not what change refuses.
func (d *deviceRows) Annotate(ctx context.Context, device string, change func(map[string]string, *string) error) (store.Device, error) {
	var refused, counted error
	defer d.m.observe("device", "annotate", time.Now(), &counted)
	annotated, err := d.Devices.Annotate(ctx, device, func(labels map[string]string, note *string) error {
		refused = change(labels, note)
		return refused
	})
	if refused == nil {
		counted = err
	}
	return annotated, err
}

func (d *deviceRows) Tell(ctx context.Context, device, group string, e store.Event, quiet time.Duration) (err error) {
	defer d.m.observe("device", "tell", time.Now(), &err)
	return d.Devices.Tell(ctx, device, group, e, quiet)
}

func (d *deviceRows) Heads(ctx context.Context, after string, limit int) (_ []store.DeviceHead, err error) {
	defer d.m.observe("device", "heads", time.Now(), &err)
	return d.Devices.Heads(ctx, after, limit)
}

func (d *deviceRows) ChangedSince(ctx context.Context, since time.Time, after string, limit int) (_ []store.DeviceHead, err error) {
	defer d.m.observe("device", "changed_since", time.Now(), &err)
	return d.Devices.ChangedSince(ctx, since, after, limit)
}

func (d *deviceRows) Delete(ctx context.Context, device string) (err error) {
	defer d.m.observe("device", "delete", time.Now(), &err)
	return d.Devices.Delete(ctx, device)
}
