package devices

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"muster/broker/client"
	"muster/manager/fleet"
	"muster/manager/store"
	"muster/topics"
)

func annotationsOf(row store.Device) fleet.Annotations {
	return fleet.Annotations{Labels: row.Labels, Note: row.Note}
}

// Annotate has change alter what admins say of a device that is known, and returns what that was and is. It fails with
// [store.ErrNotFound], with a [topics.FieldError] when the result is beyond the limits, and with change's error as it is; change may
// be called several times, and Labels that it is given are its own and not nil.
func (f *Fleet) Annotate(ctx context.Context, device string, change func(*fleet.Annotations) error) (before, after fleet.Annotations, err error) {
	if _, err := f.Group(ctx, device); err != nil {
		return before, after, err
	}
	row, err := f.store.Annotate(ctx, device, func(labels map[string]string, note *string) error {
		before = fleet.Annotations{Labels: maps.Clone(labels), Note: *note}
		a := fleet.Annotations{Labels: maps.Clone(labels), Note: *note}
		if a.Labels == nil {
			a.Labels = make(map[string]string)
		}
		if err := change(&a); err != nil {
			return err
		}
		if err := a.Check(); err != nil {
			return err
		}
		clear(labels)
		maps.Copy(labels, a.Labels)
		*note = a.Note
		return nil
	})
	if err != nil {
		return before, after, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.heads.touched[device] = true
	f.census.head(row.DeviceHead)
	return before, annotationsOf(row), nil
}

// Delete forgets a device, and clears its status, so that every manager does. One that still runs is back with the next that it says. It
// returns what admins have said of it. It fails with [store.ErrNotFound], and with an error that wraps [client.ErrNotConnected]
// when the broker cannot be reached: then nothing is deleted.
func (f *Fleet) Delete(ctx context.Context, device string) (before fleet.Annotations, err error) {
	if _, err := f.Group(ctx, device); err != nil {
		return before, err
	}
	row, err := f.row(ctx, device)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return before, err
	}
	before = annotationsOf(row)
	// First the status: with the row gone and the status there, the device would come back after the next connection.
	if err := f.clearStatus(ctx, device); err != nil {
		return before, fmt.Errorf("clear the status of device %q: %w", device, err)
	}
	if err := f.store.Delete(ctx, device); err != nil && !errors.Is(err, store.ErrNotFound) {
		return before, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.heads.touched[device] = true
	f.census.drop(device)
	delete(f.pulls, device)
	return before, nil
}

// clearTimeout is how long the broker may take to clear a status.
const clearTimeout = 5 * time.Second

func (f *Fleet) clearStatus(ctx context.Context, device string) error {
	ctx, cancel := context.WithTimeout(ctx, clearTimeout)
	defer cancel()
	return f.client.Publish(ctx, client.Message{Topic: f.o.Root.Topic(topics.DeviceStatus, device), QoS: 1, Retain: true})
}
