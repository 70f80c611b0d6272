package devices

import (
	"context"
	"testing"
	"time"

	"muster/manager/store"
	"muster/topics"
)

// follows starts a manager that knows identities too, until the test ends.
func (s *site) follows(name string) *Fleet {
	s.t.Helper()
	f := New(s.dial(name), s.store.Devices(), wishes{}, Options{
		Settle: 200 * time.Millisecond, CacheTime: 20 * time.Millisecond, Identities: s.store.Identities(), Log: discard,
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		f.Run(ctx)
	}()
	s.t.Cleanup(func() {
		cancel()
		<-done
	})
	return f
}

// A device that waits to be let in is known to all managers, and so is what becomes of it.
func TestIdentitiesOfDevices(t *testing.T) {
	s := newSite(t)
	f := s.follows("m1")
	_, err := s.store.Identities().Create(t.Context(), store.Identity{Device: "d1", DeviceGroup: "shops", State: store.IdentityPending, PublicKey: []byte("key"), TokenID: "t"})
	if err != nil {
		t.Fatal(err)
	}
	pending := func(is bool) []string {
		var names []string
		for _, d := range f.List(Query{Group: "shops", Pending: &is}, "", 10, false).Devices {
			names = append(names, d.Device+" "+string(d.IdentityState))
		}
		return names
	}
	s.await("the device that waits", func() bool { return len(pending(true)) == 1 && pending(true)[0] == "d1 pending" })
	detail, err := f.Get(t.Context(), "d1")
	if err != nil || detail.Identity == nil || detail.Identity.TokenID != "t" || detail.Identity.KeySHA256 == "" || detail.DeviceGroup != "shops" {
		t.Errorf("known of the device is %+v, identity %+v, %v", detail.Device, detail.Identity, err)
	}
	if err := s.store.Devices().Tell(t.Context(), "d1", "shops", store.Event{Kind: store.EventPending}, 0); err != nil {
		t.Fatal(err)
	}
	s.await("its event", func() bool {
		detail, err := f.Get(t.Context(), "d1")
		return err == nil && len(detail.Events) == 1
	})

	// It says that it is in another group: it is not.
	s.status("d1", topics.Status{State: topics.Online, DeviceGroup: "other", Session: 1, Phase: topics.PhaseWaiting})
	s.await("its status", func() bool {
		detail, err := f.Get(t.Context(), "d1")
		return err == nil && detail.Online
	})
	if page := f.List(Query{Group: "other"}, "", 10, false); len(page.Devices) != 0 {
		t.Errorf("the device is where it says: %+v", page.Devices)
	}

	_, err = s.store.Identities().Modify(t.Context(), "d1", func(i *store.Identity) error { i.State = store.IdentityActive; return nil })
	if err != nil {
		t.Fatal(err)
	}
	s.await("the approval", func() bool {
		return len(pending(true)) == 0 && len(pending(false)) == 1 && pending(false)[0] == "d1 active"
	})
}

// What this manager changes it knows at once.
func TestIdentityChangedHere(t *testing.T) {
	s := newSite(t)
	f := New(s.dial("m1"), s.store.Devices(), wishes{}, Options{Log: discard})
	i := store.Identity{Device: "d1", DeviceGroup: "shops"}
	for _, state := range []store.IdentityState{store.IdentityPending, store.IdentityActive, store.IdentityRevoked, ""} {
		i.State = state
		f.Identified(i)
		page := f.List(Query{Group: "shops"}, "", 10, false)
		if len(page.Devices) != 1 || page.Devices[0].IdentityState != state {
			t.Errorf("of one that is %q there is listed %+v", state, page.Devices)
		}
	}
	f.Identified(store.Identity{Device: "d2"})
	if page := f.List(Query{}, "", 10, false); len(page.Devices) != 1 {
		t.Errorf("a device that was deleted is listed: %+v", page.Devices)
	}
}
