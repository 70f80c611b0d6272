package rights

import (
	"strings"

	"muster/topics"
)

// MaySubscribe is [topics.Root.MaySubscribe] for brokers that do not judge what they deliver: a viewer's wildcards, of which the table
// says that each delivery is judged, are refused but for those of one kind that the viewer may see all of.
func MaySubscribe(root topics.Root, s topics.Subject, filter string) bool {
	if !root.MaySubscribe(s, filter) {
		return false
	}
	if s.Role != topics.RoleViewer && s.Role != topics.RoleLocal || !strings.ContainsAny(filter, "+#") {
		return true
	}
	// Who may see the summary of the fleet may see all of it.
	if s.Sees != nil && !s.Sees(topics.Topic{Kind: topics.FleetSummary}) {
		return false
	}
	for _, rule := range table {
		if rule.Role == s.Role && rule.Subscribe == topics.Any && filter == root.Filter(rule.Kind) {
			return true
		}
	}
	return false
}
