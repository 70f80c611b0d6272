package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/go-cmp/cmp"

	"muster/manager/store"
	"muster/topics"
)

var devices = map[string]func(rig){
	"round trip":         testDeviceRoundTrip,
	"newer":              testDeviceNewer,
	"a clock ahead":      testDeviceClockAhead,
	"events":             testDeviceEvents,
	"changed":            testDeviceChanged,
	"annotate":           testDeviceAnnotate,
	"tell":               testDeviceTell,
	"tell together":      testDeviceTellTogether,
	"lists":              testDeviceLists,
	"delete":             testDeviceDelete,
	"observe together":   testDeviceObserveTogether,
	"annotate together":  testDeviceAnnotateTogether,
	"reports and labels": testDeviceReportsAndLabels,
	"many at once":       testDeviceMany,
	"cancelled":          testDeviceCancelled,
}

// received is when sighting 0 was.
var received = time.UnixMilli(1_700_000_000_123).UTC()

// sighting makes one that was received n milliseconds later, with n as its seq.
func sighting(device string, n int) store.Sighting {
	return store.Sighting{
		Head: store.DeviceHead{
			Device: device, DeviceGroup: "g", Version: topics.Version{Epoch: "01ARZ3NDEKTSV4RRFFQ69G5FAV", ConfigID: 7},
			Phase: topics.PhaseSettled, Reported: received.Add(time.Duration(n) * time.Millisecond),
		},
		Report: fmt.Appendf(nil, `{"device":%q,"seq":%d}`, device, n), Boot: "b", Seq: int64(n), ReportKey: reportID(n),
	}
}

func noEvents(store.Device, store.Sighting) []store.Event { return nil }

func (r rig) observe(st store.Store, sightings ...store.Sighting) {
	r.Helper()
	r.must(st.Devices().Observe(r.ctx, sightings, noEvents))
}

func (r rig) device(st store.Store, name string) store.Device {
	r.Helper()
	d, err := st.Devices().Get(r.ctx, name)
	r.must(err)
	return d
}

func testDeviceRoundTrip(r rig) {
	st := r.handle()
	for name, report := range map[string]string{
		"small": `{}`, "text": ` {"ü":"\u0000 <&> é","$set":{"a.b":1}} `, "large": fmt.Sprintf(`{"x":"%065000d"}`, 1), "bytes": "{\"x\":\"\xff\xfe\"}",
	} {
		s := sighting(name, 5)
		s.Report = json.RawMessage(report)
		s.Head.Failing = []topics.Failure{
			{App: "a", Code: topics.ReasonExited, Reason: "a text that is not kept here"}, {CronJob: "c.d", Reason: "x"},
		}
		r.must(st.Devices().Observe(r.ctx, []store.Sighting{s}, func(store.Device, store.Sighting) []store.Event {
			return []store.Event{{At: received, Kind: "old", App: "a", CronJob: "c", Text: "ü\n"}, {At: received.Add(time.Second), Kind: "new"}}
		}))
		_, err := st.Devices().Annotate(r.ctx, name, func(labels map[string]string, note *string) error {
			labels["a.b"], labels["$c"], labels[""], *note = "1", "", "ü", "a\nnote"
			return nil
		})
		r.must(err)
		want := store.Device{
			DeviceHead: s.Head, Note: "a\nnote", Report: s.Report, Boot: "b", Seq: 5, ReportKey: reportID(5),
			Events: []store.Event{{At: received.Add(time.Second), Kind: "new"}, {At: received, Kind: "old", App: "a", CronJob: "c", Text: "ü\n"}},
		}
		want.Failing = []topics.Failure{{App: "a", Code: topics.ReasonExited}, {CronJob: "c.d"}}
		want.Labels = map[string]string{"a.b": "1", "$c": "", "": "ü"}
		got := r.device(st, name)
		if time.Since(got.Changed) > patience || time.Until(got.Changed) > 0 || got.Changed != got.Changed.UTC().Truncate(time.Millisecond) {
			r.Errorf("%s: changed at %v", name, got.Changed)
		}
		want.Changed = got.Changed
		if diff := cmp.Diff(want, got); diff != "" {
			r.Errorf("%s (-want +got):\n%s", name, diff)
		}
		heads, err := st.Devices().Heads(r.ctx, "", 10)
		r.must(err)
		for _, head := range heads {
			if diff := cmp.Diff(want.DeviceHead, head); head.Device == name && diff != "" {
				r.Errorf("head of %s (-want +got):\n%s", name, diff)
			}
		}
		if restarted := r.device(r.handle(), name); !cmp.Equal(want, restarted) {
			r.Errorf("another handle has %#v", restarted)
		}
	}
}

func testDeviceDelete(r rig) {
	st := r.handle()
	r.observe(st, sighting("a", 5), sighting("b", 5))
	_, err := st.Devices().Annotate(r.ctx, "a", func(labels map[string]string, _ *string) error { labels["k"] = "v"; return nil })
	r.must(err)
	r.must(st.Devices().Delete(r.ctx, "a"))
	for what, err := range map[string]error{
		"get": second(st.Devices().Get(r.ctx, "a")), "delete again": st.Devices().Delete(r.ctx, "a"), "delete none": st.Devices().Delete(r.ctx, "none"),
	} {
		if !errors.Is(err, store.ErrNotFound) {
			r.Errorf("%s: got %v, want ErrNotFound", what, err)
		}
	}
	r.checkHeads("after delete", st, "", 10, "b")
	// One that comes back is new, whatever it was.
	r.observe(st, sighting("a", 1))
	if again := r.device(st, "a"); again.Seq != 1 || len(again.Labels) != 0 || again.Labels == nil {
		r.Errorf("a device that came back: %#v", again)
	}
}

func testDeviceCancelled(r rig) {
	st := r.handle()
	r.observe(st, sighting("a", 1))
	ctx, cancel := context.WithCancel(r.ctx)
	cancel()
	for what, err := range map[string]error{
		"observe": st.Devices().Observe(ctx, []store.Sighting{sighting("a", 2)}, noEvents),
		"get":     second(st.Devices().Get(ctx, "a")),
		"annotate": second(st.Devices().Annotate(ctx, "a", func(labels map[string]string, _ *string) error {
			labels["k"] = "v"
			return nil
		})),
		"tell":    st.Devices().Tell(ctx, "a", "", event(1, "a"), 0),
		"heads":   second(st.Devices().Heads(ctx, "", 1)),
		"changed": second(st.Devices().ChangedSince(ctx, received, "", 1)),
		"delete":  st.Devices().Delete(ctx, "a"),
	} {
		if !errors.Is(err, context.Canceled) {
			r.Errorf("%s: got %v, want context.Canceled", what, err)
		}
	}
	if d := r.device(st, "a"); d.Seq != 1 || len(d.Labels) != 0 {
		r.Errorf("after cancelled calls: %#v", d)
	}
}
