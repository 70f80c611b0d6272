package checkin

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"muster/broker"
	"muster/broker/client"
	"muster/broker/client/network"
	"muster/manager/store"
	"muster/test/rig"
	"muster/topics"
)

// configs is a group in memory, "shops", and one that only the store knows, "late".
type configs struct{ memory, stored store.Snapshot }

func (c configs) Latest(group string) (store.Snapshot, bool) {
	return c.memory, group == c.memory.DeviceGroup
}

func (c configs) Current(_ context.Context, group string) (store.Snapshot, error) {
	switch group {
	case c.stored.DeviceGroup:
		return c.stored, nil
	case "broken":
		return store.Snapshot{}, errors.New("disk on fire")
	}
	return store.Snapshot{}, store.ErrNotFound
}

// marks records what devices claim.
type marks struct {
	mu     sync.Mutex
	groups []string
}

func (m *marks) MarkBehind(group string, have topics.Version) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.groups = append(m.groups, group+" "+have.String())
}

func (m *marks) seen() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.groups)
}

// brokers gives a client for the manager and one for a device, on each kind of broker.
func brokers(t *testing.T, test func(t *testing.T, manager, device client.Client)) {
	dial := func(t *testing.T, url, id string) client.Client {
		c, err := network.Dial(network.Options{URL: url, ClientID: id})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	t.Run("embedded", func(t *testing.T) {
		server, err := broker.Listen(broker.Options{
			Root: topics.DefaultRoot, TCPAddr: "127.0.0.1:0",
			Authenticate: func(l broker.Login) (topics.Subject, error) { return topics.Subject{Role: topics.RoleLocal}, nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = server.Close() })
		manager := server.Client("manager")
		t.Cleanup(func() { _ = manager.Close() })
		test(t, manager, dial(t, "mqtt://"+server.TCPAddr().String(), "d1"))
	})
	t.Run("mosquitto", func(t *testing.T) {
		mosquitto := rig.Mosquitto(t, rig.MosquittoOptions{})
		test(t, dial(t, mosquitto.URL(), "manager"), dial(t, mosquitto.URL(), "d1"))
	})
}

func TestResponder(t *testing.T) {
	brokers(t, func(t *testing.T, manager, device client.Client) {
		shops, late := snapshotOf(t, "shops", 7), snapshotOf(t, "late", 2)
		behind := new(marks)
		responder := New(manager, configs{shops, late}, behind, Options{Share: "managers", QoS: 1})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- responder.Run(ctx) }()
		t.Cleanup(func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
		replies := make(chan client.Message, 100)
		elsewhere := make(chan client.Message, 100)
		for filter, into := range map[string]chan client.Message{"muster/v1/devices/d1/reply": replies, "muster/v1/devices/d2/reply": elsewhere} {
			if err := device.Subscribe(client.Subscription{Filter: filter, QoS: 1, Handler: func(m client.Message) { into <- m }}); err != nil {
				t.Fatal(err)
			}
		}
		awaitUp(device)

		send := func(payload string) {
			t.Helper()
			err := device.Publish(t.Context(), client.Message{
				Topic: "muster/v1/devices/d1/checkin", Payload: []byte(payload), QoS: 1,
				ResponseTopic: "muster/v1/devices/d2/reply", CorrelationData: []byte("c"),
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		answered := func(patience time.Duration) (reply topics.CheckinReply, ok bool) {
			t.Helper()
			select {
			case m := <-replies:
				if string(m.CorrelationData) != "c" {
					t.Errorf("correlation data %q, want it back", m.CorrelationData)
				}
				reply, err := topics.ParseCheckinReply(m.Payload)
				if err != nil {
					t.Fatalf("%s: %v", m.Payload, err)
				}
				return reply, true
			case <-time.After(patience):
				return reply, false
			}
		}
		const first = "0" // repeated until the manager has subscribed; it may be answered more than once, and late
		for tries, subscribed := 0, false; !subscribed; tries++ {
			if tries == 50 {
				t.Fatal("no reply")
			}
			send(`{"request_id":"` + first + `","device_group":"shops"}`)
			_, subscribed = answered(200 * time.Millisecond)
		}
		ask := func(t *testing.T, payload string) topics.CheckinReply {
			t.Helper()
			send(payload)
			for {
				reply, ok := answered(10 * time.Second)
				if !ok {
					t.Fatalf("no reply to %s", payload)
				}
				if reply.RequestID != first {
					return reply
				}
			}
		}

		reply := ask(t, `{"request_id":"1","device_group":"shops"}`)
		if string(reply.Config) != string(shops.Payload) || reply.RequestID != "1" || reply.Version != shops.Version {
			t.Errorf("the first check-in is answered with %#v", reply)
		}
		reply = ask(t, `{"request_id":"2","device_group":"shops","have":{"epoch":"`+shops.Epoch+`","config_id":7}}`)
		if !reply.Unchanged || reply.StoreBehind || reply.Config != nil {
			t.Errorf("a device that is current is answered with %#v", reply)
		}
		reply = ask(t, `{"request_id":"3","device_group":"shops","have":{"epoch":"`+shops.Epoch+`","config_id":8}}`)
		if !reply.Unchanged || !reply.StoreBehind {
			t.Errorf("a device that is ahead is answered with %#v", reply)
		}
		if got := behind.seen(); !slices.Contains(got, "shops "+shops.Epoch+"/8") {
			t.Errorf("the publisher was told %q", got)
		}
		reply = ask(t, `{"request_id":"4","device_group":"late"}`)
		if string(reply.Config) != string(late.Payload) {
			t.Errorf("a group that only the store knows is answered with %#v", reply)
		}
		for _, tc := range []struct{ payload, id, want string }{
			{`{"request_id":"5","device_group":"nowhere"}`, "5", `device_group: "nowhere" does not exist`},
			{`{"request_id":"6","device_group":"broken"}`, "6", "not known at the moment"},
			{`{"request_id":"7","device_group":7}`, "7", "device_group: must be a string"},
			{`nonsense`, "", "payload: is not JSON"},
			{`{"device_group":"shops"}`, "", "request_id: must have 1 to 64 characters"},
		} {
			reply := ask(t, tc.payload)
			if reply.RequestID != tc.id || !strings.Contains(reply.Error, tc.want) || reply.Config != nil {
				t.Errorf("%s is answered with %#v, want the error %q", tc.payload, reply, tc.want)
			}
			if strings.Contains(reply.Error, "fire") {
				t.Errorf("the reply tells internals: %q", reply.Error)
			}
		}
		if len(elsewhere) > 0 {
			t.Errorf("a Response Topic made the manager publish to %s", (<-elsewhere).Topic)
		}
	})
}

func TestRetainedCheckInsAreNotAnswered(t *testing.T) {
	responder := New(nil, configs{}, new(marks), Options{Queue: 10})
	responder.take(client.Message{Retain: true})
	responder.take(client.Message{})
	if len(responder.queue) != 1 {
		t.Errorf("%d check-ins are queued, want the one that is not retained", len(responder.queue))
	}
}
