package topics_test

import (
	"testing"

	"muster/topics"
)

func TestAccess(t *testing.T) {
	const (
		manager = topics.RoleManager
		device  = topics.RoleDevice // of the name "d1"
		viewer  = topics.RoleViewer
		local   = topics.RoleLocal
		bridge  = topics.RoleBridge // of the name "d1" too
		nobody  = topics.Role("")
	)
	type roles map[topics.Role]bool
	for _, tc := range []struct {
		topic              string
		publish, subscribe roles
	}{
		{"muster/v1/groups/g/config", roles{manager: true}, roles{manager: true, viewer: true, local: true, device: true}},
		{"muster/v1/groups/g/summary", roles{manager: true}, roles{manager: true, viewer: true, local: true}},
		{"muster/v1/summary", roles{manager: true}, roles{manager: true, viewer: true, local: true}},
		{"muster/v1/devices/d1/checkin", roles{local: true, device: true}, roles{manager: true, viewer: true, local: true}},
		{"muster/v1/devices/d1/status", roles{manager: true, local: true, device: true}, roles{manager: true, viewer: true, local: true}},
		{"muster/v1/devices/d1/progress", roles{local: true, device: true}, roles{manager: true, viewer: true, local: true}},
		{"muster/v1/devices/d1/report", roles{local: true, device: true}, roles{manager: true, viewer: true, local: true, bridge: true}},
		{"muster/v1/devices/d2/report", roles{local: true}, roles{manager: true, viewer: true, local: true, bridge: true}},
		{"muster/v1/devices/d1/reply", roles{manager: true}, roles{manager: true, viewer: true, local: true, device: true}},
		{"muster/v1/devices/d2/checkin", roles{local: true}, roles{manager: true, viewer: true, local: true}},
		{"muster/v1/devices/d2/status", roles{manager: true, local: true}, roles{manager: true, viewer: true, local: true}},
		{"muster/v1/devices/d2/reply", roles{manager: true}, roles{manager: true, viewer: true, local: true}},
		{"muster/v1/managers/m/status", roles{manager: true}, roles{manager: true, viewer: true, local: true}},
		{"muster/v1/bridges/d1/status", roles{manager: true, bridge: true}, roles{manager: true, viewer: true, local: true, bridge: true}},
		{"muster/v1/bridges/b/status", roles{manager: true}, roles{manager: true, viewer: true, local: true}},
		{"muster/v1/elsewhere", nil, roles{manager: true, viewer: true, local: true}},
		{"elsewhere", nil, roles{manager: true, viewer: true, local: true}},
		{"$SYS/broker/uptime", nil, roles{manager: true}},
		{"", nil, roles{manager: true}},
		// Filters; nobody publishes to those.
		{"#", nil, roles{manager: true, viewer: true, local: true}},
		{"muster/#", nil, roles{manager: true, viewer: true, local: true}},
		{"muster/v1/groups/+/config", nil, roles{manager: true, viewer: true, local: true}},
		{"muster/v1/devices/+/reply", nil, roles{manager: true, viewer: true, local: true}},
		{"$SYS/#", nil, roles{manager: true}},
		{"muster/v1/devices/+/report", nil, roles{manager: true, viewer: true, local: true, bridge: true}},
		{"$share/x/muster/v1/devices/+/report", nil, roles{manager: true, bridge: true}},
		{"$share/muster/v1/devices/+/report", nil, roles{manager: true}},
		{"$share/x/muster/v1/bridges/d1/status", nil, roles{manager: true}},
		{"muster/v1/bridges/+/status", nil, roles{manager: true, viewer: true, local: true}},
		{"$share/x/#", nil, roles{manager: true}},
		{"$share/x/muster/v1/devices/+/checkin", nil, roles{manager: true}},
	} {
		for _, role := range []topics.Role{manager, device, viewer, local, bridge, nobody} {
			if got := topics.DefaultRoot.MayPublish(role, "d1", tc.topic); got != tc.publish[role] {
				t.Errorf("MayPublish(%q, d1, %q) = %v", role, tc.topic, got)
			}
			if got := topics.DefaultRoot.MaySubscribe(role, "d1", tc.topic); got != tc.subscribe[role] {
				t.Errorf("MaySubscribe(%q, d1, %q) = %v", role, tc.topic, got)
			}
		}
	}
}
