package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/go-cmp/cmp"

	"muster/manager/store"
	"muster/topics"
)

var snapshots = map[string]func(rig){
	"append":             testAppend,
	"none":               testNoSnapshots,
	"conflict":           testConflict,
	"append together":    testAppendTogether,
	"heads":              testHeads,
	"history":            testHistory,
	"history limit":      testHistoryLimit,
	"groups":             testSnapshotsOutliveGroups,
	"snapshots together": testManyGroupsTogether,
	"cancelled":          testSnapshotsCancelled,
}

// snap makes a snapshot of which every field depends on the arguments.
func snap(group string, configID int64) store.Snapshot {
	return store.Snapshot{
		Head: store.Head{
			DeviceGroup: group,
			Version:     topics.Version{Epoch: "01ARZ3NDEKTSV4RRFFQ69G5FAV", ConfigID: configID},
			SHA256:      fmt.Sprintf("digest of %s/%d", group, configID),
			At:          time.UnixMilli(1_700_000_000_123 + configID).UTC(),
			By:          fmt.Sprintf("admin %d", configID),
		},
		Payload: fmt.Appendf(nil, `{"group":%q,"id":%d}`, group, configID),
	}
}

func testAppend(r rig) {
	n := r.handle().Snapshots()
	strange := snap("g", 3)
	strange.At = time.Date(2024, 2, 29, 23, 59, 59, 987_654_321, time.FixedZone("", 5400))
	strange.By = "ü \x01 '"
	for i := range 256 {
		strange.Payload = append(strange.Payload, byte(i))
	}
	large := snap("g", 4)
	large.Payload = slices.Repeat([]byte{'x'}, topics.MaxConfig)
	bare := store.Snapshot{Head: store.Head{DeviceGroup: "g", Version: topics.Version{ConfigID: 1 << 60}}, Payload: []byte{0}}
	bare.At = time.UnixMilli(0).UTC()
	for _, s := range []store.Snapshot{snap("g", 1), strange, large, bare} {
		r.must(n.Append(r.ctx, s))
		s.At = s.At.UTC().Truncate(time.Millisecond)
		got, err := n.Get(r.ctx, "g", s.ConfigID)
		r.must(err)
		if diff := cmp.Diff(s, got); diff != "" {
			r.Errorf("get %d (-want +got):\n%s", s.ConfigID, diff)
		}
		if got.At.Location() != time.UTC {
			r.Errorf("get %d: the time is in %v, want UTC", s.ConfigID, got.At.Location())
		}
		latest, err := n.Latest(r.ctx, "g")
		r.must(err)
		if diff := cmp.Diff(s, latest); diff != "" {
			r.Errorf("latest after %d (-want +got):\n%s", s.ConfigID, diff)
		}
	}
	if _, err := n.Get(r.ctx, "g", 2); !errors.Is(err, store.ErrNotFound) {
		r.Errorf("a gap: got %v, want ErrNotFound", err)
	}
}

func testNoSnapshots(r rig) {
	st := r.handle()
	r.must(st.DeviceGroups().Create(r.ctx, deviceGroups().make("g", 1)))
	n := st.Snapshots()
	if _, err := n.Latest(r.ctx, "g"); !errors.Is(err, store.ErrNotFound) {
		r.Errorf("latest: got %v, want ErrNotFound", err)
	}
	if _, err := n.Get(r.ctx, "g", 1); !errors.Is(err, store.ErrNotFound) {
		r.Errorf("get: got %v, want ErrNotFound", err)
	}
	if heads, err := n.Heads(r.ctx); err != nil || heads == nil || len(heads) != 0 {
		r.Errorf("heads: got %#v, %v, want an empty map", heads, err)
	}
	if history, err := n.History(r.ctx, "g", 0, 10); err != nil || history == nil || len(history) != 0 {
		r.Errorf("history: got %#v, %v, want an empty list", history, err)
	}
}

func testConflict(r rig) {
	n := r.handle().Snapshots()
	r.must(n.Append(r.ctx, snap("g", 1)))
	r.must(n.Append(r.ctx, snap("g", 2)))
	other := snap("g", 2)
	other.Epoch, other.Payload = "01BX5ZZKBKACTAV9WEVGEMMVRZ", []byte("other")
	for what, s := range map[string]store.Snapshot{"the same": snap("g", 2), "another epoch": other, "an old one": snap("g", 1)} {
		if err := n.Append(r.ctx, s); !errors.Is(err, store.ErrConflict) {
			r.Errorf("%s: got %v, want ErrConflict", what, err)
		}
	}
	r.must(n.Append(r.ctx, snap("h", 2)))
	got, err := n.Latest(r.ctx, "g")
	r.must(err)
	if diff := cmp.Diff(snap("g", 2), got); diff != "" {
		r.Errorf("after conflicts (-want +got):\n%s", diff)
	}
}

func testHeads(r rig) {
	n := r.handle().Snapshots()
	want := map[string]store.Head{}
	for i, group := range []string{"b", "a", "B", "-", "a-b", "ab", "9", "10"} {
		for id := int64(1); id <= int64(i)+1; id++ {
			r.must(n.Append(r.ctx, snap(group, id)))
			want[group] = snap(group, id).Head
		}
	}
	got, err := n.Heads(r.ctx)
	r.must(err)
	if diff := cmp.Diff(want, got); diff != "" {
		r.Errorf("heads (-want +got):\n%s", diff)
	}
}

func testHistory(r rig) {
	n := r.handle().Snapshots()
	for _, id := range []int64{3, 1, 10, 4, 2} { // in no order
		r.must(n.Append(r.ctx, snap("g", id)))
		r.must(n.Append(r.ctx, snap("h", id+1)))
	}
	for _, test := range []struct {
		before int64
		limit  int
		want   []int64
	}{
		{0, 100, []int64{10, 4, 3, 2, 1}},
		{0, 2, []int64{10, 4}},
		{4, 2, []int64{3, 2}},
		{5, 100, []int64{4, 3, 2, 1}},
		{1000, 1, []int64{10}},
		{1, 10, []int64{}},
		{0, 0, []int64{}},
		{0, -1, []int64{}},
	} {
		heads, err := n.History(r.ctx, "g", test.before, test.limit)
		r.must(err)
		want := []store.Head{}
		for _, id := range test.want {
			want = append(want, snap("g", id).Head)
		}
		if diff := cmp.Diff(want, heads); diff != "" {
			r.Errorf("before %d, limit %d (-want +got):\n%s", test.before, test.limit, diff)
		}
	}
}

func testHistoryLimit(r rig) {
	const more = 5
	n := r.handle().Snapshots()
	r.must(n.Append(r.ctx, snap("other", 1)))
	for id := int64(1); id <= store.HistoryLimit+more; id++ {
		r.must(n.Append(r.ctx, snap("g", id)))
	}
	var paged []int64
	for before := int64(0); ; before = paged[len(paged)-1] {
		page, err := n.History(r.ctx, "g", before, 7)
		r.must(err)
		if len(page) == 0 {
			break
		}
		for _, h := range page {
			paged = append(paged, h.ConfigID)
		}
	}
	var want []int64
	for id := int64(store.HistoryLimit + more); id > more; id-- {
		want = append(want, id)
	}
	if diff := cmp.Diff(want, paged); diff != "" {
		r.Errorf("history in pages (-want +got):\n%s", diff)
	}
	if _, err := n.Get(r.ctx, "g", more); !errors.Is(err, store.ErrNotFound) {
		r.Errorf("get of a dropped one: got %v, want ErrNotFound", err)
	}
	if got, err := n.Get(r.ctx, "g", more+1); err != nil || string(got.Payload) != string(snap("g", more+1).Payload) {
		r.Errorf("get of the oldest kept: %v, %v", got, err)
	}
	// A manager that slept through a hundred snapshots must not believe that it has made one.
	for _, id := range []int64{1, more} {
		if err := n.Append(r.ctx, snap("g", id)); !errors.Is(err, store.ErrConflict) {
			r.Errorf("append of the dropped %d: got %v, want ErrConflict", id, err)
		}
		if _, err := n.Get(r.ctx, "g", id); !errors.Is(err, store.ErrNotFound) {
			r.Errorf("get of the dropped %d after that: got %v, want ErrNotFound", id, err)
		}
	}
	if _, err := n.Get(r.ctx, "other", 1); err != nil {
		r.Errorf("another group: %v", err)
	}
}

func testSnapshotsOutliveGroups(r rig) {
	st := r.handle()
	r.must(st.DeviceGroups().Create(r.ctx, deviceGroups().make("g", 1)))
	r.must(st.Snapshots().Append(r.ctx, snap("g", 1)))
	r.must(st.DeviceGroups().Delete(r.ctx, "g"))
	if got, err := st.Snapshots().Latest(r.ctx, "g"); err != nil || got.ConfigID != 1 {
		r.Errorf("latest after deleting the group: %v, %v", got, err)
	}
	if heads, err := st.Snapshots().Heads(r.ctx); err != nil || len(heads) != 1 {
		r.Errorf("heads after deleting the group: %v, %v", heads, err)
	}
}

func testSnapshotsCancelled(r rig) {
	n := r.handle().Snapshots()
	r.must(n.Append(r.ctx, snap("g", 1)))
	ctx, cancel := context.WithCancel(r.ctx)
	cancel()
	for what, err := range map[string]error{
		"append":  n.Append(ctx, snap("g", 2)),
		"latest":  second(n.Latest(ctx, "g")),
		"get":     second(n.Get(ctx, "g", 1)),
		"heads":   second(n.Heads(ctx)),
		"history": second(n.History(ctx, "g", 0, 10)),
	} {
		if !errors.Is(err, context.Canceled) {
			r.Errorf("%s: got %v, want context.Canceled", what, err)
		}
	}
	if latest, err := n.Latest(r.ctx, "g"); err != nil || latest.ConfigID != 1 {
		r.Errorf("after a cancelled append: %v, %v", latest, err)
	}
}
