package sqlite

import (
	"testing"
	"time"

	"muster/manager/store"
)

// TestDeletedDevicesStayAway has a row be written that was read before its device was deleted, which leaves nothing behind.
func TestDeletedDevicesStayAway(t *testing.T) {
	s := mustOpen(t, path(t))
	row := store.DeviceRow{Revision: 1, Device: store.Device{DeviceHead: store.DeviceHead{Device: "d", Changed: time.Unix(1, 0)}}}
	if overtaken, err := (deviceRows{s}).Put(t.Context(), []store.DeviceRow{row}); err != nil || len(overtaken) != 0 {
		t.Fatal(overtaken, err)
	}
	if err := s.Devices().Delete(t.Context(), "d"); err != nil {
		t.Fatal(err)
	}
	row.Revision = 2
	if overtaken, err := (deviceRows{s}).Put(t.Context(), []store.DeviceRow{row}); err != nil || len(overtaken) != 1 {
		t.Errorf("overtaken: %v, %v", overtaken, err)
	}
	left := texts(t, s.reads, `SELECT name FROM devices UNION ALL SELECT name FROM device_reports`)
	if len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}
