package metrics

import (
	"context"
	"time"

	"muster/manager/store"
)

type devices struct {
	store.Devices
	m *Metrics
}

func (d *devices) Observe(ctx context.Context, all []store.Sighting, events func(store.Device, store.Sighting) []store.Event) (err error) {
	defer d.m.observe("device", "observe", time.Now(), &err)
	return d.Devices.Observe(ctx, all, events)
}

func (d *devices) Get(ctx context.Context, device string) (_ store.Device, err error) {
	defer d.m.observe("device", "get", time.Now(), &err)
	return d.Devices.Get(ctx, device)
}

// Annotate counts what the store fails at, not what change refuses.
func (d *devices) Annotate(ctx context.Context, device string, change func(map[string]string, *string) error) (store.Device, error) {
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

func (d *devices) Heads(ctx context.Context, after string, limit int) (_ []store.DeviceHead, err error) {
	defer d.m.observe("device", "heads", time.Now(), &err)
	return d.Devices.Heads(ctx, after, limit)
}

func (d *devices) ChangedSince(ctx context.Context, since time.Time, after string, limit int) (_ []store.DeviceHead, err error) {
	defer d.m.observe("device", "changed_since", time.Now(), &err)
	return d.Devices.ChangedSince(ctx, since, after, limit)
}

func (d *devices) Delete(ctx context.Context, device string) (err error) {
	defer d.m.observe("device", "delete", time.Now(), &err)
	return d.Devices.Delete(ctx, device)
}
