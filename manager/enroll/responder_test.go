package enroll

import (
	"context"
	"crypto"
	"strings"
	"testing"
	"time"

	"muster/broker"
	"muster/broker/client"
	"muster/broker/client/network"
	"muster/manager/enroll/enrolltest"
	parts "muster/test/rig"
	"muster/topics"
)

// brokers runs a test with the connections of two managers and a dialer, on each kind of broker.
func brokers(t *testing.T, test func(t *testing.T, manager client.Client, dial func(id string) client.Client)) {
	dialer := func(t *testing.T, url string) func(string) client.Client {
		return func(id string) client.Client {
			c, err := network.Dial(network.Options{URL: url, ClientID: id})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = c.Close() })
			return c
		}
	}
	t.Run("embedded", func(t *testing.T) {
		server, err := broker.Listen(broker.Options{
			Root: topics.DefaultRoot, TCPAddr: "127.0.0.1:0",
			Authenticate: func(l broker.Login) (topics.Subject, error) {
				if name, ok := strings.CutPrefix(l.ClientID, "enrolling-"); ok {
					return topics.Subject{Role: topics.RoleEnrolling, Name: name}, nil
				}
				return topics.Subject{Role: topics.RoleDevice, Name: l.ClientID}, nil
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = server.Close() })
		manager := server.Client("manager")
		t.Cleanup(func() { _ = manager.Close() })
		test(t, manager, dialer(t, "mqtt://"+server.TCPAddr().String()))
	})
	t.Run("mosquitto", func(t *testing.T) {
		dial := dialer(t, parts.Mosquitto(t, parts.MosquittoOptions{}).URL())
		test(t, dial("manager"), dial)
	})
}

// exchange gives a client that asks on the one topic and hears on the other.
func exchange(t *testing.T, c client.Client, name string, ask, hear topics.Kind) func(payload []byte) topics.CertificateReply {
	t.Helper()
	root := topics.DefaultRoot
	replies, up := make(chan client.Message, 10), make(chan struct{}, 10)
	err := c.Subscribe(client.Subscription{Filter: root.Topic(hear, name), QoS: 1, Handler: func(m client.Message) { replies <- m }})
	if err != nil {
		t.Fatal(err)
	}
	c.OnUp(func() { up <- struct{}{} })
	<-up
	return func(payload []byte) topics.CertificateReply {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := c.Publish(ctx, client.Message{Topic: root.Topic(ask, name), Payload: payload, QoS: 1}); err != nil {
			t.Fatal(err)
		}
		select {
		case m := <-replies:
			if m.Retain {
				t.Error("the broker keeps a reply")
			}
			reply, err := topics.ParseCertificateReply(m.Payload)
			if err != nil {
				t.Fatal(err)
			}
			return reply
		case <-ctx.Done():
			t.Fatal("no reply")
			return topics.CertificateReply{}
		}
	}
}

// awaitAnswers returns when the manager answers: what is published before it has subscribed is lost.
func awaitAnswers(t *testing.T, c client.Client) {
	t.Helper()
	answered := make(chan struct{}, 1000)
	err := c.Subscribe(client.Subscription{Filter: topics.DefaultRoot.Topic(topics.DeviceCertificate, "warm"), QoS: 1, Handler: func(client.Message) { answered <- struct{}{} }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for {
		select {
		case <-answered:
			return
		case <-again.C:
			// Not connected yet is as good as not heard.
			_ = c.Publish(ctx, client.Message{Topic: topics.DefaultRoot.Topic(topics.DeviceRenew, "warm"), Payload: []byte("{"), QoS: 1})
		case <-ctx.Done():
			t.Fatal("the manager does not answer")
		}
	}
}

func encoded(t *testing.T, device string, key crypto.Signer, shown string) []byte {
	t.Helper()
	payload, err := enrolltest.Request(t, device, key, shown).Encode()
	if err != nil {
		t.Fatal(err)
	}
	return payload
}

func TestOverMQTT(t *testing.T) {
	brokers(t, func(t *testing.T, manager client.Client, dial func(string) client.Client) {
		r := newRig(t)
		responder := NewResponder(manager, r.Desk, ResponderOptions{Share: "managers", Log: r.o.Log})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- responder.Run(ctx) }()
		t.Cleanup(func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
		awaitAnswers(t, dial("warm"))

		key, tok := enrolltest.Key(t), r.token()
		enroll := exchange(t, dial("enrolling-d1"), "d1", topics.EnrollRequest, topics.EnrollReply)
		r.check(topics.Issued, enroll(encoded(t, "d1", key, tok.Text())))
		renew := exchange(t, dial("d1"), "d1", topics.DeviceRenew, topics.DeviceCertificate)
		r.check(topics.Issued, renew(encoded(t, "d1", key, "")))
		if reply := renew([]byte(`{"request_id":"r1","csr":7}`)); reply.State != topics.Refused || !strings.Contains(reply.Error, "csr") {
			t.Errorf("the answer to nonsense is %+v", reply)
		}
		if reply := renew([]byte(`{`)); reply.State != topics.Refused || reply.RequestID != "" {
			t.Errorf("the answer to what is no JSON is %+v", reply)
		}
		if reply := enroll(encoded(t, "d2", enrolltest.Key(t), tok.Text())); reply.State != topics.Refused || !strings.Contains(reply.Error, "common name") {
			t.Errorf("the answer to who asks for another is %+v", reply)
		}
	})
}
