package attack

import (
	"fmt"
	"sync"

	"muster/test/rig"
	"muster/topics"
	"muster/topics/token"
)

// state is how a request for a certificate ended, over HTTPS.
func (a *attempt) state(body string) string {
	status, reply := a.enroll(body)
	return fmt.Sprintf("HTTP %d, %s", status, reply.State)
}

// enrolling logs in as a device that shows an enrollment token.
func (a *attempt) enrolling(text string) hello {
	a.t.Helper()
	t, err := token.Parse(text)
	if err != nil {
		a.t.Fatal(err)
	}
	return hello{id: a.name, identity: identity{username: token.EnrollUser(t.ID), password: t.Secret()}}
}

// newcomers misuse enrollment tokens.
func newcomers() []row {
	root := topics.DefaultRoot
	const refused = "HTTP 403, refused"
	rows := []row{
		{"a token of nobody", rest, func(a *attempt) string {
			return a.state(request(a.t, a.name, token.New(token.Pin{}).Text(), newDeviceKey(a.t)))
		}, refused, byAddress},
		{"a token that was used", rest, func(a *attempt) string {
			once := a.token("thieves", "")
			if got := a.state(request(a.t, a.name+"-first", once, newDeviceKey(a.t))); got != "HTTP 200, issued" {
				return got
			}
			return a.state(request(a.t, a.name, once, newDeviceKey(a.t)))
		}, refused, byAddress},
		{"a token used by eight devices at once", rest, func(a *attempt) string {
			once := a.token("thieves", "")
			var wg sync.WaitGroup
			var mu sync.Mutex
			states := map[string]int{}
			for range 8 {
				body := request(a.t, rig.Name("one-of-eight"), once, newDeviceKey(a.t))
				wg.Go(func() {
					got := a.state(body)
					mu.Lock()
					defer mu.Unlock()
					states[got]++
				})
			}
			wg.Wait()
			return fmt.Sprint(states)
		}, "map[HTTP 200, issued:1 HTTP 403, refused:7]", byAddress},
		{"a token for another device", rest, func(a *attempt) string {
			return a.state(request(a.t, a.name, a.token("thieves", `,"device":"victim"`), newDeviceKey(a.t)))
		}, refused, byAddress},
		{"a token, to become a device that is there", rest, func(a *attempt) string {
			a.enrolled(a.name, "victims")
			return a.state(request(a.t, a.name, a.tokenFor("thieves"), newDeviceKey(a.t)))
		}, refused, byAddress},
		{"a token for whom an admin has not decided on", rest, func(a *attempt) string {
			return a.state(request(a.t, a.name, a.token("thieves", `,"approve":true`), newDeviceKey(a.t)))
		}, "HTTP 202, pending", ""},
		{"a token as a password of REST", rest, func(a *attempt) string {
			return a.ask("GET", "/api/v2/users", "", bearer(a.tokenFor("thieves")))
		}, "HTTP 401", byAddress},
		{"an enrolling device's CONNECT with a wrong secret", mqtt, func(a *attempt) string {
			h := a.enrolling(a.tokenFor("thieves"))
			h.password = "guess"
			return a.login(h)
		}, "CONNACK 0x86", "not let in"},
	}
	for _, topic := range append(topicsOf("victim"), root.Filter(topics.EnrollRequest), "#") {
		rows = append(rows, row{"an enrolling device subscribes to " + topic, []string{overTLS}, func(a *attempt) string {
			return a.in(a.enrolling(a.tokenFor("thieves"))).subscribe(topic)
		}, "SUBACK 0x87", "to subscribe"})
	}
	for _, topic := range topicsOf("victim") {
		rows = append(rows, row{"an enrolling device publishes to " + topic, []string{overTLS}, func(a *attempt) string {
			return a.in(a.enrolling(a.tokenFor("thieves"))).publish(topic, bad(a.name), true)
		}, "PUBACK 0x87", "to publish"}, row{"an enrolling device has a will on " + topic, []string{overTLS}, func(a *attempt) string {
			h := a.enrolling(a.tokenFor("thieves"))
			h.will = topic
			return a.login(h)
		}, "CONNACK 0x87", "not allowed to have a will"})
	}
	return rows
}

// outcasts were devices, until an admin thought better of it.
func outcasts() []row {
	return []row{
		{"a device that is revoked while it is connected", mqtt, func(a *attempt) string {
			w := a.in(a.device())
			a.must(200, "POST", "/api/v2/devices/"+a.name+"/revoke", "")
			return w.answer()
		}, "DISCONNECT 0x87", ""},
		{"a device that was revoked", mqtt, func(a *attempt) string {
			h := a.device()
			a.must(200, "POST", "/api/v2/devices/"+a.name+"/revoke", "")
			return a.login(h)
		}, "CONNACK 0x86", "revoked"},
		{"a device that was revoked, with a new key and token", rest, func(a *attempt) string {
			a.device()
			a.must(200, "POST", "/api/v2/devices/"+a.name+"/revoke", "")
			return a.state(request(a.t, a.name, a.tokenFor("thieves"), newDeviceKey(a.t)))
		}, "HTTP 403, refused", byAddress},
		{"a device that was deleted", mqtt, func(a *attempt) string {
			h := a.device()
			a.must(200, "DELETE", "/api/v2/devices/"+a.name, "")
			return a.login(h)
		}, "CONNACK 0x86", "no identity"},
		{"a certificate of a device that is there, for another key, made with the fleet's stolen key", mqtt, func(a *attempt) string {
			a.device()
			return a.login(hello{id: a.name, identity: identity{certificate: a.steal(a.t).issue(a.t, a.name, inAnHour(), forClients)}})
		}, "CONNACK 0x86", "key"},
	}
}
