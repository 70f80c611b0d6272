package devices

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"muster/manager/fleet"
	"muster/manager/store"
	"muster/topics"
)

// Group is the device_group of a device that is known. It fails with [store.ErrNotFound].
func (f *Fleet) Group(ctx context.Context, device string) (string, error) {
	if r, ok := f.known(device); ok {
		return r.DeviceGroup, nil
	}
	row, err := f.row(ctx, device)
	return row.DeviceGroup, err
}

// A live is what is in memory of a device, at one moment.
type live struct {
	fleet.Device
	since *time.Time
	// told says that what it runs is by its own word, and not by what the store has.
	told bool
}

// known is what is in memory of a device.
func (f *Fleet) known(device string) (live, bool) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	r, ok := f.census.devices[device]
	if !ok {
		return live{}, false
	}
	l := live{r.show(f.latest(r.group.Value())), moment(r.since), r.told != 0}
	l.Pulls = f.pulls.of(device)
	return l, true
}

// Get is all that is known of a device: what it says over its connection, what the store has, and what is wanted of it. It fails with
// [store.ErrNotFound].
func (f *Fleet) Get(ctx context.Context, device string) (fleet.Detail, error) {
	row, err := f.row(ctx, device)
	missing := errors.Is(err, store.ErrNotFound)
	if err != nil && !missing {
		return fleet.Detail{}, err
	}
	now, ok := f.known(device)
	if !ok {
		if missing {
			return fleet.Detail{}, err
		}
		r := newRecord(device) // written since the store was last asked
		r.take(row.DeviceHead)
		now = live{Device: r.show(f.latest(row.DeviceGroup))}
	}
	identity, err := f.identity(ctx, device)
	if err != nil {
		return fleet.Detail{}, err
	}
	snapshot, _ := f.configs.Latest(now.DeviceGroup)
	all := detail(now, row, wantedOf(snapshot))
	all.Identity = identity
	return all, nil
}

// identity is what the device is known by, or nil.
func (f *Fleet) identity(ctx context.Context, device string) (*fleet.Identity, error) {
	if f.o.Identities == nil {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	i, err := f.o.Identities.Get(ctx, device)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return fleet.ShowIdentity(i), nil
}

// wantedOf is what a snapshot asks for; nothing when there is none, or it cannot be read.
func wantedOf(s store.Snapshot) (c topics.Config) {
	if c, err := topics.ParseConfig(s.Payload); err == nil {
		return c
	}
	return topics.Config{}
}

// detail puts together what is known of a device and what is wanted of it.
func detail(now live, row store.Device, wanted topics.Config) fleet.Detail {
	d := fleet.Detail{
		Device: now.Device, Note: row.Note, Since: now.since, Apps: []fleet.App{}, CronJobs: []topics.CronJobState{}, Events: row.Events,
	}
	if d.Events == nil {
		d.Events = []store.Event{}
	}
	if row.Labels != nil {
		d.Labels = row.Labels
	}
	report, reported := readReport(row.Report)
	if reported {
		d.Machine, d.LastReport = report.Machine, lastReport(report, row.Reported)
		d.CronJobs = append(d.CronJobs, report.CronJobs...)
		if !now.told { // or the status has the reasons of now
			d.Failing = append([]topics.Failure{}, report.Failing...)
		}
		if seen := d.LastSeen; seen == nil || seen.Before(row.Reported) {
			d.LastSeen = &row.Reported
		}
		if d.Agent == "" {
			d.Agent = report.Agent
		}
	}
	why := explanation{d.Device, d.Since, report, reported, row.Reported}
	d.Apps = append(d.Apps, why.apps(wanted)...)
	return d
}

// readReport reads as much of a report as can be read: a device may say anything. It reports whether there is one.
func readReport(payload json.RawMessage) (r topics.Report, ok bool) {
	if len(payload) == 0 {
		return r, false
	}
	err := json.Unmarshal(payload, &r)
	wrongType := new(json.UnmarshalTypeError)
	if err != nil && !errors.As(err, &wrongType) {
		return topics.Report{}, true
	}
	return r, true
}

func lastReport(r topics.Report, received time.Time) *fleet.LastReport {
	last := &fleet.LastReport{ReportID: r.ReportID, Received: received, Dropped: r.Dropped}
	if !r.At.IsZero() {
		at := r.At.UTC()
		last.At, last.ClockOff = &at, at.Sub(received).Seconds()
	}
	return last
}
