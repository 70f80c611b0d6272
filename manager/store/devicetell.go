package store

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// TellDevice is the Tell of [Devices].
func TellDevice(ctx context.Context, in DeviceRows, device, group string, e Event, quiet time.Duration) error {
	for {
		rows, err := in.Rows(ctx, []string{device})
		if err != nil {
			return fmt.Errorf("device %q: %w", device, err)
		}
		row := rows[device]
		row.Device.Device = device
		told := slices.ContainsFunc(row.Events, func(before Event) bool {
			return before.Kind == e.Kind && e.At.Sub(before.At).Abs() < quiet
		})
		if told {
			return nil
		}
		if row.Labels == nil {
			row.Labels = map[string]string{}
		}
		if moved := row.Report == nil && group != "" && group != row.DeviceGroup; moved || row.Revision == 0 {
			row.Changed = inMilliseconds(time.Now())
			if moved {
				row.DeviceGroup = group
			}
		}
		row.Events = append([]Event{e}, row.Events...)
		row.Events = row.Events[:min(len(row.Events), MaxEvents)]
		row.Revision++
		overtaken, err := in.Put(ctx, []DeviceRow{row})
		if err != nil {
			return fmt.Errorf("device %q: %w", device, err)
		}
		if len(overtaken) == 0 {
			return nil
		}
	}
}
