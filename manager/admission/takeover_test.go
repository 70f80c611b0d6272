package admission_test

import (
	"strings"
	"testing"
	"time"

	"muster/manager/store"
)

// Two machines with one identity: the newest wins, and the device has one event of it, however often they fight.
func TestTakeover(t *testing.T) {
	r := newRig(t)
	key := newKey(t)
	r.identity("d1", "tills", key)
	both := shown{id: "d1", certificate: r.ca.device(t, "d1", key, time.Hour)}
	last := r.mustDial(both)
	for range 5 {
		next := r.mustDial(both)
		last.wantGone(0x8e)
		last = next
	}
	last.wantHere()
	var events []store.Event
	r.eventually("there is an event", func() bool {
		d, err := r.behind.Devices().Get(t.Context(), "d1")
		events = d.Events
		return err == nil && len(events) > 0
	})
	r.eventually("all takeovers are told", func() bool { return strings.Count(r.log.String(), "was there when another came") == 5 })
	if e := events[0]; e.Kind != store.EventTakenOver || strings.Count(e.Text, "127.0.0.1:") != 2 {
		t.Errorf("the event is %+v", e)
	}
	d, err := r.behind.Devices().Get(t.Context(), "d1")
	if err != nil || len(d.Events) != 1 || d.DeviceGroup != "tills" {
		t.Errorf("the device is %+v, %v, want one event", d, err)
	}
}
