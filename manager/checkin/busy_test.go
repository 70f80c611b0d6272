package checkin

import (
	"bytes"
	"context"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"muster/broker/client"
	"muster/broker/client/network"
	"muster/broker/client/network/networktest"
	"muster/manager/store"
	"muster/test/rig"
	"muster/topics"
)

func TestAFullQueueDropsAndSlowsTheFleet(t *testing.T) {
	responder := New(nil, configs{memory: snapshotOf(t, "shops", 7)}, new(marks), Options{Queue: 16, Interval: 30 * time.Second})
	for i, want := range map[int][2]int64{0: {0, 0}, 7: {0, 0}, 8: {60, 90}, 13: {60, 90}, 14: {120, 180}, 16: {120, 180}} {
		if got := [2]int64{nextIn(i, 16, 30*time.Second, 0), nextIn(i, 16, 30*time.Second, 1)}; got != want {
			t.Errorf("with %d of 16 waiting, next_in is from %d to %d, want %d", i, got[0], got[1], want)
		}
	}
	for range 20 {
		responder.take(client.Message{Topic: "muster/v1/devices/d1/checkin"})
	}
	if responder.Count(Dropped) != 4 {
		t.Errorf("%d were dropped, want 4", responder.Count(Dropped))
	}
	asked := make(map[int64]bool)
	for range 50 {
		reply := responder.decide(t.Context(), []byte(`{"request_id":"1","device_group":"shops"}`))
		if reply.NextIn < 120 || reply.NextIn > 180 {
			t.Errorf("a busy manager asks for %d s, want 120 to 180", reply.NextIn)
		}
		asked[reply.NextIn] = true
	}
	if len(asked) < 5 {
		t.Errorf("50 devices are asked to come back at only %d different times", len(asked))
	}
}

// blocked is a store that does not answer, besides a group in memory.
type blocked struct {
	configs
	waiting chan struct{}
}

func (b blocked) Current(ctx context.Context, _ string) (store.Snapshot, error) {
	b.waiting <- struct{}{}
	<-ctx.Done()
	return store.Snapshot{}, ctx.Err()
}

// sink is a client that takes, or refuses, what is published.
type sink struct {
	client.Client
	handler chan client.Handler
	err     error
	replies chan client.Message
	hold    chan struct{} // when not nil, a reply is taken when it is closed
}

func (s sink) Subscribe(sub client.Subscription) error {
	s.handler <- sub.Handler
	return nil
}

func (s sink) Publish(_ context.Context, m client.Message) error {
	s.replies <- m
	if s.hold != nil {
		<-s.hold
	}
	return s.err
}

func TestAStoreThatHangsHoldsUpNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := sink{handler: make(chan client.Handler, 1), replies: make(chan client.Message, 200)}
		store := blocked{configs{memory: snapshotOf(t, "shops", 7)}, make(chan struct{}, 200)}
		responder := New(c, store, new(marks), Options{})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- responder.Run(ctx) }()
		take := <-c.handler
		for range 100 {
			take(client.Message{Topic: "muster/v1/devices/d1/checkin", Payload: []byte(`{"request_id":"1","device_group":"nowhere"}`)})
		}
		take(client.Message{Topic: "muster/v1/devices/d2/checkin", Payload: []byte(`{"request_id":"1","device_group":"shops"}`)})
		synctest.Wait()
		if len(store.waiting) != lookups || len(c.replies) != 101-lookups {
			t.Errorf("%d wait for the store, want %d; %d are answered, want %d", len(store.waiting), lookups, len(c.replies), 101-lookups)
		}
		var refused, answered int
		for len(c.replies) > 0 {
			reply, err := topics.ParseCheckinReply((<-c.replies).Payload)
			switch {
			case err != nil:
				t.Error(err)
			case strings.Contains(reply.Error, "ask again"):
				refused++
			case reply.Config != nil:
				answered++
			}
		}
		if refused != 100-lookups || answered != 1 {
			t.Errorf("%d are asked to ask again and %d are answered, want %d and 1", refused, answered, 100-lookups)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestRepliesUnderWay(t *testing.T) {
	for qos, want := range map[byte]int{0: workers, 1: remoteWorkers} {
		synctest.Test(t, func(t *testing.T) {
			c := sink{handler: make(chan client.Handler, 1), replies: make(chan client.Message, 200), hold: make(chan struct{})}
			responder := New(c, configs{memory: snapshotOf(t, "shops", 7)}, new(marks), Options{QoS: qos, Interval: time.Minute})
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- responder.Run(ctx) }()
			take := <-c.handler
			for range 100 {
				take(client.Message{Topic: "muster/v1/devices/d1/checkin", Payload: []byte(`{"request_id":"1","device_group":"shops"}`)})
			}
			synctest.Wait()
			if len(c.replies) != want {
				t.Errorf("%d replies of QoS %d are under way, want %d", len(c.replies), qos, want)
			}
			m := <-c.replies
			if m.Topic != "muster/v1/devices/d1/reply" || m.QoS != qos || m.Retain || m.Expiry != time.Minute || m.ContentType != "application/json" {
				t.Errorf("a reply of QoS %d is published as %+v", qos, m)
			}
			close(c.hold)
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
}

func TestUnansweredCheckInsAreLoggedOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer // read when nothing runs
		c := sink{handler: make(chan client.Handler, 1), replies: make(chan client.Message, 200), err: client.ErrRefused}
		responder := New(c, configs{memory: snapshotOf(t, "shops", 7)}, new(marks), Options{Queue: 4, Log: slog.New(slog.NewTextHandler(&log, nil))})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- responder.Run(ctx) }()
		take := <-c.handler
		for range 10 {
			take(client.Message{Topic: "muster/v1/devices/d1/checkin", Payload: []byte(`{"request_id":"1","device_group":"shops"}`)})
			synctest.Wait()
		}
		responder.tally[Dropped].Add(7)
		time.Sleep(10 * time.Minute) // synctest's time
		synctest.Wait()
		for text, want := range map[string]int{"failed=10": 1, "dropped=7": 1, client.ErrRefused.Error(): 1, "level=WARN": 2} {
			if got := strings.Count(log.String(), text); got != want {
				t.Errorf("%q is in the log %d times, want %d:\n%s", text, got, want, log.String())
			}
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// A watched client tells when it has been asked to subscribe.
type watched struct {
	client.Client
	subscribed chan struct{}
}

func (w watched) Subscribe(s client.Subscription) error {
	defer close(w.subscribed)
	return w.Client.Subscribe(s)
}

// awaitUp waits until what the client has been asked to subscribe to is in place.
func awaitUp(c client.Client) {
	up := make(chan struct{}, 10)
	c.OnUp(func() { up <- struct{}{} })
	<-up
}

// Managers that share check-ins answer each of them once.
func TestManagersShareCheckIns(t *testing.T) {
	const asked = 50
	url := rig.Mosquitto(t, rig.MosquittoOptions{}).URL()
	dial := func(id string) client.Client { return networktest.Dial(t, network.Options{URL: url, ClientID: id}) }
	for _, name := range []string{"m1", "m2"} {
		c := watched{dial(name), make(chan struct{})}
		responder := New(c, configs{memory: snapshotOf(t, "shops", 7)}, new(marks), Options{Share: "managers", QoS: 1})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- responder.Run(ctx) }()
		t.Cleanup(func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
		<-c.subscribed
		awaitUp(c)
	}
	device := dial("d1")
	replies := make(chan client.Message, 10*asked)
	err := device.Subscribe(client.Subscription{Filter: "muster/v1/devices/d1/reply", QoS: 1, Handler: func(m client.Message) { replies <- m }})
	if err != nil {
		t.Fatal(err)
	}
	awaitUp(device)
	ask := func(id string) {
		payload := `{"request_id":"` + id + `","device_group":"shops"}`
		if err := device.Publish(t.Context(), client.Message{Topic: "muster/v1/devices/d1/checkin", Payload: []byte(payload), QoS: 1}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range asked {
		ask(strconv.Itoa(i))
	}
	ask("last")
	answers := make(map[string]int)
	for answers["last"] == 0 || len(answers) < asked+1 {
		select {
		case m := <-replies:
			reply, err := topics.ParseCheckinReply(m.Payload)
			if err != nil {
				t.Fatal(err)
			}
			answers[reply.RequestID]++
		case <-time.After(20 * time.Second):
			t.Fatalf("%d of %d are answered", len(answers), asked+1)
		}
	}
	for id, n := range answers {
		if n != 1 {
			t.Errorf("check-in %s is answered %d times", id, n)
		}
	}
}
