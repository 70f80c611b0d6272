package attack

import (
	"slices"

	"muster/topics"
)

// in3 is in with MQTT 3.1.1.
func (a *attempt) in3(h hello) *wire {
	a.t.Helper()
	w, got := a.connect3(a.over, h)
	if got != accepted {
		a.t.Fatalf("%s cannot connect: %s", h.id, got)
	}
	a.t.Cleanup(func() { _ = w.Close() })
	return w
}

// login3 is login with MQTT 3.1.1.
func (a *attempt) login3(h hello) string {
	w, got := a.connect3(a.over, h)
	if got == accepted {
		_ = w.Close()
	}
	return got
}

// elders try the main rows with MQTT 3.1.1, which has fewer ways to say no.
func elders(stolen forger) []row {
	root := topics.DefaultRoot
	const no = "CONNACK 0x05"
	rows := []row{
		{"no credentials", mqtt, func(a *attempt) string { return a.login3(hello{id: a.name}) }, no, "no user name"},
		{"a wrong password", mqtt, func(a *attempt) string {
			return a.login3(hello{id: a.name, identity: identity{username: a.name, password: "guess"}})
		}, no, "not let in"},
		{"a certificate that vouches for itself", mqtt, func(a *attempt) string {
			return a.login3(hello{id: a.name, identity: identity{certificate: selfSigned(a.t, a.name)}})
		}, "alert: bad certificate", "certificate of"},
		{"a client id that is another device's", mqtt, func(a *attempt) string {
			h := a.device()
			h.id = "victim"
			return a.login3(h)
		}, no, "client id"},
		{"the client id of the broker's own", mqtt, func(a *attempt) string {
			return a.login3(hello{id: "inline", identity: a.enrolled(a.name, "thieves")})
		}, "CONNACK 0x02", byAddress},
		{"a device that was revoked", mqtt, func(a *attempt) string {
			h := a.device()
			a.must(200, "POST", "/api/v2/devices/"+a.name+"/revoke", "")
			return a.login3(h)
		}, no, "revoked"},
		{"a device that is revoked while it is connected", mqtt, func(a *attempt) string {
			w := a.in3(a.device())
			a.must(200, "POST", "/api/v2/devices/"+a.name+"/revoke", "")
			return w.ask3(nil)
		}, "closed", ""},
		{"a certificate that ended yesterday publishes a report", []string{overTLS}, func(a *attempt) string {
			return a.in3(a.late(stolen)).ask3(publish3(root.Topic(topics.DeviceReport, a.name), bad(a.name)))
		}, "closed", "to publish"},
		{"an enrolling device subscribes to #", []string{overTLS}, func(a *attempt) string {
			return a.in3(a.enrolling(a.tokenFor("thieves"))).ask3(subscribe3("#"))
		}, "SUBACK 0x80", "to subscribe"},
	}
	for _, filter := range append(topicsOf("victim"), "#", "+/+", "$SYS/#", "$share/x/#", "$share/x/muster/v1/groups/victims/config", "muster/v1/devices/+/reply") {
		rows = append(rows, row{"subscribe to " + filter, []string{overTLS}, func(a *attempt) string {
			return a.in3(a.device()).ask3(subscribe3(filter))
		}, "SUBACK 0x80", "to subscribe"})
	}
	for _, topic := range topicsOf("victim") {
		rows = append(rows, row{"publish to " + topic, []string{overTLS}, func(a *attempt) string {
			return a.in3(a.device()).ask3(publish3(topic, bad(a.name)))
		}, "closed", "to publish"}, row{"a will on " + topic, []string{overTLS}, func(a *attempt) string {
			h := a.device()
			h.will = topic
			return a.login3(h)
		}, no, "not allowed to have a will"})
	}
	for what, packet := range malformed {
		// These have properties, which MQTT 3.1.1 has not, or are right there.
		if slices.Contains([]string{"a PUBLISH with a topic alias", "a PUBLISH whose properties go on", "a DISCONNECT whose properties go on"}, what) {
			continue
		}
		rows = append(rows, row{what, []string{overTLS}, func(a *attempt) string {
			return a.in3(a.device()).ask3(append(slices.Clone(packet), 0xc0, 0))
		}, "closed", "such a packet"})
	}
	for i := range rows {
		rows[i].name += ", with MQTT 3.1.1"
	}
	return rows
}
