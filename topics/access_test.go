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

		enrolling, renewing = topics.RoleEnrolling, topics.RoleRenewing // of the name "d1"
	)
	type roles map[topics.Role]bool
	for _, tc := range []struct {
		topic              string
		publish, subscribe roles
	}{
		{"muster/v1/groups/g/config", roles{manager: true}, roles{manager: true, viewer: true, local: true, device: true}},
		{"muster/v1/groups/g2/config", roles{manager: true}, roles{manager: true, viewer: true, local: true}},
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
		{"muster/v1/devices/d1/renew", roles{local: true, device: true, renewing: true}, roles{manager: true}},
		{"muster/v1/devices/d2/renew", roles{local: true}, roles{manager: true}},
		{"muster/v1/devices/d1/certificate", roles{manager: true}, roles{manager: true, local: true, device: true, renewing: true}},
		{"muster/v1/devices/d2/certificate", roles{manager: true}, roles{manager: true, local: true}},
		{"muster/v1/enroll/d1/request", roles{local: true, enrolling: true}, roles{manager: true}},
		{"muster/v1/enroll/d2/request", roles{local: true}, roles{manager: true}},
		{"muster/v1/enroll/d1/reply", roles{manager: true}, roles{manager: true, local: true, enrolling: true}},
		{"muster/v1/enroll/d2/reply", roles{manager: true}, roles{manager: true, local: true}},
		{"muster/v1/managers/m/status", roles{manager: true}, roles{manager: true, viewer: true, local: true}},
		{"muster/v1/bridges/d1/status", roles{manager: true, bridge: true}, roles{manager: true, viewer: true, local: true, bridge: true}},
		{"muster/v1/bridges/b/status", roles{manager: true}, roles{manager: true, viewer: true, local: true}},
		{"muster/v1/elsewhere", nil, nil},
		{"elsewhere", nil, nil},
		{"$SYS/broker/uptime", nil, nil},
		{"", nil, nil},
		// Filters; nobody publishes to those.
		{"#", nil, roles{viewer: true, local: true}},
		{"+/+", nil, roles{viewer: true, local: true}},
		{"muster/v1/#", nil, roles{manager: true, viewer: true, local: true}},
		{"muster/v1x/#", nil, roles{viewer: true, local: true}},
		{"muster/#", nil, roles{viewer: true, local: true}},
		{"muster/v1/groups/+/config", nil, roles{manager: true, viewer: true, local: true}},
		{"muster/v1/devices/+/reply", nil, roles{manager: true, viewer: true, local: true}},
		{"$SYS/#", nil, nil},
		{"muster/v1/devices/+/report", nil, roles{manager: true, viewer: true, local: true, bridge: true}},
		{"$share/x/muster/v1/devices/+/report", nil, roles{manager: true, bridge: true}},
		{"$share/muster/v1/devices/+/report", nil, nil},
		{"$share/x/muster/v1/bridges/d1/status", nil, roles{manager: true}},
		{"muster/v1/bridges/+/status", nil, roles{manager: true, viewer: true, local: true}},
		{"$share/x/#", nil, nil},
		{"$share/x/muster/v1/groups/g/config", nil, roles{manager: true}},
		{"$share/x/muster/v1/devices/+/checkin", nil, roles{manager: true}},
	} {
		for _, role := range []topics.Role{manager, device, viewer, local, bridge, enrolling, renewing, nobody} {
			if got := topics.DefaultRoot.MayPublish(topics.Subject{Role: role, Name: "d1", Group: "g"}, tc.topic); got != tc.publish[role] {
				t.Errorf("MayPublish(%q, d1, %q) = %v", role, tc.topic, got)
			}
			if got := topics.DefaultRoot.MaySubscribe(topics.Subject{Role: role, Name: "d1", Group: "g"}, tc.topic); got != tc.subscribe[role] {
				t.Errorf("MaySubscribe(%q, d1, %q) = %v", role, tc.topic, got)
			}
		}
	}
}

// What a viewer may not see is not delivered, whatever filter it came by, and cannot be asked for by its name.
func TestViewerSees(t *testing.T) {
	shops := topics.Subject{Role: topics.RoleViewer, Name: "ann", Sees: func(t topics.Topic) bool {
		return t == topics.Topic{Kind: topics.GroupConfig, Name: "shops"}
	}}
	for topic, want := range map[string]bool{
		"#": true, "muster/v1/groups/shops/config": true, "muster/v1/groups/labs/config": false, "muster/v1/summary": false,
		"muster/v1/groups/shops/summary": false, "muster/v1/enroll/shops/request": false,
	} {
		if got := topics.DefaultRoot.MaySubscribe(shops, topic); got != want {
			t.Errorf("MaySubscribe(%q) = %v", topic, got)
		}
	}
}

// Of a device the group of which nobody knows, any config may be asked for; without a group, none.
func TestGroupOfADevice(t *testing.T) {
	for group, want := range map[string]bool{topics.AnyGroup: true, "": false, "labs": false, "shops": true} {
		s := topics.Subject{Role: topics.RoleDevice, Name: "d1", Group: group}
		if got := topics.DefaultRoot.MaySubscribe(s, "muster/v1/groups/shops/config"); got != want {
			t.Errorf("of the group %q: %v", group, got)
		}
		if topics.DefaultRoot.MaySubscribe(s, "muster/v1/groups/+/config") {
			t.Errorf("of the group %q: every group's", group)
		}
	}
}

func TestAccessListsEveryKind(t *testing.T) {
	kinds := map[topics.Kind]bool{}
	rules := topics.Access()
	for _, r := range rules {
		kinds[r.Kind] = true
		name := "d1"
		if r.Kind == topics.FleetSummary {
			name = ""
		}
		s := topics.Subject{Role: r.Role, Name: "d1", Group: "d1"}
		topic := topics.DefaultRoot.Topic(r.Kind, name)
		if may := topics.DefaultRoot.MayPublish(s, topic); may != (r.Publish != "") {
			t.Errorf("%+v, but MayPublish is %v", r, may)
		}
		if may := topics.DefaultRoot.MaySubscribe(s, topic); may != (r.Subscribe != "") {
			t.Errorf("%+v, but MaySubscribe is %v", r, may)
		}
	}
	if len(kinds) != 14 || len(rules) < 40 {
		t.Errorf("the table has %d kinds and %d rules", len(kinds), len(rules))
	}
}
