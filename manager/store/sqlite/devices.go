package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"muster/manager/store"
)

// devices keeps what is known of each device in two tables: the heads, and the rest.
type devices struct{ s *Store }

// deviceColumns are those that [scanDevice] reads.
const deviceColumns = `d.name, d.device_group, d.epoch, d.config_id, d.phase, d.failing, d.labels, d.reported, d.changed`

// scanDevice reads a head, and what else was asked for behind its columns.
func scanDevice(scan func(...any) error, head *store.DeviceHead, others ...any) error {
	var failing, labels string
	var reported sql.Null[int64]
	var changed int64
	err := scan(append([]any{&head.Device, &head.DeviceGroup, &head.Epoch, &head.ConfigID, &head.Phase, &failing, &labels,
		&reported, &changed}, others...)...)
	if err != nil {
		return err
	}
	if reported.Valid {
		head.Reported = time.UnixMilli(reported.V).UTC()
	}
	head.Changed = time.UnixMilli(changed).UTC()
	if err := errors.Join(json.Unmarshal([]byte(failing), &head.Failing), json.Unmarshal([]byte(labels), &head.Labels)); err != nil {
		return fmt.Errorf("device %q: %w", head.Device, err)
	}
	return nil
}

func (d devices) Observe(ctx context.Context, sightings []store.Sighting, events func(store.Device, store.Sighting) []store.Event) error {
	return store.ObserveDevices(ctx, deviceRows(d), sightings, events)
}

func (d devices) Annotate(ctx context.Context, device string, change func(map[string]string, *string) error) (store.Device, error) {
	return store.AnnotateDevice(ctx, deviceRows(d), device, change)
}

func (d devices) Tell(ctx context.Context, device, group string, e store.Event, quiet time.Duration) error {
	return store.TellDevice(ctx, deviceRows(d), device, group, e, quiet)
}

func (d devices) Get(ctx context.Context, device string) (store.Device, error) {
	return store.GetDevice(ctx, deviceRows(d), device)
}

// Where a page of heads begins, and in which order.
const (
	afterName   = `WHERE d.name > ? ORDER BY d.name LIMIT ?`
	afterChange = `WHERE (d.changed, d.name) > (?, ?) ORDER BY d.changed, d.name LIMIT ?`
)

func (d devices) Heads(ctx context.Context, after string, limit int) ([]store.DeviceHead, error) {
	return d.heads(ctx, afterName, after, max(limit, 0))
}

func (d devices) ChangedSince(ctx context.Context, since time.Time, after string, limit int) ([]store.DeviceHead, error) {
	return d.heads(ctx, afterChange, ceilMilliseconds(since), after, max(limit, 0))
}

// ceilMilliseconds is the first millisecond since 1970 that is not before t.
func ceilMilliseconds(t time.Time) int64 { return t.Add(time.Millisecond - 1).UnixMilli() }

func (d devices) heads(ctx context.Context, clause string, args ...any) ([]store.DeviceHead, error) {
	heads := []store.DeviceHead{}
	err := d.s.read(func(db *sql.DB) error {
		return each(ctx, db, `SELECT `+deviceColumns+` FROM devices d `+clause, func(rows *sql.Rows) error {
			var head store.DeviceHead
			err := scanDevice(rows.Scan, &head)
			heads = append(heads, head)
			return err
		}, args...)
	})
	if err != nil {
		return nil, fmt.Errorf("read devices: %w", err)
	}
	return heads, nil
}

func (d devices) Delete(ctx context.Context, device string) error {
	err := d.s.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		deleted, err := affected(tx.ExecContext(ctx, `DELETE FROM devices WHERE name = ?`, device))
		if err != nil {
			return err
		}
		if deleted == 0 {
			return store.ErrNotFound
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM device_reports WHERE name = ?`, device)
		return err
	})
	if err != nil {
		return fmt.Errorf("device %q: %w", device, err)
	}
	return nil
}
