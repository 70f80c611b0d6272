package enroll

import (
	"context"
	"log/slog"
	"math"
	"time"

	"muster/manager/audit"
	"muster/manager/store"
)

// quiet is how long an event of one kind is not told again of a device: requests are repeated, and whoever has a token could
// flood a device's events.
const quiet = time.Minute

// once has an event told again only when it is not among those that are kept any more.
const once = time.Duration(math.MaxInt64)

// tell adds an event to a device's. What it is about is in force already, so that it is not taken back when this fails.
func (d *Desk) tell(ctx context.Context, i store.Identity, kind, text string, quiet time.Duration) {
	event := store.Event{At: time.Now().UTC().Truncate(time.Millisecond), Kind: kind, Text: text}
	if err := d.o.Devices.Tell(ctx, i.Device, i.DeviceGroup, event, quiet); err != nil {
		d.o.Log.Error("an event of a device is not kept", "device", i.Device, "event", event, "error", err)
	}
}

// A trail is where it is noted who was let in, besides the log.
type trail struct {
	entries *audit.Trail
	store   store.Audit
	log     *slog.Logger
}

func newTrail(o Options) trail { return trail{audit.NewTrail(time.Now), o.Audit, o.Log} }

// A change is what a device has done with a token.
type change struct {
	by, requestID, action string
	after                 store.Identity
}

// note writes an entry, and logs it whole when the store does not take it.
func (t trail) note(ctx context.Context, c change) {
	entry, err := t.entries.Entry(audit.Change{
		By: c.by, RequestID: c.requestID, Action: c.action, Kind: "device", Name: c.after.Device, After: c.after,
	})
	if err == nil {
		err = t.store.Append(ctx, entry)
	}
	if err != nil {
		t.log.Error("audit entry not kept", "entry", entry, "error", err)
		return
	}
	t.log.Info("audit", "id", entry.ID, "by", entry.By, "request_id", entry.RequestID, "action", entry.Action, "kind", entry.Kind,
		"name", entry.Name, "after", entry.After)
}
