package clienttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"muster/broker/client"
)

// topic is the config topic of a device_group of that name.
func topic(name string) string { return "muster/v1/groups/" + name + "/config" }

// publish publishes with QoS 1 and fails the test when that fails.
func publish(t *testing.T, c client.Client, name, payload string) {
	t.Helper()
	if err := c.Publish(t.Context(), client.Message{Topic: topic(name), Payload: []byte(payload), QoS: 1}); err != nil {
		t.Fatalf("publish to %s: %v", topic(name), err)
	}
}

// subscribe subscribes with QoS 1 and fails the test when that fails.
func subscribe(t *testing.T, c client.Client, filter string) *inbox {
	t.Helper()
	in := newInbox()
	if err := c.Subscribe(client.Subscription{Filter: filter, QoS: 1, Handler: in.add}); err != nil {
		t.Fatalf("subscribe to %s: %v", filter, err)
	}
	return in
}

// up waits until c is connected and all it subscribed to is in place.
func up(t *testing.T, c client.Client) {
	t.Helper()
	calls := make(chan struct{}, 1)
	c.OnUp(func() {
		select {
		case calls <- struct{}{}:
		default:
		}
	})
	wait(t, calls, "OnUp was not called")
}

// wait waits for one value, or the end, of ch.
func wait[T any](t *testing.T, ch <-chan T, otherwise string) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(patience):
		t.Fatal(otherwise)
		panic("unreachable")
	}
}

func testPublishOrder(t *testing.T, b Local) {
	peer := NewPeer(t, b.URL(), "peer")
	peer.Subscribe(topic("order"))
	c := b.Client(t, "c")
	defer c.Close()
	up(t, c)
	const batch = 50 // fewer than a broker keeps for a peer that falls behind
	for first := 0; first < 4*batch; first += batch {
		for i := range batch {
			publish(t, c, "order", fmt.Sprint(first+i))
		}
		for i := range batch {
			if m := peer.Next(); string(m.Payload) != fmt.Sprint(first+i) {
				t.Fatalf("message %d that arrived is %q", first+i, m.Payload)
			}
		}
	}
}

func testReceiveOrder(t *testing.T, b Local) {
	peer := NewPeer(t, b.URL(), "peer")
	c := b.Client(t, "c")
	defer c.Close()
	in := subscribe(t, c, topic("order"))
	up(t, c)
	for i := range 200 {
		peer.Publish(client.Message{Topic: topic("order"), Payload: []byte(fmt.Sprint(i))})
	}
	for i := range 200 {
		in.want(t, fmt.Sprint(i))
	}
}

func testAckWithoutSubscribers(t *testing.T, b Local) {
	c := b.Client(t, "c")
	defer c.Close()
	up(t, c)
	publish(t, c, "nobody", "x")
}

func testProperties(t *testing.T, b Local) {
	sent := client.Message{
		Topic: topic("properties"), Payload: []byte("{}"), QoS: 1, Expiry: time.Hour,
		ContentType: "application/json", ResponseTopic: topic("response"), CorrelationData: []byte{0, 1, 0xff},
	}
	peer := NewPeer(t, b.URL(), "peer")
	peer.Subscribe(sent.Topic)
	c := b.Client(t, "c")
	defer c.Close()
	in := subscribe(t, c, sent.Topic)
	up(t, c)

	if err := c.Publish(t.Context(), sent); err != nil {
		t.Fatal(err)
	}
	atPeer := peer.Next()
	atPeer.QoS = sent.QoS // a broker may grant another client less than it asked for
	for who, got := range map[string]client.Message{"the peer": atPeer, "the client itself": in.next(t)} {
		if diff := cmp.Diff(sent, leniently(got, sent)); diff != "" {
			t.Errorf("the client's message as %s receives it (-sent +received):\n%s", who, diff)
		}
	}
	peer.Publish(sent)
	if diff := cmp.Diff(sent, leniently(in.next(t), sent)); diff != "" {
		t.Errorf("the peer's message as the client receives it (-sent +received):\n%s", diff)
	}
	peer.Next() // its own

	sent.Expiry = 1100 * time.Millisecond // rounded up
	if err := c.Publish(t.Context(), sent); err != nil {
		t.Fatal(err)
	}
	if got := peer.Next().Expiry; got < time.Second || got > 2*time.Second {
		t.Errorf("the peer received an expiry of 1.1 s as %v, want it rounded up", got)
	}
}

// leniently is what was received, without what a broker may change: it counts the expiry down while it
// holds the message, and may deliver with a lower QoS.
func leniently(received, sent client.Message) client.Message {
	if gone := sent.Expiry - received.Expiry; gone >= 0 && gone <= time.Second {
		received.Expiry = sent.Expiry
	}
	received.QoS = max(received.QoS, sent.QoS)
	return received
}

func testPayloads(t *testing.T, b Local) {
	c := b.Client(t, "c")
	defer c.Close()
	in := subscribe(t, c, topic("payload"))
	up(t, c)
	for _, payload := range [][]byte{nil, {0}, []byte("ünïcödé"), bytes.Repeat([]byte{'x'}, 60<<10)} {
		for _, qos := range []byte{0, 1} {
			if err := c.Publish(t.Context(), client.Message{Topic: topic("payload"), Payload: payload, QoS: qos}); err != nil {
				t.Fatalf("%d bytes, QoS %d: %v", len(payload), qos, err)
			}
			got := in.next(t)
			if !bytes.Equal(got.Payload, payload) || got.QoS > qos {
				t.Errorf("sent %d bytes with QoS %d, received %d bytes with QoS %d", len(payload), qos, len(got.Payload), got.QoS)
			}
		}
	}
}

func testRefusedPublish(t *testing.T, b Local) {
	c := b.Client(t, "c")
	defer c.Close()
	up(t, c)
	err := c.Publish(t.Context(), client.Message{Topic: DeniedTopic, Payload: []byte("x"), QoS: 1})
	if !errors.Is(err, client.ErrRefused) {
		t.Errorf("publish to %s: %v, want an error that wraps ErrRefused", DeniedTopic, err)
	}
	if err != nil && !strings.Contains(err.Error(), DeniedTopic) {
		t.Errorf("the error %q does not name the topic", err)
	}
	publish(t, c, "allowed", "x")
}

func testInvalidMessage(t *testing.T, b Local) {
	c := b.Client(t, "c")
	defer c.Close()
	up(t, c)
	for name, m := range map[string]client.Message{
		"no topic":        {QoS: 1},
		"wildcard":        {Topic: "muster/v1/groups/+/config", QoS: 1},
		"NUL":             {Topic: "muster/v1/\x00", QoS: 1},
		"QoS 2":           {Topic: topic("invalid"), QoS: 2},
		"wildcard, QoS 0": {Topic: "muster/v1/groups/#"},
	} {
		if err := c.Publish(t.Context(), m); !errors.Is(err, client.ErrRefused) {
			t.Errorf("%s: %v, want an error that wraps ErrRefused", name, err)
		}
	}
	publish(t, c, "valid", "the connection is still there")
}

func testEndedContext(t *testing.T, b Local) {
	c := b.Client(t, "c")
	defer c.Close()
	in := subscribe(t, c, topic("ended"))
	up(t, c)
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	expired, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	for _, qos := range []byte{0, 1} {
		m := client.Message{Topic: topic("ended"), Payload: []byte("must not arrive"), QoS: qos}
		if err := c.Publish(canceled, m); !errors.Is(err, context.Canceled) {
			t.Errorf("QoS %d with a canceled context: %v", qos, err)
		}
		if err := c.Publish(expired, m); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("QoS %d with an expired context: %v", qos, err)
		}
	}
	publish(t, c, "ended", "next")
	in.want(t, "next")
}
