package attack

import (
	"slices"

	"muster/topics"
)

// topicsOf are those of every kind that name somebody, or nobody.
func topicsOf(name string) (all []string) {
	for _, rule := range topics.Access() {
		of := name
		if rule.Kind == topics.FleetSummary {
			of = ""
		}
		if topic := topics.DefaultRoot.Topic(rule.Kind, of); !slices.Contains(all, topic) {
			all = append(all, topic)
		}
	}
	return all
}

// curious devices have been let in, and reach for what is not theirs.
func curious() []row {
	var rows []row
	for _, topic := range topicsOf("victim") {
		rows = append(rows, row{"publish to " + topic, []string{overTLS}, func(a *attempt) string {
			return a.in(a.device()).publish(topic, bad(a.name), true)
		}, "PUBACK 0x87", "to publish"})
	}
	filters := []string{
		"#", "+/+", "$SYS/#", "$SYS/broker/version", "muster/#", "muster/v1/#", "+/v1/#", "muster/v1/+/+/+", "muster/v1/devices/+/#",
		"$share/x/#", "$share/x/muster/v1/groups/victims/config", "$share/x/muster/v1/devices/victim/reply", "$share/muster-managers/muster/v1/devices/+/checkin",
	}
	for _, rule := range topics.Access() {
		filters = append(filters, topics.DefaultRoot.Filter(rule.Kind))
	}
	filters = append(filters, topicsOf("victim")...)
	slices.Sort(filters)
	for _, filter := range slices.Compact(filters) {
		if filter == "muster/v1/groups/+/config" || filter == "muster/v1/groups/victim/config" {
			continue
		}
		rows = append(rows, row{"subscribe to " + filter, []string{overTLS}, func(a *attempt) string {
			return a.in(a.device()).subscribe(filter)
		}, "SUBACK 0x87", "to subscribe"})
	}
	return rows
}
