package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"muster/topics"
)

// A DeviceRow is a device as an implementation keeps it. Revision counts how often it was written; 0 is a row that is not there.
type DeviceRow struct {
	Device
	Revision int64
}

// DeviceRows is what an implementation of [Devices] needs to have for [GetDevice], [ObserveDevices], [AnnotateDevice] and [TellDevice].
type DeviceRows interface {
	// Rows reads rows by their names. Those that are not there are left out.
	Rows(ctx context.Context, names []string) (map[string]DeviceRow, error)
	// Put writes each row, provided that the one in the store has a Revision that is lower by one. It returns the names of those
	// that it did not write for that reason. What it wrote survives a loss of power.
	Put(ctx context.Context, rows []DeviceRow) (overtaken []string, err error)
}

// GetDevice is the Get of [Devices].
func GetDevice(ctx context.Context, in DeviceRows, device string) (Device, error) {
	rows, err := in.Rows(ctx, []string{device})
	if row, there := rows[device]; err == nil && there {
		return row.Device, nil
	}
	if err == nil {
		err = ErrNotFound
	}
	return Device{}, fmt.Errorf("device %q: %w", device, err)
}

// ObserveDevices is the Observe of [Devices]: what each row becomes is worked out here, and written if nobody else has written
// the row by then. Those that somebody has are begun anew, so that no report and no label is lost.
func ObserveDevices(ctx context.Context, in DeviceRows, sightings []Sighting, events func(Device, Sighting) []Event) error {
	todo := map[string][]Sighting{}
	for _, s := range sightings {
		todo[s.Head.Device] = append(todo[s.Head.Device], s)
	}
	for len(todo) > 0 {
		rows, err := in.Rows(ctx, slices.Collect(maps.Keys(todo)))
		if err != nil {
			return fmt.Errorf("read devices: %w", err)
		}
		now := time.Now()
		var changed []DeviceRow
		for _, name := range slices.Sorted(maps.Keys(todo)) {
			row, newer := rows[name], false
			for _, s := range todo[name] {
				if row.olderThan(s, now) {
					row.Device, newer = row.taking(s, events(row.Device, s), now), true
				}
			}
			if newer {
				row.Revision++
				changed = append(changed, row)
			}
		}
		if len(changed) == 0 {
			return nil
		}
		overtaken, err := in.Put(ctx, changed)
		if err != nil {
			return fmt.Errorf("write devices: %w", err)
		}
		maps.DeleteFunc(todo, func(name string, _ []Sighting) bool { return !slices.Contains(overtaken, name) })
	}
	return nil
}

// clockSlack is how far ahead of this machine's clock another's may be.
const clockSlack = time.Minute

// olderThan says whether the last report is older than a sighting. One that was received in the future is, by a clock that has been
// set right since: nothing could be newer for years.
func (d Device) olderThan(s Sighting, now time.Time) bool {
	switch {
	case d.Report == nil:
		return true
	case d.Boot == s.Boot && s.Boot != "" && s.Seq != 0:
		return s.Seq > d.Seq
	case d.Reported.After(now.Add(clockSlack)) && s.Head.Reported.Before(d.Reported):
		return true
	case s.Head.Reported.Equal(d.Reported):
		return s.ReportKey > d.ReportKey
	}
	return s.Head.Reported.After(d.Reported)
}

// taking is the device with a newer report and what happened in between.
func (d Device) taking(s Sighting, events []Event, now time.Time) Device {
	before := d.DeviceHead
	d.DeviceHead = s.Head
	d.Reported = inMilliseconds(s.Head.Reported)
	if d.Labels, d.Changed = before.Labels, before.Changed; d.Labels == nil {
		d.Labels = map[string]string{}
	}
	d.Failing = nil
	for _, f := range s.Head.Failing[:min(len(s.Head.Failing), topics.MaxFailing)] {
		d.Failing = append(d.Failing, topics.Failure{App: f.App, CronJob: f.CronJob, Code: f.Code})
	}
	if before.Device == "" || d.DeviceGroup != before.DeviceGroup || d.Version != before.Version || d.Phase != before.Phase ||
		!slices.Equal(d.Failing, before.Failing) {
		d.Changed = inMilliseconds(now)
	}
	d.Report, d.Boot, d.Seq, d.ReportKey = s.Report, s.Boot, s.Seq, s.ReportKey
	news := slices.Clone(events)
	slices.Reverse(news)
	d.Events = append(news, d.Events...)
	d.Events = d.Events[:min(len(d.Events), MaxEvents)]
	return d
}

// AnnotateDevice is the Annotate of [Devices].
func AnnotateDevice(ctx context.Context, in DeviceRows, device string, change func(map[string]string, *string) error) (Device, error) {
	for {
		rows, err := in.Rows(ctx, []string{device})
		if err != nil {
			return Device{}, fmt.Errorf("device %q: %w", device, err)
		}
		row := rows[device]
		labels := maps.Clone(row.Labels)
		if labels == nil {
			labels = map[string]string{}
		}
		if err := change(labels, &row.Note); err != nil {
			return Device{}, err
		}
		if row.Revision == 0 || !maps.Equal(labels, row.Labels) {
			row.Changed = inMilliseconds(time.Now())
		}
		row.Device.Device, row.Labels = device, labels
		row.Revision++
		overtaken, err := in.Put(ctx, []DeviceRow{row})
		if err != nil {
			return Device{}, fmt.Errorf("device %q: %w", device, err)
		}
		if len(overtaken) == 0 {
			return row.Device, nil
		}
	}
}

func inMilliseconds(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }
