package storetest

import (
	"errors"
	"fmt"
	"time"

	"github.com/google/go-cmp/cmp"

	"muster/manager/store"
)

func testIdentityModify(r rig) {
	st := r.handle()
	r.identify(st, identity("d"), identity("other"))
	before := r.identity(st, "d")
	for n, change := range []func(*store.Identity){
		func(i *store.Identity) { i.State = store.IdentityRevoked },
		func(i *store.Identity) { i.Revoked = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) },
		func(i *store.Identity) { i.Certificates = append(i.Certificates, store.IssuedCertificate{Serial: "1"}) },
		func(i *store.Identity) { i.Certificates[0].Serial = "2" },
		func(i *store.Identity) { i.PublicKey = nil },
	} {
		written, err := st.Identities().Modify(r.ctx, "d", func(i *store.Identity) error {
			if diff := cmp.Diff(before, *i); diff != "" {
				r.Errorf("change %d is given (-was +given):\n%s", n, diff)
			}
			change(i)
			i.Changed = time.Time{} // the store's to set
			return nil
		})
		r.must(err)
		if !written.Changed.After(before.Changed) || time.Since(written.Changed) > patience {
			r.Errorf("change %d: changed at %v, was at %v", n, written.Changed, before.Changed)
		}
		change(&before)
		before.Changed = written.Changed
		for how, got := range map[string]store.Identity{"returned": written, "read": r.identity(st, "d")} {
			if diff := cmp.Diff(before, got); diff != "" {
				r.Errorf("change %d, %s (-want +got):\n%s", n, how, diff)
			}
		}
	}
	unchanged, err := st.Identities().Modify(r.ctx, "d", func(*store.Identity) error { return nil })
	r.must(err)
	if diff := cmp.Diff(before, unchanged); diff != "" {
		r.Errorf("changing nothing (-want +got):\n%s", diff)
	}
	if other := r.identity(st, "other"); other.State != store.IdentityActive {
		r.Errorf("another device: %+v", other)
	}
}

func testIdentityModifyRefused(r rig) {
	st := r.handle()
	r.identify(st, identity("d"))
	before := r.identity(st, "d")
	refusal := errors.New("no")
	_, err := st.Identities().Modify(r.ctx, "d", func(i *store.Identity) error { i.By = "x"; return refusal })
	if err != refusal { //nolint:errorlint // as it is
		r.Errorf("got %v, want the error of change as it is", err)
	}
	if _, err := st.Identities().Modify(r.ctx, "d", func(i *store.Identity) error { i.Device = "e"; return nil }); err == nil {
		r.Error("another device's name was accepted")
	}
	if diff := cmp.Diff(before, r.identity(st, "d")); diff != "" {
		r.Errorf("after refused changes (-want +got):\n%s", diff)
	}
	r.checkIdentities("after refused changes", st, store.IdentityFilter{}, "", 10, "d")
}

// testIdentityModifyTogether adds to one identity from many places: nothing is lost, and no two changes have one time.
func testIdentityModifyTogether(r rig) {
	handles := []store.Store{r.handle(), r.handle()}
	r.identify(handles[0], identity("d"))
	const modifiers, each = 8, 6
	times := make([]map[time.Time]bool, modifiers)
	errs := make([]error, modifiers)
	together(modifiers, func(n int) {
		times[n] = map[time.Time]bool{}
		for range each {
			written, err := handles[n%2].Identities().Modify(r.ctx, "d", func(i *store.Identity) error { i.By += "x"; return nil })
			if err != nil {
				errs[n] = err
				return
			}
			times[n][written.Changed] = true
		}
	})
	r.must(errors.Join(errs...))
	all := map[time.Time]bool{}
	for _, some := range times {
		for at := range some {
			all[at] = true
		}
	}
	if got := r.identity(handles[1], "d"); len(got.By) != modifiers*each || len(all) != modifiers*each {
		r.Errorf("%d changes at %d times, want %d", len(got.By), len(all), modifiers*each)
	}
}

func testIdentityCreateTogether(r rig) {
	handles := []store.Store{r.handle(), r.handle()}
	const creators = 8
	errs := make([]error, creators)
	together(creators, func(n int) {
		i := identity("d")
		i.By = fmt.Sprint(n)
		_, errs[n] = handles[n%2].Identities().Create(r.ctx, i)
	})
	won := ""
	for n, err := range errs {
		switch {
		case err == nil && won == "":
			won = fmt.Sprint(n)
		case !errors.Is(err, store.ErrExists):
			r.Errorf("creator %d: got %v, want ErrExists", n, err)
		}
	}
	if got := r.identity(handles[1], "d"); won == "" || got.By != won {
		r.Errorf("creator %q won, but the identity is of %q", won, got.By)
	}
}
