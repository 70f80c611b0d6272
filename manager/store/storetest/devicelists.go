package storetest

import (
	"errors"
	"maps"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"muster/manager/store"
)

func testDeviceAnnotate(r rig) {
	st := r.handle()
	annotate := func(change func(map[string]string, *string) error) store.Device {
		r.Helper()
		d, err := st.Devices().Annotate(r.ctx, "d", change)
		r.must(err)
		if read := r.device(st, "d"); !cmp.Equal(d, read) {
			r.Errorf("returned %#v, read %#v", d, read)
		}
		return d
	}
	refusal := errors.New("no")
	refuse := func(labels map[string]string, note *string) error {
		labels["refused"], *note = "yes", "refused"
		return refusal
	}
	if _, err := st.Devices().Annotate(r.ctx, "d", refuse); err != refusal { //nolint:errorlint // as it is
		r.Errorf("got %v, want the error of change as it is", err)
	}
	if _, err := st.Devices().Get(r.ctx, "d"); !errors.Is(err, store.ErrNotFound) {
		r.Errorf("a refused change has made a row: %v", err)
	}
	first := annotate(func(labels map[string]string, note *string) error {
		labels["a"], labels["b"], *note = "1", "2", "n"
		return nil
	})
	want := store.Device{DeviceHead: store.DeviceHead{Device: "d", Labels: map[string]string{"a": "1", "b": "2"}, Changed: first.Changed}, Note: "n"}
	if diff := cmp.Diff(want, first); diff != "" || first.Changed.IsZero() {
		r.Errorf("before any report (-want +got):\n%s", diff)
	}
	r.observe(st, sighting("d", 3))
	if d := r.device(st, "d"); d.Note != "n" || !maps.Equal(d.Labels, want.Labels) || d.Seq != 3 {
		r.Errorf("after a report: %#v", d)
	}
	if _, err := st.Devices().Annotate(r.ctx, "d", refuse); err != refusal { //nolint:errorlint // as it is
		r.Errorf("got %v, want the error of change as it is", err)
	}
	second := annotate(func(labels map[string]string, note *string) error {
		if labels["a"] != "1" || *note != "n" {
			r.Errorf("change is given %v, %q", labels, *note)
		}
		delete(labels, "a")
		return nil
	})
	if !maps.Equal(second.Labels, map[string]string{"b": "2"}) || second.Note != "n" || second.Seq != 3 || second.Report == nil {
		r.Errorf("without a label: %#v", second)
	}
	if third := annotate(func(labels map[string]string, note *string) error { *note = ""; return nil }); third.Changed != second.Changed || third.Note != "" {
		r.Errorf("a head has no note, but it changed at %v, was at %v", third.Changed, second.Changed)
	}
}

// checkHeads compares the names of a page of heads.
func (r rig) checkHeads(what string, st store.Store, after string, limit int, want ...string) {
	r.Helper()
	heads, err := st.Devices().Heads(r.ctx, after, limit)
	r.must(err)
	r.checkNames(what, heads, want)
}

func (r rig) checkNames(what string, heads []store.DeviceHead, want []string) {
	r.Helper()
	if heads == nil {
		r.Errorf("%s: got nil, want a list", what)
	}
	var got []string
	for _, head := range heads {
		got = append(got, head.Device)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		r.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func testDeviceLists(r rig) {
	st := r.handle()
	r.checkHeads("none", st, "", 10)
	for _, name := range []string{"b", "a", "B", "10", "9", "a_b", "a-b"} {
		r.observe(st, sighting(name, 1))
	}
	all := []string{"10", "9", "B", "a", "a-b", "a_b", "b"}
	r.checkHeads("all", st, "", 10, all...)
	r.checkHeads("as many as there are", st, "", 7, all...)
	r.checkHeads("the first", st, "", 2, all[:2]...)
	r.checkHeads("after one", st, "9", 2, "B", "a")
	r.checkHeads("after one that is not there", st, "C", 10, "a", "a-b", "a_b", "b")
	r.checkHeads("after the last", st, "b", 10)
	r.checkHeads("no limit", st, "", 0)
	r.checkHeads("no limit", st, "", -1)

	var order []store.DeviceHead
	changed := func(since time.Time, after string, limit int) []store.DeviceHead {
		r.Helper()
		heads, err := st.Devices().ChangedSince(r.ctx, since, after, limit)
		r.must(err)
		return heads
	}
	order = changed(time.Time{}, "", 10)
	if len(order) != len(all) {
		r.Fatalf("%d of %d have changed", len(order), len(all))
	}
	for i, head := range order {
		if i > 0 && (head.Changed.Before(order[i-1].Changed) || head.Changed.Equal(order[i-1].Changed) && head.Device <= order[i-1].Device) {
			r.Errorf("%s at %v comes after %s at %v", head.Device, head.Changed, order[i-1].Device, order[i-1].Changed)
		}
		if diff := cmp.Diff(order[i+1:], changed(head.Changed, head.Device, 10), cmpopts.EquateEmpty()); diff != "" {
			r.Errorf("after %s (-want +got):\n%s", head.Device, diff)
		}
		if at := changed(head.Changed, "", 10); len(at) < len(order)-i || at[len(at)-(len(order)-i)].Device != head.Device {
			r.Errorf("at the time that %s changed: %#v", head.Device, at)
		}
		later := changed(head.Changed.Add(time.Microsecond), "", 10)
		for _, other := range later {
			if !other.Changed.After(head.Changed) {
				r.Errorf("after %v: %v", head.Changed, other.Changed)
			}
		}
	}
	if page := changed(time.Time{}, "", 3); !cmp.Equal(order[:3], page) {
		r.Errorf("the first three: %#v, want %#v", page, order[:3])
	}
	r.checkNames("nothing since", changed(time.Now().Add(time.Hour), "", 10), nil)
	r.checkNames("no limit", changed(time.Time{}, "", 0), nil)
}
