package store

import (
	"context"
	"encoding/json"
	"time"

	"muster/topics"
)

// A DeviceHead is what is kept of a device in short: what lists are made of.
type DeviceHead struct {
	Device      string
	DeviceGroup string
	// Version, Phase and Failing are those of the last report; Failing has no reasons.
	topics.Version
	Phase   string
	Failing []topics.Failure
	// Labels are an admin's; never nil when it is read.
	Labels map[string]string
	// Reported is when the last report was received; zero without one. In a head that another manager's bridge has written it
	// may be older than the row's.
	Reported time.Time
	// Changed is when anything above but Reported changed last, by the clock of the manager or bridge that changed it, in UTC
	// to the millisecond.
	Changed time.Time
}

// A Device is all that is kept of one.
type Device struct {
	DeviceHead
	// Note is an admin's.
	Note string
	// Report is the last report as it was published; nil without one. Boot and Seq are its own, and ReportKey is that of its
	// [Sighting].
	Report    json.RawMessage
	Boot      string
	Seq       int64
	ReportKey string
	// Events are the last things that happened to it, newest first, at most [MaxEvents].
	Events []Event
}

// MaxEvents is how many events are kept of a device.
const MaxEvents = 20

// A Sighting is a report as a device's row takes it.
type Sighting struct {
	// Head is what the report says, without Labels; its Reported is when it was received, to the millisecond.
	Head   DeviceHead
	Report json.RawMessage
	Boot   string
	Seq    int64
	// ReportKey is the ID of the [Report]. Of two that were received at the same time, the one with the greater key came later.
	ReportKey string
}

// Devices keeps the last report of each device, and what admins say of it, until it is deleted.
type Devices interface {
	// Observe takes reports, in the order in which they came. Of one device, a report is newer than the kept one when it has the
	// same boot and a higher seq, or another boot, or none, and came later; others are passed over. events says what happened
	// between the two, the oldest first (before is without a report for a device that is new); it may be called again for the same
	// pair. A row is made when there is none. When it returns nil all of it survives a loss of power; after an error some of it
	// may have been taken, and it can be called again with the same.
	Observe(ctx context.Context, sightings []Sighting, events func(before Device, now Sighting) []Event) error
	// Get reads one. It fails with [ErrNotFound].
	Get(ctx context.Context, device string) (Device, error)
	// Annotate has change alter the labels and the note of a device and returns it as written; a row is made when there is
	// none. An error of change is returned as it is and nothing is written. change may be called several times.
	Annotate(ctx context.Context, device string, change func(labels map[string]string, note *string) error) (Device, error)
	// Tell adds an event to those of a device; a row is made when there is none. A device that has not reported is in that
	// device_group from then on, unless it is empty. Nothing is written when there is an event of that kind that is less than quiet
	// away.
	Tell(ctx context.Context, device, group string, e Event, quiet time.Duration) error
	// Heads reads heads in ascending byte order of their names, those after the given name, at most limit.
	Heads(ctx context.Context, after string, limit int) ([]DeviceHead, error)
	// ChangedSince reads the heads that changed at that time or later, in ascending order of (Changed, Device), those after
	// the given pair, at most limit.
	ChangedSince(ctx context.Context, since time.Time, after string, limit int) ([]DeviceHead, error)
	// Delete forgets a device. It fails with [ErrNotFound].
	Delete(ctx context.Context, device string) error
}
