package network_test

import (
	"testing"

	"muster/broker/client"
	"muster/broker/client/clienttest"
	"muster/broker/client/network"
	"muster/broker/client/network/networktest"
	"muster/test/rig"
)

// mosquitto is a broker with the permissions that the suite needs.
type mosquitto struct {
	*rig.Broker
	// scheme is how clients under test reach it.
	scheme string
	tls    certificate
}

const acl = `user manager
topic readwrite muster/v1/groups/#
topic readwrite muster/v1/devices/+/reply
`

func newMosquitto(t *testing.T, scheme string) mosquitto {
	o := rig.MosquittoOptions{Users: map[string]string{"manager": "p@ss/wörd"}, ACL: acl}
	m := mosquitto{scheme: scheme}
	if scheme != "mqtt" {
		o.Also = []string{scheme}
	}
	if scheme == "mqtts" || scheme == "wss" {
		m.tls = newCertificate(t, "127.0.0.1")
		o.CertFile, o.KeyFile = m.tls.certFile, m.tls.keyFile
	}
	m.Broker = rig.Mosquitto(t, o)
	return m
}

// URL is for peers.
func (m mosquitto) URL() string { return m.URLOf("mqtt", "manager") }

func (m mosquitto) Client(t *testing.T, id string) client.Client {
	return networktest.Dial(t, network.Options{URL: m.URLOf(m.scheme, "manager"), ClientID: id, TLS: m.tls.trust()})
}

func TestContract(t *testing.T) {
	for _, scheme := range []string{"mqtt", "wss"} {
		t.Run(scheme, func(t *testing.T) {
			clienttest.Run(t, func(t *testing.T) clienttest.Local { return newMosquitto(t, scheme) })
		})
	}
}

func TestOtherSchemes(t *testing.T) {
	for _, scheme := range []string{"mqtts", "ws"} {
		t.Run(scheme, func(t *testing.T) {
			b := newMosquitto(t, scheme)
			c := b.Client(t, "c")
			in := make(chan client.Message, 1)
			topic := "muster/v1/groups/" + scheme + "/config"
			if err := c.Subscribe(client.Subscription{Filter: topic, Handler: func(m client.Message) { in <- m }}); err != nil {
				t.Fatal(err)
			}
			published := make(chan error, 1)
			c.OnUp(func() {
				published <- c.Publish(t.Context(), client.Message{Topic: topic, Payload: []byte("x"), QoS: 1})
			})
			if err := <-published; err != nil {
				t.Fatal(err)
			}
			if m := <-in; string(m.Payload) != "x" {
				t.Errorf("received %q", m.Payload)
			}
		})
	}
}

func TestRemoteContract(t *testing.T) {
	start := func(t *testing.T) clienttest.Remote { return newMosquitto(t, "mqtt") }
	clienttest.RunRemote(t, start, networktest.Dialer)
}
