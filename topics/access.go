package topics

import "strings"

// A Role is what a broker knows a connection as. What each may do is decided in one place, [Root.MayPublish]
// and [Root.MaySubscribe]; what is not allowed there is denied, wills included.
type Role string

// The roles.
const (
	// RoleManager is a manager.
	RoleManager Role = "manager"
	// RoleDevice is one device, known by its name.
	RoleDevice Role = "device"
	// RoleBridge is one that is no part of a manager.
	RoleBridge Role = "bridge"
	// RoleViewer is a person looking on, read-only.
	RoleViewer Role = "viewer"
	// RoleLocal is anyone who reaches the broker over the machine's own loopback interface without
	// credentials: it may do what any device or viewer may, and nothing that a manager may.
	RoleLocal Role = "local"
)

// MayPublish reports whether a connection of that role, and of that name when it is a device, may
// publish to the topic, or have it as the topic of its will.
func (r Root) MayPublish(role Role, name, topic string) bool {
	t, err := r.Parse(topic)
	if err != nil {
		return false
	}
	switch t.Kind {
	case GroupConfig, GroupSummary, FleetSummary, DeviceReply, ManagerStatus:
		return role == RoleManager
	case BridgeStatus:
		return role == RoleManager || role == RoleBridge && t.Name == name
	case DeviceStatus:
		// A manager clears the status of a device that is deleted.
		return role == RoleManager || role == RoleLocal || role == RoleDevice && t.Name == name
	case DeviceCheckin, DeviceReport, DeviceProgress:
		return role == RoleLocal || role == RoleDevice && t.Name == name
	}
	return false
}

// MaySubscribe reports whether a connection of that role, and of that name when it is a device, may
// subscribe to the filter, and be sent what is published to it.
//
// Viewers may use any filter that stays out of the broker's own topics ("$SYS/#"): only what
// [Root.MayPublish] allows is ever published, and "#" is what MQTT Explorer asks for. Shared subscriptions
// are for managers and bridges, because a member takes messages away from the others.
func (r Root) MaySubscribe(role Role, name, filter string) bool {
	switch role {
	case RoleManager:
		return true
	case RoleViewer, RoleLocal:
		return filter != "" && filter[0] != '$'
	case RoleBridge:
		if t, err := r.Parse(filter); err == nil && t.Kind == BridgeStatus {
			return t.Name == name // it tells those of one name whose turn it is
		}
		if share, ok := strings.CutPrefix(filter, "$share/"); ok {
			_, filter, _ = strings.Cut(share, "/")
		}
		t, err := r.Parse(filter)
		return filter == r.Filter(DeviceReport) || err == nil && t.Kind == DeviceReport
	case RoleDevice:
		t, err := r.Parse(filter)
		return err == nil && (t.Kind == GroupConfig || t.Kind == DeviceReply && t.Name == name)
	}
	return false
}
