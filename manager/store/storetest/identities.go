package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/go-cmp/cmp"

	"muster/manager/store"
)

var identities = map[string]func(rig){
	"round trip":       testIdentityRoundTrip,
	"create and get":   testIdentityCreate,
	"modify":           testIdentityModify,
	"modify refused":   testIdentityModifyRefused,
	"modify together":  testIdentityModifyTogether,
	"create together":  testIdentityCreateTogether,
	"lists":            testIdentityLists,
	"changed since":    testIdentityChangedSince,
	"a clock behind":   testIdentityClockBehind,
	"comes back":       testIdentityComesBack,
	"unreadable":       testIdentityUnreadable,
	"cancelled":        testIdentityCancelled,
	"ten thousand":     testIdentityMany,
	"missing":          testIdentityMissing,
	"certificates end": testIdentityCertificates,
}

func identity(device string) store.Identity {
	return store.Identity{Device: device, DeviceGroup: "g", State: store.IdentityActive, PublicKey: []byte("key of " + device), Certificates: []store.IssuedCertificate{}}
}

func (r rig) identify(st store.Store, all ...store.Identity) {
	r.Helper()
	for _, i := range all {
		_, err := st.Identities().Create(r.ctx, i)
		r.must(err)
	}
}

func (r rig) identity(st store.Store, device string) store.Identity {
	r.Helper()
	i, err := st.Identities().Get(r.ctx, device)
	r.must(err)
	return i
}

func testIdentityRoundTrip(r rig) {
	st := r.handle()
	at := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	for name, i := range map[string]store.Identity{
		"everything": {
			Device: "a.b", DeviceGroup: "ü", State: store.IdentityRevoked, PublicKey: []byte{0, 255}, SecretHash: []byte{1}, TokenID: "t", By: "ada",
			Certificates: []store.IssuedCertificate{{Serial: "ff", Authority: "2", NotAfter: at}, {Serial: "1", Authority: "1", NotAfter: at.Add(-time.Hour)}},
			Requested:    at, Approved: at.Add(time.Second), Revoked: at.Add(time.Minute),
		},
		"little": {Device: "d", DeviceGroup: "g", State: store.IdentityPending},
	} {
		written, err := st.Identities().Create(r.ctx, i)
		r.must(err)
		if time.Since(written.Changed) > patience || time.Until(written.Changed) > 0 || written.Changed != inMilliseconds(written.Changed) {
			r.Errorf("%s: changed at %v", name, written.Changed)
		}
		i.Changed = written.Changed
		if i.Certificates == nil {
			i.Certificates = []store.IssuedCertificate{}
		}
		listed, err := st.Identities().List(r.ctx, store.IdentityFilter{State: i.State}, "", 10)
		r.must(err)
		changed, err := st.Identities().ChangedSince(r.ctx, i.Changed, "", 10)
		r.must(err)
		for how, got := range map[string][]store.Identity{
			"created": {written}, "get": {r.identity(st, i.Device)}, "another handle": {r.identity(r.handle(), i.Device)}, "list": listed,
			"changed": slices.DeleteFunc(changed, func(c store.Identity) bool { return c.Device != i.Device }),
		} {
			if diff := cmp.Diff([]store.Identity{i}, got); diff != "" {
				r.Errorf("%s, %s (-want +got):\n%s", name, how, diff)
			}
		}
	}
}

func testIdentityCreate(r rig) {
	st := r.handle()
	r.identify(st, identity("d"))
	again := identity("d")
	again.DeviceGroup = "other"
	if _, err := st.Identities().Create(r.ctx, again); !errors.Is(err, store.ErrExists) {
		r.Errorf("create again: got %v, want ErrExists", err)
	}
	if got := r.identity(st, "d"); got.DeviceGroup != "g" {
		r.Errorf("after a refused create: %+v", got)
	}
}

func testIdentityMissing(r rig) {
	st := r.handle()
	r.identify(st, identity("d"))
	for _, device := range []string{"D", "", "d ", "d\x00", "%", "e"} {
		for what, err := range map[string]error{
			"get":    second(st.Identities().Get(r.ctx, device)),
			"modify": second(st.Identities().Modify(r.ctx, device, func(*store.Identity) error { return nil })),
			"delete": st.Identities().Delete(r.ctx, device),
		} {
			if !errors.Is(err, store.ErrNotFound) {
				r.Errorf("%s %q: got %v, want ErrNotFound", what, device, err)
			}
		}
	}
}

func testIdentityComesBack(r rig) {
	st := r.handle()
	revoked := identity("d")
	revoked.State, revoked.Revoked = store.IdentityRevoked, inMilliseconds(time.Now())
	r.identify(st, revoked)
	// What is deleted under change is not brought back, and what took its place is not overwritten.
	calls := 0
	got, err := st.Identities().Modify(r.ctx, "d", func(i *store.Identity) error {
		if calls++; calls == 1 {
			r.must(st.Identities().Delete(r.ctx, "d"))
			r.identify(st, identity("d"))
		}
		i.By = "ada"
		return nil
	})
	r.must(err)
	if got.State != store.IdentityActive || !got.Revoked.IsZero() || got.By != "ada" || calls != 2 {
		r.Errorf("after %d calls: %+v", calls, got)
	}
	r.must(st.Identities().Delete(r.ctx, "d"))
	if err := st.Identities().Delete(r.ctx, "d"); !errors.Is(err, store.ErrNotFound) {
		r.Errorf("delete again: got %v, want ErrNotFound", err)
	}
}

func testIdentityCertificates(r rig) {
	st := r.handle()
	r.identify(st, identity("d"))
	for n := range store.MaxCertificates + 2 {
		_, err := st.Identities().Modify(r.ctx, "d", func(i *store.Identity) error {
			i.Certificates = append([]store.IssuedCertificate{{Serial: fmt.Sprint(n)}}, i.Certificates...)
			return nil
		})
		r.must(err)
	}
	got := r.identity(st, "d").Certificates
	if len(got) != store.MaxCertificates || got[0].Serial != fmt.Sprint(store.MaxCertificates+1) || got[len(got)-1].Serial != "2" {
		r.Errorf("got %v, want the last %d", got, store.MaxCertificates)
	}
}

func testIdentityCancelled(r rig) {
	st := r.handle()
	r.identify(st, identity("d"))
	ctx, cancel := context.WithCancel(r.ctx)
	cancel()
	for what, err := range map[string]error{
		"create":  second(st.Identities().Create(ctx, identity("e"))),
		"get":     second(st.Identities().Get(ctx, "d")),
		"modify":  second(st.Identities().Modify(ctx, "d", func(i *store.Identity) error { i.By = "x"; return nil })),
		"delete":  st.Identities().Delete(ctx, "d"),
		"list":    second(st.Identities().List(ctx, store.IdentityFilter{}, "", 1)),
		"changed": second(st.Identities().ChangedSince(ctx, time.Time{}, "", 1)),
	} {
		if !errors.Is(err, context.Canceled) {
			r.Errorf("%s: got %v, want context.Canceled", what, err)
		}
	}
	r.checkIdentities("after cancelled calls", st, store.IdentityFilter{}, "", 10, "d")
	if got := r.identity(st, "d"); got.By != "" {
		r.Errorf("after cancelled calls: %+v", got)
	}
}
