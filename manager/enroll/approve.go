package enroll

import (
	"context"
	"errors"
	"fmt"
	"time"

	"muster/manager/store"
)

// ErrRevoked says that a device was shut out, which cannot be taken back: it is deleted and enrolls anew.
var ErrRevoked = errors.New("the device was revoked")

// errAsItIs says that nothing is to be changed.
var errAsItIs = errors.New("nothing to change")

// Approve lets a device in that waits for it. It fails with [store.ErrNotFound] when the device has no identity, and with [ErrRevoked]. One
// that is let in already is left as it is, and then before is what after is.
func (d *Desk) Approve(ctx context.Context, device, by string) (before, after store.Identity, err error) {
	return d.decide(ctx, device, store.EventApproved, "let in by "+by, func(i *store.Identity, now time.Time) error {
		switch i.State {
		case store.IdentityActive:
			return errAsItIs
		case store.IdentityRevoked:
			return ErrRevoked
		}
		i.State, i.Approved, i.By = store.IdentityActive, now, by
		return nil
	})
}

// Revoke shuts a device out, or refuses one that waits to be let in. It fails with [store.ErrNotFound] when the device has no identity. One
// that is shut out already is left as it is.
func (d *Desk) Revoke(ctx context.Context, device, by string) (before, after store.Identity, err error) {
	return d.decide(ctx, device, store.EventRevoked, "shut out by "+by, func(i *store.Identity, now time.Time) error {
		if i.State == store.IdentityRevoked {
			return errAsItIs
		}
		i.State, i.Revoked, i.By = store.IdentityRevoked, now, by
		return nil
	})
}

func (d *Desk) decide(ctx context.Context, device, event, text string, change func(*store.Identity, time.Time) error) (before, after store.Identity, err error) {
	now := time.Now().UTC().Truncate(time.Millisecond)
	after, err = d.o.Identities.Modify(ctx, device, func(i *store.Identity) error {
		before = *i
		return change(i, now)
	})
	if errors.Is(err, errAsItIs) {
		return before, before, nil
	}
	if err != nil {
		return before, after, fmt.Errorf("identity of device %q: %w", device, err)
	}
	d.o.Changed(after)
	d.tell(ctx, after, event, text, 0)
	return before, after, nil
}
