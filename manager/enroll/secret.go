package enroll

import (
	"context"
	"errors"
	"fmt"
	"time"

	"muster/manager/store"
	"muster/topics/token"
)

var (
	// ErrHasKey says that the device has a key of its own, which a secret would shut out.
	ErrHasKey = errors.New("the device has a key, which a secret in its place would shut out")
	// ErrNoGroup says that a device without an identity was to get one without a device_group.
	ErrNoGroup = errors.New("the device has no identity yet, and needs a device_group")
)

// A SecretRequest is what a device's secret is to be made for.
type SecretRequest struct {
	Device string
	// DeviceGroup is where the device is from then on; empty leaves it where it is.
	DeviceGroup string
	// ReplaceKey takes the key of a device that has one.
	ReplaceKey bool
	// By is who asks.
	By string
}

// Secret lets a device in by a new secret, which is told this once: nothing else lets it in from then on. before has no State when the device
// had no identity. It fails with [ErrRevoked], [ErrHasKey] and [ErrNoGroup].
func (d *Desk) Secret(ctx context.Context, r SecretRequest) (secret string, before, after store.Identity, err error) {
	now := time.Now().UTC().Truncate(time.Millisecond)
	made := token.New(token.Pin{})
	give := func(i *store.Identity) error {
		switch {
		case i.State == store.IdentityRevoked:
			return ErrRevoked
		case len(i.PublicKey) > 0 && !r.ReplaceKey:
			return ErrHasKey
		}
		if r.DeviceGroup != "" {
			i.DeviceGroup = r.DeviceGroup
		}
		i.State, i.Approved, i.By = store.IdentityActive, now, r.By
		i.PublicKey, i.Certificates, i.SecretHash = nil, nil, made.Hash()
		return nil
	}
	after, err = d.o.Identities.Modify(ctx, r.Device, func(i *store.Identity) error {
		before = *i
		return give(i)
	})
	if errors.Is(err, store.ErrNotFound) {
		if r.DeviceGroup == "" {
			return "", store.Identity{}, store.Identity{}, ErrNoGroup
		}
		before, after = store.Identity{}, store.Identity{Device: r.Device, Requested: now}
		_ = give(&after) // nothing is in the way of a new one
		after, err = d.o.Identities.Create(ctx, after)
	}
	if err != nil {
		return "", store.Identity{}, store.Identity{}, fmt.Errorf("identity of device %q: %w", r.Device, err)
	}
	d.o.Changed(after)
	d.tell(ctx, after, store.EventSecret, "given a secret by "+r.By, 0)
	return made.Secret(), before, after, nil
}
