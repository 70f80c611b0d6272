package attack

import (
	"encoding/json"
	"fmt"
	"net/http"

	"muster/topics"
	"muster/topics/token"
)

// apiToken makes one with what the body says besides, and gives its ID, and the text that its bearer shows.
func (a *attempt) apiToken(body string) (id, text string) {
	a.t.Helper()
	var made struct{ ID, Token string }
	answer := a.must(200, "POST", "/api/v2/tokens", fmt.Sprintf(`{"kind":"api","name":%q%s}`, a.name, body))
	if err := json.Unmarshal([]byte(answer), &made); err != nil || made.Token == "" || made.ID == "" {
		a.t.Fatalf("no token, %v: %s", err, answer)
	}
	return made.ID, made.Token
}

// bearers show tokens that were good once, or for something else.
func bearers() []row {
	root := topics.DefaultRoot
	const viewer = `,"admin":true,"mqtt_role":"viewer"`
	shows := func(a *attempt, text string) hello {
		return hello{id: a.name, identity: identity{username: "token:" + a.name, password: text}}
	}
	return []row{
		{"an API token that was deleted", rest, func(a *attempt) string {
			id, text := a.apiToken(viewer)
			if got := a.ask("GET", "/api/v2/users", "", bearer(text)); got != "HTTP 200" {
				return got
			}
			a.must(200, "DELETE", "/api/v2/tokens/"+id, "")
			return a.ask("GET", "/api/v2/users", "", bearer(text))
		}, "HTTP 401", byAddress},
		{"an API token that was deleted, on MQTT", mqtt, func(a *attempt) string {
			id, text := a.apiToken(viewer)
			if got := a.login(shows(a, text)); got != accepted {
				return got
			}
			a.must(200, "DELETE", "/api/v2/tokens/"+id, "")
			return a.login(shows(a, text))
		}, "CONNACK 0x86", "wrong token"},
		{"an API token that is deleted while it is used", mqtt, func(a *attempt) string {
			id, text := a.apiToken(viewer)
			w := a.in(shows(a, text))
			a.must(200, "DELETE", "/api/v2/tokens/"+id, "")
			return w.answer()
		}, "DISCONNECT 0x87", ""},
		{"an API token under another's name", mqtt, func(a *attempt) string {
			_, text := a.apiToken(viewer)
			h := shows(a, text)
			h.username = "token:admin"
			return a.login(h)
		}, "CONNACK 0x86", "that is the token of"},
		{"an API token that is not for MQTT", mqtt, func(a *attempt) string {
			_, text := a.apiToken(`,"admin":true`)
			return a.login(shows(a, text))
		}, "CONNACK 0x86", "no role on MQTT"},
		{"an API token as an enrollment token", rest, func(a *attempt) string {
			_, text := a.apiToken(viewer)
			return a.state(request(a.t, a.name, text, newDeviceKey(a.t)))
		}, "HTTP 403, refused", byAddress},
		{"an enrollment token that was used, on MQTT", mqtt, func(a *attempt) string {
			once := a.token("thieves", "")
			if got := a.state(request(a.t, a.name+"-first", once, newDeviceKey(a.t))); got != "HTTP 200, issued" {
				return got
			}
			w, answers := a.in(a.enrolling(once)), root.Topic(topics.EnrollReply, a.name)
			if got := w.subscribe(answers); got != accepted {
				return got
			}
			if got := w.publish(root.Topic(topics.EnrollRequest, a.name), request(a.t, a.name, once, newDeviceKey(a.t)), false); got != accepted {
				return got
			}
			return stateOn(w, answers)
		}, "reply: refused", "no uses left"},
		{"an enrollment token that was deleted", mqtt, func(a *attempt) string {
			h := a.enrolling(a.token("thieves", ""))
			id, _ := token.EnrollID(h.username)
			a.must(200, "DELETE", "/api/v2/tokens/"+id, "")
			return a.login(h)
		}, "CONNACK 0x86", "there is no token"},
		{"a certificate without its key", mqtt, func(a *attempt) string {
			// Whoever repeats the request of another that was issued is told the same again.
			once := a.token("thieves", "")
			body := request(a.t, a.name, once, newDeviceKey(a.t))
			a.enroll(body)
			_, again := a.enroll(body)
			return a.login(hello{id: a.name, identity: identity{certificate: certificate(a.t, again.Certificate, newDeviceKey(a.t))}})
		}, "alert: error decrypting message", ""},
	}
}

// viewers have a user's name and password, and rights on one group.
func viewers(s *site) []row {
	looker := identity{username: "looker", password: "looks only"}
	s.must(200, "POST", "/api/v2/users/looker", `{"password":"looks only"}`)
	s.must(200, "POST", "/api/v2/user_groups/lookers", `{"group_members":["looker"],"device_groups":{"thieves":"ro"}}`)
	as := func(a *attempt) hello { return hello{id: a.name, identity: looker} }
	root := topics.DefaultRoot
	var rows []row
	for _, kind := range []topics.Kind{topics.EnrollRequest, topics.EnrollReply, topics.DeviceRenew, topics.DeviceCertificate} {
		rows = append(rows, row{"a viewer subscribes to " + root.Topic(kind, "victim"), []string{overTLS}, func(a *attempt) string {
			return a.in(as(a)).subscribe(root.Topic(kind, "victim"))
		}, "SUBACK 0x87", "to subscribe"})
	}
	for _, filter := range []string{"$SYS/#", "$share/x/#", "$share/x/muster/v1/enroll/+/request", root.Topic(topics.GroupConfig, "victims")} {
		rows = append(rows, row{"a viewer subscribes to " + filter, []string{overTLS}, func(a *attempt) string {
			return a.in(as(a)).subscribe(filter)
		}, "SUBACK 0x87", "to subscribe"})
	}
	for _, topic := range topicsOf("victim") {
		rows = append(rows, row{"a viewer publishes to " + topic, []string{overTLS}, func(a *attempt) string {
			return a.in(as(a)).publish(topic, bad(a.name), true)
		}, "PUBACK 0x87", "to publish"})
	}
	return append(rows, row{"a viewer has a will", []string{overTLS}, func(a *attempt) string {
		h := as(a)
		h.will = root.Topic(topics.DeviceStatus, "victim")
		return a.login(h)
	}, "CONNACK 0x87", "not allowed to have a will"}, row{"a viewer changes a device_group over REST", rest, func(a *attempt) string {
		return a.ask("POST", "/api/v2/device_groups/thieves/update", `{"apps":[]}`, func(r *http.Request) { r.SetBasicAuth(looker.username, looker.password) })
	}, "HTTP 403", "route="})
}
