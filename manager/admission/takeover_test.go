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
	r.eventually("all takeovers are told", func() bool { return strings.Count(r.log.String(), "was there when another came") == 5 })
	// Takeovers are written one after the other: when this one is, those are.
	r.identity("d2", "tills", key)
	after := shown{id: "d2", certificate: r.ca.device(t, "d2", key, time.Hour)}
	first := r.mustDial(after)
	r.mustDial(after)
	first.wantGone(0x8e)
	r.eventually("there is an event of the other device", func() bool {
		d, err := r.behind.Devices().Get(t.Context(), "d2")
		return err == nil && len(d.Events) > 0
	})
	d, err := r.behind.Devices().Get(t.Context(), "d1")
	if err != nil || len(d.Events) != 1 || d.DeviceGroup != "tills" {
		t.Fatalf("the device is %+v, %v, want one event", d, err)
	}
	if e := d.Events[0]; e.Kind != store.EventTakenOver || strings.Count(e.Text, "127.0.0.1:") != 2 {
		t.Errorf("the event is %+v", e)
	}
}
