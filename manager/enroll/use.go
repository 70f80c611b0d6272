package enroll

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"muster/manager/store"
)

const (
	// maxTaking is how many names are kept in [store.Token].Taking. When there are so many it is looked which of the older ones can be
	// taken off, and the oldest has lost its use if there is none.
	maxTaking = 512
	// recent is how many of the newest are not taken off: another manager may be about to take a use for the same device, and must find
	// that it is taken.
	recent = 256
)

var errCrowded = errors.New("many uses were taken")

// checkToken reports why a device cannot be enrolled with a token at that time.
func checkToken(t store.Token, device string, now time.Time) error {
	switch {
	case t.Device != "" && t.Device != device:
		return refuse("the token is for another device")
	case !now.Before(t.Expires):
		return refuse("the token has expired")
	case t.Used >= t.Uses && !slices.Contains(t.Taking, device):
		return refuse("the token has no uses left")
	}
	return nil
}

// takeUse takes one use of the token for the device. Taking it again, because nobody knows whether the identity was made, takes
// no other.
func (d *Desk) takeUse(ctx context.Context, id, device string, now time.Time) error {
	settled := map[string]bool{}
	take := func(t *store.Token) error {
		if err := checkToken(*t, device, now); err != nil {
			return err
		}
		if slices.Contains(t.Taking, device) {
			return nil
		}
		if len(t.Taking) >= maxTaking && len(settled) == 0 {
			return errCrowded
		}
		t.Taking = slices.DeleteFunc(t.Taking, func(name string) bool { return settled[name] })
		t.Taking = append(t.Taking[max(0, len(t.Taking)+1-maxTaking):], device)
		t.Used++
		return nil
	}
	_, err := d.o.Tokens.Modify(ctx, id, take)
	if errors.Is(err, errCrowded) {
		if settled, err = d.settled(ctx, id); err == nil {
			_, err = d.o.Tokens.Modify(ctx, id, take)
		}
	}
	if errors.Is(err, store.ErrNotFound) {
		return errToken
	}
	return err
}

// settled are those of the older ones in Taking that have their identities.
func (d *Desk) settled(ctx context.Context, id string) (map[string]bool, error) {
	t, err := d.o.Tokens.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	settled := map[string]bool{"": true} // so that it is not empty, and the next attempt does what it can
	for _, device := range t.Taking[:max(0, len(t.Taking)-recent)] {
		_, err := d.o.Identities.Get(ctx, device)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return nil, err
		}
		settled[device] = err == nil
	}
	return settled, nil
}

// Forget deletes the identity of a device, if it has one, and says whether it had. The use of its token is used up: whoever has the
// token cannot be that device once more for free.
func (d *Desk) Forget(ctx context.Context, device string) (had store.Identity, ok bool, err error) {
	had, err = d.o.Identities.Get(ctx, device)
	if errors.Is(err, store.ErrNotFound) {
		return store.Identity{}, false, nil
	}
	if err != nil {
		return store.Identity{}, false, err
	}
	if had.TokenID != "" {
		_, err := d.o.Tokens.Modify(ctx, had.TokenID, func(t *store.Token) error {
			t.Taking = slices.DeleteFunc(t.Taking, func(name string) bool { return name == device })
			return nil
		})
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return store.Identity{}, false, fmt.Errorf("token of device %q: %w", device, err)
		}
	}
	if err := d.o.Identities.Delete(ctx, device); err != nil && !errors.Is(err, store.ErrNotFound) {
		return store.Identity{}, false, err
	}
	gone := had
	gone.State = ""
	d.o.Changed(gone)
	return had, true, nil
}
