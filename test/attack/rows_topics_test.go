package attack

import (
	"slices"

	"github.com/eclipse/paho.golang/packets"

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
	root := topics.DefaultRoot
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
	for _, topic := range append(topicsOf("victim"), root.Topic(topics.GroupConfig, "victims"), "elsewhere") {
		rows = append(rows, row{"a check-in that wants its answer on " + topic, []string{overTLS}, func(a *attempt) string {
			return a.in(a.device()).ask(&packets.Publish{
				Topic: root.Topic(topics.DeviceCheckin, a.name), Payload: []byte(bad(a.name)), QoS: 1, PacketID: 1,
				Properties: &packets.Properties{ResponseTopic: topic},
			})
		}, "PUBACK 0x87", "to have an answer on"})
	}
	return append(rows, row{"a will that wants its answer on another's reply", mqtt, func(a *attempt) string {
		h := a.device()
		w, err := a.dial(a.over, h.certificate)
		if err != nil {
			return outcome(err)
		}
		defer w.Close()
		// The library leaves out what a will wants answered.
		answers := append([]byte{8}, text3(root.Topic(topics.DeviceReply, "victim"))...)
		if _, err := w.Write(packet3(0x10, text3("MQTT"), []byte{5, 0x0e, 0, 60, 0}, text3(a.name), []byte{byte(len(answers))}, answers,
			text3(root.Topic(topics.DeviceStatus, a.name)), text3(bad(a.name)))); err != nil {
			return outcome(err)
		}
		return w.answer()
	}, "CONNACK 0x87", "answers to its will"})
}
