package topics

import (
	"cmp"
	"maps"
	"slices"
)

// A Scope is whose topics of a kind a role may use.
type Scope string

// The scopes. The zero Scope is nobody's.
const (
	// Own is the topic that names the subject.
	Own Scope = "own"
	// OwnGroup is the topic that names the device's device_group.
	OwnGroup Scope = "own group"
	// Any is every topic of the kind.
	Any Scope = "any"
)

// covers reports whether a subject to whom a topic's kind is granted in that scope may use the topic.
func (c Scope) covers(s Subject, t Topic) bool {
	switch c {
	case Any:
		return s.Role != RoleViewer || s.Sees == nil || s.Sees(t)
	case Own:
		return t.Name == s.Name
	case OwnGroup:
		return t.Name == s.Group || s.Group == AnyGroup
	}
	return false
}

type grant map[Role]Scope

// access says who may publish to the topics of a kind and have them as the topic of a will, and who may subscribe to them.
var access = map[Kind]struct{ publish, subscribe grant }{
	GroupConfig:  {grant{RoleManager: Any}, grant{RoleManager: Any, RoleDevice: OwnGroup, RoleViewer: Any, RoleLocal: Any}},
	GroupSummary: {grant{RoleManager: Any}, grant{RoleManager: Any, RoleViewer: Any, RoleLocal: Any}},
	FleetSummary: {grant{RoleManager: Any}, grant{RoleManager: Any, RoleViewer: Any, RoleLocal: Any}},

	DeviceCheckin: {grant{RoleDevice: Own, RoleLocal: Any}, grant{RoleManager: Any, RoleViewer: Any, RoleLocal: Any}},
	DeviceReply:   {grant{RoleManager: Any}, grant{RoleManager: Any, RoleDevice: Own, RoleViewer: Any, RoleLocal: Any}},
	// A manager clears the status of a device that is deleted.
	DeviceStatus:   {grant{RoleManager: Any, RoleDevice: Own, RoleLocal: Any}, grant{RoleManager: Any, RoleViewer: Any, RoleLocal: Any}},
	DeviceProgress: {grant{RoleDevice: Own, RoleLocal: Any}, grant{RoleManager: Any, RoleViewer: Any, RoleLocal: Any}},
	DeviceReport:   {grant{RoleDevice: Own, RoleLocal: Any}, grant{RoleManager: Any, RoleBridge: Any, RoleViewer: Any, RoleLocal: Any}},

	// Certificates are nobody's to look at but the device's, and a request has a token in it.
	DeviceRenew:       {grant{RoleDevice: Own, RoleRenewing: Own, RoleLocal: Any}, grant{RoleManager: Any}},
	DeviceCertificate: {grant{RoleManager: Any}, grant{RoleManager: Any, RoleDevice: Own, RoleRenewing: Own, RoleLocal: Any}},
	EnrollRequest:     {grant{RoleEnrolling: Own, RoleLocal: Any}, grant{RoleManager: Any}},
	EnrollReply:       {grant{RoleManager: Any}, grant{RoleManager: Any, RoleEnrolling: Own, RoleLocal: Any}},

	ManagerStatus: {grant{RoleManager: Any}, grant{RoleManager: Any, RoleViewer: Any, RoleLocal: Any}},
	// Bridges of one name tell each other whose turn it is.
	BridgeStatus: {grant{RoleManager: Any, RoleBridge: Own}, grant{RoleManager: Any, RoleBridge: Own, RoleViewer: Any, RoleLocal: Any}},
}

// A Rule is a line of the table of rights.
type Rule struct {
	Kind Kind
	Role Role
	// Publish and Subscribe are whose topics of the kind the role may publish to, and subscribe to; empty is none.
	Publish, Subscribe Scope
}

// Access is the table of rights: every kind and role between which there is any, by kind and role. An external broker
// must be told the same.
func Access() []Rule {
	var rules []Rule
	for kind, grant := range access {
		roles := maps.Clone(grant.publish)
		maps.Copy(roles, grant.subscribe)
		for role := range roles {
			rules = append(rules, Rule{Kind: kind, Role: role, Publish: grant.publish[role], Subscribe: grant.subscribe[role]})
		}
	}
	slices.SortFunc(rules, func(a, b Rule) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Role, b.Role)) })
	return rules
}
