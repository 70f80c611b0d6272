package storetest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"muster/manager/store"
)

func deviceNames(all []store.Identity) []string {
	names := []string{}
	for _, i := range all {
		names = append(names, i.Device)
	}
	return names
}

// checkIdentities compares the devices of a page.
func (r rig) checkIdentities(what string, st store.Store, f store.IdentityFilter, after string, limit int, want ...string) {
	r.Helper()
	page, err := st.Identities().List(r.ctx, f, after, limit)
	r.must(err)
	if want == nil {
		want = []string{}
	}
	if diff := cmp.Diff(want, deviceNames(page)); diff != "" || page == nil {
		r.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func testIdentityLists(r rig) {
	st := r.handle()
	r.checkIdentities("of none", st, store.IdentityFilter{}, "", 10)
	for n, device := range []string{"b", "a", "B", "a.b", "é", "10", "9"} {
		i := identity(device)
		i.DeviceGroup = []string{"g", "h"}[n%2]
		i.State = []store.IdentityState{store.IdentityActive, store.IdentityPending, store.IdentityRevoked}[n%3]
		if n > 3 {
			i.TokenID = "t"
		}
		r.identify(st, i)
	}
	for _, test := range []struct {
		f     store.IdentityFilter
		after string
		limit int
		want  string
	}{
		{store.IdentityFilter{}, "", 10, "10 9 B a a.b b é"},
		{store.IdentityFilter{}, "", 3, "10 9 B"},
		{store.IdentityFilter{}, "B", 3, "a a.b b"},
		{store.IdentityFilter{}, "é", 3, ""},
		{store.IdentityFilter{}, "", 0, ""},
		{store.IdentityFilter{}, "", -1, ""},
		{store.IdentityFilter{State: store.IdentityPending}, "", 10, "a é"},
		{store.IdentityFilter{State: store.IdentityActive}, "9", 10, "a.b b"},
		{store.IdentityFilter{State: store.IdentityActive}, "", 2, "9 a.b"},
		{store.IdentityFilter{DeviceGroup: "h"}, "", 10, "10 a a.b"},
		{store.IdentityFilter{TokenID: "t"}, "", 10, "10 9 é"},
		{store.IdentityFilter{TokenID: "t", DeviceGroup: "g", State: store.IdentityPending}, "", 10, "é"},
		{store.IdentityFilter{TokenID: "none"}, "", 10, ""},
	} {
		r.checkIdentities(fmt.Sprintf("%+v", test), st, test.f, test.after, test.limit, strings.Fields(test.want)...)
	}
}

// changes reads all that changed since, page by page.
func (r rig) changes(st store.Store, since time.Time, limit int) []store.Identity {
	r.Helper()
	all := []store.Identity{}
	after := ""
	for {
		page, err := st.Identities().ChangedSince(r.ctx, since, after, limit)
		r.must(err)
		all = append(all, page...)
		if len(page) < limit {
			return all
		}
		since, after = page[len(page)-1].Changed, page[len(page)-1].Device
	}
}

func testIdentityChangedSince(r rig) {
	st := r.handle()
	for n := range 9 {
		r.identify(st, identity(fmt.Sprint("d", n)))
	}
	for _, device := range []string{"d3", "d1"} {
		_, err := st.Identities().Modify(r.ctx, device, func(i *store.Identity) error { i.By = "x"; return nil })
		r.must(err)
	}
	r.must(st.Identities().Delete(r.ctx, "d5"))
	whole := r.changes(st, time.Time{}, 100)
	inOrder := slices.SortedFunc(slices.Values(whole), func(a, b store.Identity) int {
		return cmpPair(a.Changed, a.Device, b.Changed, b.Device)
	})
	if diff := cmp.Diff(deviceNames(inOrder), deviceNames(whole)); diff != "" || len(whole) != 8 {
		r.Errorf("all of them (-in order +got):\n%s", diff)
	}
	if got := slices.Sorted(slices.Values(deviceNames(whole))); !slices.Equal(got, []string{"d0", "d1", "d2", "d3", "d4", "d6", "d7", "d8"}) {
		r.Errorf("all of them: %q", got)
	}
	for _, limit := range []int{1, 2, 3, 8, 9} {
		if diff := cmp.Diff(whole, r.changes(st, time.Time{}, limit)); diff != "" {
			r.Errorf("in pages of %d (-want +got):\n%s", limit, diff)
		}
	}
	for n, i := range whole {
		page, err := st.Identities().ChangedSince(r.ctx, i.Changed, i.Device, 100)
		r.must(err)
		if diff := cmp.Diff(whole[n+1:], page); diff != "" && len(page)+len(whole[n+1:]) > 0 {
			r.Errorf("after %d (-want +got):\n%s", n, diff)
		}
	}
	last := whole[len(whole)-1].Changed
	for at, want := range map[time.Time]bool{last: true, last.Add(-time.Nanosecond): true, last.Add(time.Nanosecond): false, last.Add(time.Hour): false} {
		page, err := st.Identities().ChangedSince(r.ctx, at, "", 100)
		r.must(err)
		if got := len(page) > 0; got != want || page == nil {
			r.Errorf("since %v after the last change: %q", at.Sub(last), deviceNames(page))
		}
	}
	if page, err := st.Identities().ChangedSince(r.ctx, time.Time{}, "", 0); err != nil || page == nil || len(page) != 0 {
		r.Errorf("a page of none: %v, %v", page, err)
	}
}

func cmpPair(at time.Time, device string, at2 time.Time, device2 string) int {
	if c := at.Compare(at2); c != 0 {
		return c
	}
	return strings.Compare(device, device2)
}

// testIdentityClockBehind has an identity that was changed by a clock an hour ahead.
func testIdentityClockBehind(r rig) {
	st := r.handle()
	ahead := time.Now().Add(time.Hour).UnixMilli()
	r.must(r.Plant(r.ctx, "identities", "d", fmt.Sprintf(`{"device":"d","device_group":"g","state":"active","certificates":[],"changed":%d}`, ahead)))
	got, err := st.Identities().Modify(r.ctx, "d", func(i *store.Identity) error { i.By = "x"; return nil })
	r.must(err)
	if got.Changed.UnixMilli() <= ahead {
		r.Errorf("changed at %v, was at %v", got.Changed, time.UnixMilli(ahead))
	}
	if after := r.changes(st, time.UnixMilli(ahead+1), 10); len(after) != 1 {
		r.Errorf("whoever has seen the last change does not see this one: %v", after)
	}
}

func testIdentityUnreadable(r rig) {
	st := r.handle()
	r.identify(st, identity("a"), identity("c"))
	r.must(r.Plant(r.ctx, "identities", "b", `{"device":"b","device_group":7,"state":"active","certificates":[],"changed":1}`))
	k := kind[store.IdentityRow]{Kind: store.IdentityRowKind()}
	page, err := st.Identities().List(r.ctx, store.IdentityFilter{}, "", 10)
	k.checkUnreadable(r, "list", err, "b")
	if diff := cmp.Diff([]string{"a", "c"}, deviceNames(page)); diff != "" {
		r.Errorf("list (-want +got):\n%s", diff)
	}
	page, err = st.Identities().ChangedSince(r.ctx, time.Time{}, "", 10)
	k.checkUnreadable(r, "changed since", err, "b")
	if len(page) != 2 {
		r.Errorf("changed since: %q", deviceNames(page))
	}
	_, err = st.Identities().Get(r.ctx, "b")
	k.checkUnreadable(r, "get", err, "b")
	_, err = st.Identities().Modify(r.ctx, "b", func(*store.Identity) error { return nil })
	k.checkUnreadable(r, "modify", err, "b")
	r.must(st.Identities().Delete(r.ctx, "b"))
	r.checkIdentities("once it is gone", st, store.IdentityFilter{}, "", 10, "a", "c")
}

func testIdentityMany(r rig) {
	st := r.handle()
	const many, creators = 10_000, 64
	ctx, cancel := context.WithCancelCause(r.ctx)
	defer cancel(nil)
	together(creators, func(i int) {
		for n := i; n < many && ctx.Err() == nil; n += creators {
			if _, err := st.Identities().Create(ctx, identity(fmt.Sprintf("device-%05d", n))); err != nil {
				cancel(err)
			}
		}
	})
	r.must(context.Cause(ctx))
	if got := len(r.changes(st, time.Time{}, 3000)); got != many {
		r.Errorf("changed since: %d identities, want %d", got, many)
	}
	all, err := st.Identities().List(r.ctx, store.IdentityFilter{DeviceGroup: "g"}, "", 2*many)
	r.must(err)
	if len(all) != many || all[many-1].Device != "device-09999" {
		r.Errorf("list: %d identities, want %d", len(all), many)
	}
}
