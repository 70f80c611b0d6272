package storetest

import (
	"fmt"
	"time"

	"github.com/google/go-cmp/cmp"

	"muster/manager/store"
	"muster/topics"
)

// testDeviceNewer has a second report beside the first, in the same call and in one of its own.
func testDeviceNewer(r rig) {
	st := r.handle()
	tests := []struct {
		name         string
		boot, second string
		seq, later   int
		taken        bool
	}{
		{"next", "b", "b", 6, 1, true},
		{"a gap", "b", "b", 99, 1, true},
		{"next, received by a clock behind", "b", "b", 6, -100_000, true},
		{"the same", "b", "b", 5, 0, false},
		{"the same, received again", "b", "b", 5, 1, false},
		{"older, received later", "b", "b", 4, 1, false},
		{"another boot", "b", "c", 1, 1, true},
		{"another boot, at the same time", "b", "c", 6, 0, true},
		{"another boot, before", "b", "c", 99, -1, false},
		{"no boot", "", "", 0, 1, true},
		{"no boot, the same", "", "", 5, 0, false},
		{"no boot, before", "", "", 99, -1, false},
		{"no seq", "b", "b", 0, 1, true},
		{"a boot for the first time", "", "b", 1, 1, true},
	}
	for i, test := range tests {
		for _, oneCall := range []bool{true, false} {
			name := fmt.Sprintf("d%d-%v", i, oneCall)
			first, next := sighting(name, 5), sighting(name, 5)
			first.Boot, next.Boot, next.Seq = test.boot, test.second, int64(test.seq)
			next.Head.Reported = next.Head.Reported.Add(time.Duration(test.later) * time.Millisecond)
			next.Report = []byte(`{"n":2}`)
			if test.taken {
				next.ReportKey = reportID(6)
			}
			if oneCall {
				r.observe(st, first, next)
			} else {
				r.observe(st, first)
				r.observe(st, next)
			}
			got, want := r.device(st, name), first
			if test.taken {
				want = next
			}
			if string(got.Report) != string(want.Report) || got.Seq != want.Seq || got.Boot != want.Boot ||
				got.ReportKey != want.ReportKey || !got.Reported.Equal(want.Head.Reported) {
				r.Errorf("%s, in one call: %v: got %#v, want %#v", test.name, oneCall, got, want)
			}
		}
	}
}

// testDeviceClockAhead has a report that was received when the clock was years ahead, and the next boot's when it was right again.
func testDeviceClockAhead(r rig) {
	st := r.handle()
	ahead, next := sighting("d", 5), sighting("d", 1)
	ahead.Head.Reported = inMilliseconds(time.Now().AddDate(4, 0, 0))
	next.Boot, next.Head.Reported = "c", inMilliseconds(time.Now())
	r.observe(st, ahead)
	r.observe(st, next)
	if d := r.device(st, "d"); d.Boot != "c" || !d.Reported.Equal(next.Head.Reported) {
		r.Errorf("got boot %s of %v", d.Boot, d.Reported)
	}
}

func inMilliseconds(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

// testDeviceEvents looks at what events is given, and at what is kept of what it gives.
func testDeviceEvents(r rig) {
	st := r.handle()
	var pairs [][2]int64
	events := func(before store.Device, now store.Sighting) []store.Event {
		if before.Seq != 0 && string(before.Report) != fmt.Sprintf(`{"device":"d","seq":%d}`, before.Seq) {
			r.Errorf("before has the report %s and the seq %d", before.Report, before.Seq)
		}
		if (before.Seq == 0) != (before.Report == nil) {
			r.Errorf("a new device has the report %s", before.Report)
		}
		pairs = append(pairs, [2]int64{before.Seq, now.Seq})
		return []store.Event{{At: now.Head.Reported, Kind: "first", Text: fmt.Sprint(now.Seq)}, {At: now.Head.Reported, Kind: "second", Text: fmt.Sprint(now.Seq)}}
	}
	observe := func(seqs ...int) {
		var batch []store.Sighting
		for _, seq := range seqs {
			batch = append(batch, sighting("d", seq))
		}
		r.must(st.Devices().Observe(r.ctx, batch, events))
	}
	observe(1, 2)
	observe(2, 1, 4, 3)
	if diff := cmp.Diff([][2]int64{{0, 1}, {1, 2}, {2, 4}}, pairs); diff != "" {
		r.Errorf("pairs (-want +got):\n%s", diff)
	}
	for n := range 20 {
		observe(5 + n)
	}
	got := r.device(st, "d").Events
	if len(got) != store.MaxEvents {
		r.Fatalf("%d events are kept, want %d", len(got), store.MaxEvents)
	}
	for i, e := range got {
		seq := 24 - i/2
		want := store.Event{At: sighting("d", seq).Head.Reported, Kind: []string{"second", "first"}[i%2], Text: fmt.Sprint(seq)}
		if e != want {
			r.Errorf("event %d is %+v, want %+v", i, e, want)
		}
	}
}

// testDeviceChanged looks at what makes a head a changed one.
func testDeviceChanged(r rig) {
	st := r.handle()
	n := 0
	last := time.Time{}
	step := func(what string, changes bool, alter func(*store.Sighting)) {
		r.Helper()
		n++
		s := sighting("d", n)
		alter(&s)
		for !inMilliseconds(time.Now()).After(last) {
			time.Sleep(100 * time.Microsecond) // the clock of the test's own machine goes on
		}
		r.observe(st, s)
		if d := r.device(st, "d"); d.Changed.After(last) != changes || d.Changed.Before(last) {
			r.Errorf("%s: changed at %v, was at %v", what, d.Changed, last)
		} else {
			last = d.Changed
		}
	}
	step("new", true, func(*store.Sighting) {})
	step("only another time", false, func(*store.Sighting) {})
	step("another group", true, func(s *store.Sighting) { s.Head.DeviceGroup = "other" })
	step("another config", true, func(s *store.Sighting) { s.Head.DeviceGroup, s.Head.ConfigID = "other", 8 })
	step("back to what it was", true, func(*store.Sighting) {})
	step("another phase", true, func(s *store.Sighting) { s.Head.Phase = topics.PhaseUpdating })
	failing := func(reason string, code topics.Reason) func(*store.Sighting) {
		return func(s *store.Sighting) { s.Head.Failing = []topics.Failure{{App: "a", Code: code, Reason: reason}} }
	}
	step("failing", true, failing("for a reason", topics.ReasonExited))
	step("the same in other words", false, failing("for the same reason, again", topics.ReasonExited))
	step("failing otherwise", true, failing("for another reason", topics.ReasonUnhealthy))
	step("failing no more", true, func(*store.Sighting) {})
	step("settled as before", false, func(s *store.Sighting) { s.Head.Failing = []topics.Failure{} })
	many := make([]topics.Failure, topics.MaxFailing+5)
	step("more failures than are kept", true, func(s *store.Sighting) { s.Head.Failing = many })
	if got := len(r.device(st, "d").Failing); got != topics.MaxFailing {
		r.Errorf("%d failures are kept, want %d", got, topics.MaxFailing)
	}
	step("as many again", false, func(s *store.Sighting) { s.Head.Failing = many })
}
