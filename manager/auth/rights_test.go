package auth_test

import (
	"testing"

	"muster/manager/auth"
	"muster/manager/store"
)

func TestRights(t *testing.T) {
	some := auth.Identity{Name: "some", Rights: &auth.Rights{
		Apps:         map[string]store.Right{"read": store.ReadOnly, "write": store.ReadWrite, "odd": "x"},
		DeviceGroups: map[string]store.Right{"write": store.ReadWrite},
		CronJobs:     map[string]store.Right{"read": store.ReadOnly},
	}}
	none, admin := auth.Identity{Name: "none"}, auth.Identity{Name: "admin", Admin: true}
	pruner := auth.Identity{Name: "pruner", Rights: &auth.Rights{Pruning: true}}
	for _, tc := range []struct {
		what      string
		got, want bool
	}{
		{"ro app, read", some.MayApp("read", store.ReadOnly), true},
		{"ro app, write", some.MayApp("read", store.ReadWrite), false},
		{"rw app, read", some.MayApp("write", store.ReadOnly), true},
		{"rw app, write", some.MayApp("write", store.ReadWrite), true},
		{"app with an unknown right", some.MayApp("odd", store.ReadOnly), false},
		{"app without a right", some.MayApp("other", store.ReadOnly), false},
		{"rw device_group, write", some.MayDeviceGroup("write", store.ReadWrite), true},
		{"device_group with the name of an app", some.MayDeviceGroup("read", store.ReadOnly), false},
		{"ro cron_job, read", some.MayCronJob("read", store.ReadOnly), true},
		{"cron_job with the name of an app", some.MayCronJob("write", store.ReadOnly), false},
		{"pruning without the right", some.MayPrune(), false},
		{"pruning with the right", pruner.MayPrune(), true},
		{"pruner, app", pruner.MayApp("read", store.ReadOnly), false},
		{"no rights, app", none.MayApp("read", store.ReadOnly), false},
		{"no rights, device_group", none.MayDeviceGroup("write", store.ReadOnly), false},
		{"no rights, cron_job", none.MayCronJob("read", store.ReadOnly), false},
		{"no rights, pruning", none.MayPrune(), false},
		{"admin, app", admin.MayApp("x", store.ReadWrite), true},
		{"admin, device_group", admin.MayDeviceGroup("x", store.ReadWrite), true},
		{"admin, cron_job", admin.MayCronJob("x", store.ReadWrite), true},
		{"admin, pruning", admin.MayPrune(), true},
	} {
		if tc.got != tc.want {
			t.Errorf("%s: %v, want %v", tc.what, tc.got, tc.want)
		}
	}
}
