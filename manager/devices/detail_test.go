package devices

import (
	"testing"
	"time"

	"muster/manager/fleet"
	"muster/manager/store"
	"muster/topics"
)

// What a device says over its connection is told before what its report says, and the later of the two is when it was heard of.
func TestDetailOfStatusAndReport(t *testing.T) {
	earlier, later := now.Add(-time.Hour), now.Add(time.Hour)
	row := store.Device{
		DeviceHead: store.DeviceHead{Device: "d", Reported: now},
		Report:     []byte(`{"failing": [{"app": "web", "code": "exited", "reason": "by the report"}], "agent": "old"}`),
	}
	said := []topics.Failure{{App: "web", Code: topics.ReasonExited, Reason: "by the status"}}
	for name, tc := range map[string]struct {
		now    live
		reason string
		seen   time.Time
	}{
		"said":                    {live{Device: fleet.Device{Failing: said, LastSeen: &later}, told: true}, "by the status", later},
		"said before the report":  {live{Device: fleet.Device{Failing: said, LastSeen: &earlier}, told: true}, "by the status", now},
		"known by the store only": {live{Device: fleet.Device{Failing: []topics.Failure{{App: "web", Code: topics.ReasonExited}}}}, "by the report", now},
	} {
		d := detail(tc.now, row, topics.Config{})
		if len(d.Failing) != 1 || d.Failing[0].Reason != tc.reason || d.LastSeen == nil || !d.LastSeen.Equal(tc.seen) {
			t.Errorf("%s: %+v, last seen %v", name, d.Failing, d.LastSeen)
		}
	}
}
