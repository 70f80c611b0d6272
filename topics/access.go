package topics

import "strings"

// A Role is what a broker knows a connection as. What each may do is stated in one table, [Access]; what is not
// allowed there is denied, wills included.
type Role string

// The roles.
const (
	// RoleManager is a manager.
	RoleManager Role = "manager"
	// RoleDevice is one device, known by its name.
	RoleDevice Role = "device"
	// RoleEnrolling is a device that has shown an enrollment token, and has no identity yet but the name it asks for.
	RoleEnrolling Role = "enrolling"
	// RoleRenewing is a device whose certificate has expired a while ago: it may ask for the next one.
	RoleRenewing Role = "renewing"
	// RoleBridge is one that is no part of a manager.
	RoleBridge Role = "bridge"
	// RoleViewer is a person looking on, read-only.
	RoleViewer Role = "viewer"
	// RoleLocal is anyone who reaches the broker over the machine's own loopback interface without
	// credentials: it may do what any device or viewer may, and nothing that a manager may.
	RoleLocal Role = "local"
)

// AnyGroup is the Group of a device whose broker cannot tell its device_group. No device_group has that name.
const AnyGroup = "+"

// A Subject is who a connection was recognised as.
type Subject struct {
	Role Role
	// Name is that of the device, manager or bridge, and something to log for the others.
	Name string
	// Group is the device_group of a device.
	Group string
	// Sees reports whether a viewer may see what is about that group or device, or about the whole fleet; nil is everything.
	// It is asked for each message that is delivered.
	Sees func(Topic) bool
}

// MayPublish reports whether the subject may publish to the topic, or have it as the topic of its will.
func (r Root) MayPublish(s Subject, topic string) bool {
	t, err := r.Parse(topic)
	return err == nil && access[t.Kind].publish[s.Role].covers(s, t)
}

// MaySubscribe reports whether the subject may subscribe to the filter. A filter without wildcards, such as the name of
// a topic that something is published to, is judged by whether the subject may be sent what is published there.
//
// Viewers may use any wildcards that stay out of the broker's own topics ("$SYS/#"), because "#" is what MQTT Explorer
// asks for; so each delivery is judged too. Shared subscriptions are for managers and bridges, because a member takes
// messages away from the others.
func (r Root) MaySubscribe(s Subject, filter string) bool {
	whole := filter
	if s.Role == RoleManager || s.Role == RoleBridge {
		if share, ok := strings.CutPrefix(filter, "$share/"); ok {
			_, filter, _ = strings.Cut(share, "/")
		}
	}
	if t, err := r.Parse(filter); err == nil {
		scope := access[t.Kind].subscribe[s.Role]
		return scope.covers(s, t) && (scope == Any || filter == whole)
	}
	if !strings.ContainsAny(filter, "+#") {
		return false
	}
	switch s.Role {
	case RoleManager:
		return strings.HasPrefix(filter, string(r)+"/")
	case RoleViewer, RoleLocal:
		return filter[0] != '$'
	}
	for kind, grant := range access {
		if filter == r.Filter(kind) {
			return grant.subscribe[s.Role] == Any
		}
	}
	return false
}
