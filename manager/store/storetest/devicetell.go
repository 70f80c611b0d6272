package storetest

import (
	"fmt"
	"sync"
	"time"

	"muster/manager/store"
)

// event is one that happened n seconds after [received].
func event(n int, kind string) store.Event {
	return store.Event{At: received.Add(time.Duration(n) * time.Second), Kind: kind, Text: fmt.Sprint(n)}
}

func (r rig) tell(st store.Store, group string, e store.Event, quiet time.Duration) store.Device {
	r.Helper()
	r.must(st.Devices().Tell(r.ctx, "d", group, e, quiet))
	return r.device(st, "d")
}

func testDeviceTell(r rig) {
	st := r.handle()
	first := r.tell(st, "g", event(1, "a"), 0)
	if first.DeviceGroup != "g" || first.Labels == nil || first.Report != nil || !first.Reported.IsZero() || first.Changed.IsZero() {
		r.Errorf("a device of which something was told before any report: %#v", first)
	}
	moved := r.tell(st, "h", event(2, "b"), 0)
	if moved.DeviceGroup != "h" || !moved.Changed.After(first.Changed) && !moved.Changed.Equal(first.Changed) {
		r.Errorf("without a report a device is in the group that is told: %#v", moved.DeviceHead)
	}
	r.observe(st, sighting("d", 1))
	reported := r.tell(st, "other", event(3, "c"), 0)
	if reported.DeviceGroup != "g" || reported.Seq != 1 {
		r.Errorf("what is told has changed what the device reported: %#v", reported.DeviceHead)
	}
	if told := r.tell(st, "", event(4, "c"), time.Minute); len(told.Events) != 3 {
		r.Errorf("told twice within the quiet time: %v", told.Events)
	}
	if told := r.tell(st, "", event(63, "c"), time.Minute); len(told.Events) != 4 || told.Events[0].Text != "63" || told.Events[3].Text != "1" {
		r.Errorf("the events are %v, want four, the last one first", told.Events)
	}
	for n := range 2 * store.MaxEvents {
		r.must(st.Devices().Tell(r.ctx, "d", "", event(100+n, "e"), 0))
	}
	if told := r.device(st, "d"); len(told.Events) != store.MaxEvents || told.Events[0].Text != fmt.Sprint(99+2*store.MaxEvents) {
		r.Errorf("%d events are kept, the last %v", len(told.Events), told.Events[0])
	}
}

// testDeviceTellTogether has many tell and report at the same time; nothing is lost.
func testDeviceTellTogether(r rig) {
	st := r.handle()
	var all sync.WaitGroup
	errs := make([]error, store.MaxEvents+1)
	for n := range store.MaxEvents {
		all.Go(func() { errs[n] = st.Devices().Tell(r.ctx, "d", "g", event(n, "a"), 0) })
	}
	all.Go(func() {
		errs[store.MaxEvents] = st.Devices().Observe(r.ctx, []store.Sighting{sighting("d", 1)}, noEvents)
	})
	all.Wait()
	for _, err := range errs {
		r.must(err)
	}
	if d := r.device(st, "d"); len(d.Events) != store.MaxEvents || d.Seq != 1 {
		r.Errorf("%d of %d events are kept, seq %d", len(d.Events), store.MaxEvents, d.Seq)
	}
}
