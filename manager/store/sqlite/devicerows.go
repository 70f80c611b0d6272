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

// deviceRows reads and writes whole rows of devices.
type deviceRows struct{ s *Store }

func (d deviceRows) Rows(ctx context.Context, names []string) (map[string]store.DeviceRow, error) {
	list, err := json.Marshal(names)
	if err != nil {
		return nil, err
	}
	found := map[string]store.DeviceRow{}
	err = d.s.read(func(db *sql.DB) error {
		return each(ctx, db, `SELECT `+deviceColumns+`, d.revision, d.note, r.boot, r.seq, r.report_key, r.events, r.report
			FROM devices d JOIN device_reports r ON r.name = d.name WHERE d.name IN (SELECT value FROM json_each(?))`,
			func(rows *sql.Rows) error {
				var row store.DeviceRow
				var events string
				var report []byte
				err := scanDevice(rows.Scan, &row.DeviceHead, &row.Revision, &row.Note, &row.Boot, &row.Seq, &row.ReportKey, &events, &report)
				if err != nil {
					return err
				}
				if err := json.Unmarshal([]byte(events), &row.Events); err != nil {
					return fmt.Errorf("device %q: events: %w", row.Device.Device, err)
				}
				row.Report = report
				found[row.Device.Device] = row
				return nil
			}, string(list))
	})
	return found, err
}

func (d deviceRows) Put(ctx context.Context, rows []store.DeviceRow) (overtaken []string, err error) {
	values := make([]deviceValues, 0, len(rows))
	for _, row := range rows {
		v, err := valuesOf(row)
		if err != nil {
			return nil, err
		}
		values = append(values, v)
	}
	err = d.s.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		overtaken = nil // a batch that did not fit is run once more
		putHead, err := tx.PrepareContext(ctx, `INSERT INTO devices
			(name, device_group, epoch, config_id, phase, failing, labels, reported, changed, revision, note)
			SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11 WHERE ?10 = 1 OR EXISTS (SELECT 1 FROM devices WHERE name = ?1)
			ON CONFLICT DO UPDATE SET device_group = ?2, epoch = ?3, config_id = ?4, phase = ?5, failing = ?6, labels = ?7,
			reported = ?8, changed = ?9, revision = ?10, note = ?11 WHERE revision = ?10 - 1`)
		if err != nil {
			return err
		}
		defer func() { _ = putHead.Close() }() // the transaction would close it too, later
		putReport, err := tx.PrepareContext(ctx, `INSERT INTO device_reports (name, boot, seq, report_key, events, report)
			VALUES (?1, ?2, ?3, ?4, ?5, ?6)
			ON CONFLICT DO UPDATE SET boot = ?2, seq = ?3, report_key = ?4, events = ?5, report = ?6`)
		if err != nil {
			return err
		}
		defer func() { _ = putReport.Close() }()
		for _, v := range values {
			put, err := affected(putHead.ExecContext(ctx, v.head...))
			if err != nil {
				return err
			}
			if put == 0 {
				overtaken = append(overtaken, v.name)
				continue
			}
			if _, err := putReport.ExecContext(ctx, v.report...); err != nil {
				return err
			}
		}
		return nil
	})
	return overtaken, err
}

// deviceValues are a row's, in the order of the statements.
type deviceValues struct {
	name         string
	head, report []any
}

func valuesOf(row store.DeviceRow) (deviceValues, error) {
	failing, err := json.Marshal(row.Failing)
	labels, err2 := json.Marshal(row.Labels)
	events, err3 := json.Marshal(row.Events)
	if err := errors.Join(err, err2, err3); err != nil {
		return deviceValues{}, fmt.Errorf("device %q: %w", row.Device.Device, err)
	}
	return deviceValues{
		name: row.Device.Device,
		head: []any{row.Device.Device, row.DeviceGroup, row.Epoch, row.ConfigID, row.Phase, string(failing), string(labels),
			milliseconds(row.Reported), row.Changed.UnixMilli(), row.Revision, row.Note},
		report: []any{row.Device.Device, row.Boot, row.Seq, row.ReportKey, string(events), []byte(row.Report)},
	}, nil
}

// milliseconds since 1970, nil for no time.
func milliseconds(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	return new(t.UnixMilli())
}
