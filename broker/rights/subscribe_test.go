package rights

import (
	"testing"

	"muster/topics"
)

// Without a look at deliveries, a viewer gets wildcards only of what may all be seen: never of what has tokens in it.
func TestMaySubscribe(t *testing.T) {
	part := func(t topics.Topic) bool { return t.Name == "shops" }
	for _, tc := range []struct {
		role   topics.Role
		sees   func(topics.Topic) bool
		filter string
		want   bool
	}{
		{topics.RoleViewer, nil, "muster/v1/devices/+/report", true},
		{topics.RoleViewer, nil, "muster/v1/devices/till/report", true},
		{topics.RoleViewer, nil, "#", false},
		{topics.RoleViewer, nil, "muster/#", false},
		{topics.RoleViewer, nil, "muster/v1/+/+/request", false},
		{topics.RoleViewer, nil, "muster/v1/enroll/+/request", false},
		{topics.RoleViewer, nil, "muster/v1/devices/+/certificate", false},
		{topics.RoleViewer, part, "muster/v1/groups/+/config", false},
		{topics.RoleViewer, part, "muster/v1/groups/shops/config", true},
		{topics.RoleViewer, part, "muster/v1/groups/bars/config", false},
		{topics.RoleManager, nil, "muster/v1/#", true},
		{topics.RoleManager, nil, "$share/x/muster/v1/devices/+/checkin", true},
		{topics.RoleBridge, nil, "muster/v1/devices/+/report", true},
		{topics.RoleDevice, nil, "muster/v1/groups/+/config", false},
	} {
		if got := MaySubscribe(root, topics.Subject{Role: tc.role, Name: "x", Sees: tc.sees}, tc.filter); got != tc.want {
			t.Errorf("%s to %s: %v", tc.role, tc.filter, got)
		}
	}
}
