package authority

import (
	"context"
	"time"

	"muster/manager/store"
)

// page is how many identities are read at a time.
const page = 1000

// Holders counts the devices that would be locked out if an authority were retired.
func (f *Fleet) Holders(ctx context.Context, id string) (int, error) {
	held, _, err := f.holders(ctx, id, time.Now())
	return held, err
}

// holders also names one of them.
func (f *Fleet) holders(ctx context.Context, id string, now time.Time) (held int, example string, err error) {
	err = f.each(ctx, store.IdentityFilter{State: store.IdentityActive}, func(i store.Identity) {
		if needs(i, id, now, f.o.Grace) {
			held++
			example = i.Device
		}
	})
	return held, example, err
}

// each calls with every identity that matches.
func (f *Fleet) each(ctx context.Context, filter store.IdentityFilter, with func(store.Identity)) error {
	for after := ""; ; {
		all, err := f.o.Identities.List(ctx, filter, after, page)
		if err != nil {
			return err
		}
		for _, i := range all {
			with(i)
		}
		if len(all) < page {
			return nil
		}
		after = all[len(all)-1].Device
	}
}

// needs says whether a device has a certificate of an authority that it may still log in or renew with. Those before the last one
// count until they end, because the last one may never have reached the device.
func needs(i store.Identity, id string, now time.Time, grace time.Duration) bool {
	for n, cert := range i.Certificates {
		end := cert.NotAfter
		if n == 0 {
			end = end.Add(grace)
		}
		if cert.Authority == id && now.Before(end) {
			return true
		}
	}
	return false
}
