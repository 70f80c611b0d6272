package attack

import (
	"crypto"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"time"

	"muster/topics"
)

// late is a device whose certificate ended yesterday.
func (a *attempt) late(stolen forger) hello {
	a.t.Helper()
	h := a.device()
	csr := filepath.Join(a.t.TempDir(), "csr")
	if err := os.WriteFile(csr, []byte(newCSR(a.t, a.name, a.keyOf(h))), 0o600); err != nil {
		a.t.Fatal(err)
	}
	certFile := stolen.sign(a.t, csr, time.Now().AddDate(0, 0, -1), forClients)
	h.certificate = loadChain(a.t, certFile, h.certificate.PrivateKey)
	return h
}

func (a *attempt) keyOf(h hello) crypto.Signer {
	a.t.Helper()
	key, ok := h.certificate.PrivateKey.(crypto.Signer)
	if !ok {
		a.t.Fatal("no key")
	}
	return key
}

// renewal asks over w for the certificate of a request, and tells the state of the answer.
func (a *attempt) renewal(w *wire, body string) string {
	answers := topics.DefaultRoot.Topic(topics.DeviceCertificate, a.name)
	if got := w.subscribe(answers); got != accepted {
		return got
	}
	if got := w.publish(topics.DefaultRoot.Topic(topics.DeviceRenew, a.name), body, false); got != accepted {
		return got
	}
	return stateOn(w, answers)
}

// stateOn is that of the next answer on the topic.
func stateOn(w *wire, topic string) string {
	payload, err := w.message(topic)
	if err != nil {
		return outcome(err)
	}
	var reply topics.CertificateReply
	if err := json.Unmarshal(payload, &reply); err != nil {
		return err.Error()
	}
	return "reply: " + reply.State
}

// latecomers have a certificate that has ended, which is good for asking for the next one and nothing else.
func latecomers(stolen forger) []row {
	root := topics.DefaultRoot
	refused := "reply: " + string(topics.Refused)
	rows := []row{
		{"a certificate that ended yesterday asks for the next one", mqtt, func(a *attempt) string {
			h := a.late(stolen)
			return a.renewal(a.in(h), request(a.t, a.name, "", a.keyOf(h)))
		}, "reply: " + string(topics.Issued), ""},
		{"a renewal with another key", mqtt, func(a *attempt) string {
			return a.renewal(a.in(a.late(stolen)), request(a.t, a.name, "", newDeviceKey(a.t)))
		}, refused, "another key"},
		{"a replayed CSR of another device at renewal", mqtt, func(a *attempt) string {
			// Whoever could read the other's topics has the whole request, but not the key.
			other := a.name + "-other"
			return a.renewal(a.in(a.device()), requestFor(a.t, newCSR(a.t, other, a.keyOf(hello{identity: a.enrolled(other, "victims")})), ""))
		}, refused, "common name"},
		{"a replayed CSR of the device before it was deleted", mqtt, func(a *attempt) string {
			h := a.device()
			before := request(a.t, a.name, "", a.keyOf(h))
			a.must(200, "DELETE", "/api/v2/devices/"+a.name, "")
			return a.renewal(a.in(a.device()), before)
		}, refused, "another key"},
		{"an expired certificate with a will of its own status", mqtt, func(a *attempt) string {
			h := a.late(stolen)
			h.will = root.Topic(topics.DeviceStatus, a.name)
			return a.login(h)
		}, "CONNACK 0x87", "not allowed to have a will"},
	}
	for _, kind := range []topics.Kind{topics.DeviceReport, topics.DeviceStatus, topics.DeviceCheckin, topics.DeviceProgress, topics.EnrollRequest, topics.DeviceCertificate} {
		rows = append(rows, row{"an expired certificate publishes to its own " + string(kind), []string{overTLS}, func(a *attempt) string {
			return a.in(a.late(stolen)).publish(root.Topic(kind, a.name), bad(a.name), true)
		}, "PUBACK 0x87", "to publish"})
	}
	for _, kind := range []topics.Kind{topics.DeviceReply, topics.DeviceRenew, topics.EnrollReply} {
		rows = append(rows, row{"an expired certificate subscribes to its own " + string(kind), []string{overTLS}, func(a *attempt) string {
			return a.in(a.late(stolen)).subscribe(root.Topic(kind, a.name))
		}, "SUBACK 0x87", "to subscribe"})
	}
	for _, topic := range topicsOf("victim") {
		rows = append(rows, row{"an expired certificate publishes to " + topic, []string{overTLS}, func(a *attempt) string {
			return a.in(a.late(stolen)).publish(topic, bad(a.name), true)
		}, "PUBACK 0x87", "to publish"})
	}
	for _, filter := range append(slices.Clip(topicsOf("victim")), root.Topic(topics.GroupConfig, "thieves"), "+/+", "muster/v1/devices/+/certificate") {
		rows = append(rows, row{"an expired certificate subscribes to " + filter, []string{overTLS}, func(a *attempt) string {
			return a.in(a.late(stolen)).subscribe(filter)
		}, "SUBACK 0x87", "to subscribe"})
	}
	return rows
}
