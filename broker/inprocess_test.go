package broker

import (
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"

	"muster/broker/client"
	"muster/topics"
)

// More retained messages than a queue holds are replayed, each once and all with their flag.
func TestLocalReplayIsNotLimitedByTheQueue(t *testing.T) {
	const messages = 3 * queueLength
	s := listen(t, nil)
	c := s.Client("c")
	defer c.Close()
	subject := &subject{t: t, guarded: s, manager: c}
	for i := range messages {
		subject.publish(group(fmt.Sprint(i)), "x", true)
	}
	got := make(chan client.Message, messages+1)
	if err := c.Subscribe(client.Subscription{Filter: "muster/v1/groups/+/config", Handler: func(m client.Message) { got <- m }}); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for range messages {
		select {
		case m := <-got:
			if seen[m.Topic] || !m.Retain {
				t.Fatalf("%s came twice or without the retain flag", m.Topic)
			}
			seen[m.Topic] = true
		case <-time.After(patience):
			t.Fatalf("%d of %d messages were replayed", len(seen), messages)
		}
	}
}

// A slow handler holds up those who publish to it and loses nothing.
func TestLocalBackPressure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := listen(t, nil)
		c := s.Client("c")
		defer c.Close()
		var handled atomic.Int64
		subscribeLocal(t, c, "#", func(string) {
			time.Sleep(time.Second)
			handled.Add(1)
		})
		const messages = queueLength + 100
		w := dialMemory(t, s, 5).mustConnect("d1", as("d1"))
		start := time.Now()
		for range messages {
			w.publish(device(topics.DeviceStatus, "d1"), "x", false)
		}
		if took := time.Since(start); took < 90*time.Second {
			t.Errorf("publishing took %v, want it to wait for the handler", took)
		}
		time.Sleep(messages * time.Second)
		if got := handled.Load(); got != messages {
			t.Errorf("%d of %d messages were handled", got, messages)
		}
		if n := s.Stats().DroppedInProcess; n != 0 {
			t.Errorf("%d messages were dropped", n)
		}
	})
}

// A handler that is stuck costs each publisher a wait once, then messages, but not the broker.
func TestLocalStuckHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := listen(t, nil)
		c := s.Client("c")
		defer c.Close()
		stuck, handled := make(chan struct{}), 0
		subscribeLocal(t, c, "muster/v1/devices/#", func(string) {
			<-stuck
			handled++
		})
		w := dialMemory(t, s, 5).mustConnect("d1", as("d1"))
		viewer := dialMemory(t, s, 5).mustConnect("v", as("viewer"))
		viewer.subscribe(group("a"))
		status := device(topics.DeviceStatus, "d1")
		w.publish(status, "x", false) // is with the handler
		synctest.Wait()
		for range queueLength {
			w.publish(status, "x", false)
		}
		if n := s.Stats().DroppedInProcess; n != 0 {
			t.Fatalf("%d messages were dropped while there was room", n)
		}
		start := time.Now()
		const more = 10
		for range more {
			w.publish(status, "x", false)
		}
		if took := time.Since(start); took != stuckAfter {
			t.Errorf("publishing to a stuck client took %v, want %v once", took, stuckAfter)
		}
		if n := s.Stats().DroppedInProcess; n != more {
			t.Errorf("%d messages were dropped, want %d", n, more)
		}
		// Everybody else is served.
		(&subject{t: t, guarded: s, manager: c}).publish(group("a"), "y", false)
		viewer.wantMessage(group("a"), "y")

		close(stuck)
		synctest.Wait()
		w.publish(status, "x", false)
		synctest.Wait()
		if want := queueLength + 2; handled != want {
			t.Errorf("%d messages were handled in the end, want %d", handled, want)
		}
	})
}

// Closing a client or the server sets those free who wait for a stuck handler.
func TestLocalCloseFreesPublishers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := listen(t, nil)
		c := s.Client("c")
		stuck := make(chan struct{})
		subscribeLocal(t, c, "#", func(string) { <-stuck })
		published := make(chan error)
		go func() {
			for range queueLength + 2 {
				if err := c.Publish(t.Context(), client.Message{Topic: group("a")}); err != nil {
					published <- err
					return
				}
			}
			published <- nil
		}()
		synctest.Wait()
		start := time.Now()
		go c.Close()
		if err := <-published; err != nil {
			t.Errorf("publish: %v", err)
		}
		if waited := time.Since(start); waited != 0 {
			t.Errorf("the publisher was set free after %v", waited)
		}
		close(stuck)
		synctest.Wait()
	})
}

// A message that expires is not replayed after that, and is forgotten.
func TestExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := listen(t, nil)
		c := s.Client("c")
		defer c.Close()
		m := client.Message{Topic: group("a"), Payload: []byte("x"), Retain: true, Expiry: 90 * time.Second}
		if err := c.Publish(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		time.Sleep(30 * time.Second)
		for _, filter := range []string{group("a"), "#"} {
			w := dialMemory(t, s, 5).mustConnect("w", as("viewer"))
			w.subscribe(filter)
			if left := w.wantMessage(group("a"), "x").Properties.MessageExpiryInterval; left != 60 {
				t.Errorf("%s: replayed with %d s left, want 60", filter, left)
			}
			_ = w.Close()
			synctest.Wait()
		}
		time.Sleep(61 * time.Second)
		w := dialMemory(t, s, 5).mustConnect("w", as("viewer"))
		w.subscribe(group("a"), "#")
		w.wantSilence()
		time.Sleep(sweepInterval)
		if n := s.Stats().Retained; n != 0 {
			t.Errorf("%d messages are kept", n)
		}
	})
}

func TestLocalRetainLimit(t *testing.T) {
	s := listen(t, func(o *Options) { o.MaxRetained = 1 })
	c := s.Client("c")
	defer c.Close()
	for i, want := range []bool{true, false} {
		err := c.Publish(t.Context(), client.Message{Topic: group(fmt.Sprint(i)), Payload: []byte("x"), Retain: true})
		if (err == nil) != want {
			t.Errorf("message %d: %v", i, err)
		}
	}
}

// What is acknowledged to a network client is in the queue of the process already.
func TestAcknowledgedIsDelivered(t *testing.T) {
	s := listen(t, nil)
	c := s.Client("c")
	defer c.Close()
	hold := make(chan struct{})
	defer close(hold)
	held := make(chan struct{}, 10)
	subscribeLocal(t, c, "#", func(string) {
		held <- struct{}{}
		<-hold
	})
	waiting := make(chan int, 10)
	here, there := net.Pipe()
	go s.handle(hookedConn{there, func(p []byte) {
		if p[0] == packets.Puback<<4 {
			waiting <- len(c.(*inProcess).queue)
		}
	}}, true)
	w := newWire(t, here, 5).mustConnect("d1", as("d1"))
	w.publish(device(topics.DeviceStatus, "d1"), "1", false)
	<-held
	<-waiting
	for want := 1; want <= 3; want++ {
		w.publish(device(topics.DeviceStatus, "d1"), "2", false)
		if got := <-waiting; got != want {
			t.Errorf("at the acknowledgement %d messages wait in the queue, want %d", got, want)
		}
	}
}

// A retained message that is replaced while a replay waits for its turn is passed over: its successor comes
// through the queue.
func TestLocalReplayPassesOverReplaced(t *testing.T) {
	s := listen(t, nil)
	c := s.Client("c")
	defer c.Close()
	subject := &subject{t: t, guarded: s, manager: c}
	names := []string{"a", "b", "c"}
	for _, name := range names {
		subject.publish(group(name), "old", true)
	}
	got, hold := make(chan client.Message, 10), make(chan struct{})
	err := c.Subscribe(client.Subscription{Filter: "#", Handler: func(m client.Message) {
		got <- m
		<-hold
	}})
	if err != nil {
		t.Fatal(err)
	}
	first := <-got
	for _, name := range names {
		subject.publish(group(name), "new", true)
	}
	close(hold)
	if string(first.Payload) != "old" || !first.Retain {
		t.Errorf("first came %+v, want an old one", first)
	}
	for range names {
		if m := <-got; string(m.Payload) != "new" || m.Retain {
			t.Errorf("then came %+v, want a new one", m)
		}
	}
}

// A function of OnUp that waits for its turn is not called after Close.
func TestLocalOnUpAfterClose(t *testing.T) {
	s := listen(t, nil)
	c := s.Client("c")
	entered, hold := make(chan struct{}), make(chan struct{})
	c.OnUp(func() {
		close(entered)
		<-hold
	})
	<-entered
	c.OnUp(func() { t.Error("called after Close") })
	closed := make(chan struct{})
	go func() {
		_ = c.Close()
		close(closed)
	}()
	eventually(t, "the client is closing", func() bool {
		return errors.Is(c.Publish(t.Context(), messageTo(group("a"))), client.ErrClosed)
	})
	close(hold)
	<-closed
}
