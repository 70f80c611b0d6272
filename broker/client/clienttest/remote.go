package clienttest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"muster/broker/client"
)

// down waits until c knows that it has no connection.
func down(t *testing.T, c client.Client) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !errors.Is(c.Publish(t.Context(), client.Message{Topic: topic("down")}), client.ErrNotConnected) {
		if time.Now().After(deadline) {
			t.Fatal("Publish does not say that the connection is lost")
		}
		time.Sleep(time.Millisecond)
	}
}

// ups has OnUp count the connections in a channel.
func ups(c client.Client) <-chan struct{} {
	calls := make(chan struct{}, 1000)
	c.OnUp(func() { calls <- struct{}{} })
	return calls
}

func testBrokerComesUpLater(t *testing.T, b Remote, dial Dialer) {
	b.Stop()
	c := dial(t, DialOptions{URL: b.URL(), ID: "c"})
	defer c.Close()
	in := subscribe(t, c, topic("later"))
	connected := ups(c)
	for _, qos := range []byte{0, 1} {
		start := time.Now()
		err := c.Publish(t.Context(), client.Message{Topic: topic("later"), QoS: qos})
		if !errors.Is(err, client.ErrNotConnected) {
			t.Errorf("QoS %d: publish without a broker: %v, want an error that wraps ErrNotConnected", qos, err)
		}
		if took := time.Since(start); took > patience/4 {
			t.Errorf("QoS %d: publish without a broker took %v, want it to fail at once", qos, took)
		}
	}
	select {
	case <-connected:
		t.Error("OnUp was called without a broker")
	default:
	}
	b.Start()
	wait(t, connected, "OnUp was not called after the broker came up")
	publish(t, c, "later", "x")
	in.want(t, "x")
}

func testBrokerRestart(t *testing.T, b Remote, dial Dialer) {
	c := dial(t, DialOptions{URL: b.URL(), ID: "c"})
	defer c.Close()
	in := subscribe(t, c, topic("restart"))
	connected := ups(c)
	wait(t, connected, "OnUp was not called")
	for i := range 2 {
		b.Stop()
		down(t, c)
		late := ups(c)
		b.Start()
		wait(t, connected, "OnUp was not called after the broker came back")
		wait(t, late, "a function given to OnUp while there was no connection was not called")
		payload := fmt.Sprint("after restart ", i)
		NewPeer(t, b.URL(), fmt.Sprint("peer", i)).Publish(client.Message{Topic: topic("restart"), Payload: []byte(payload)})
		in.want(t, payload)
		publish(t, c, "restart", "own")
		in.want(t, "own")
		if len(late) > 0 {
			t.Error("a function given to OnUp while there was no connection was called before there was one")
		}
	}
	if n := len(connected); n > 0 {
		t.Errorf("OnUp was called %d times too often", n)
	}
}

func testConnectionCut(t *testing.T, b Remote, dial Dialer) {
	proxy := NewProxy(t, b.URL())
	c := dial(t, DialOptions{URL: proxy.URL(), ID: "c"})
	defer c.Close()
	in := subscribe(t, c, topic("cut"))
	connected := ups(c)
	wait(t, connected, "OnUp was not called")
	for i := range 3 {
		proxy.Cut()
		wait(t, connected, "OnUp was not called after the connection was cut")
		publish(t, c, "cut", fmt.Sprint(i))
		in.want(t, fmt.Sprint(i))
	}
}

func testTakenOver(t *testing.T, b Remote, dial Dialer) {
	c := dial(t, DialOptions{URL: b.URL(), ID: "c"})
	defer c.Close()
	in := subscribe(t, c, topic("taken"))
	connected := ups(c)
	wait(t, connected, "OnUp was not called")
	// The other takes the place in the broker and ends the session.
	NewPeer(t, b.URL(), "c").Close()
	wait(t, connected, "OnUp was not called after another client had taken the place")
	publish(t, c, "taken", "x")
	in.want(t, "x")
}

func testRetainedOnEveryConnection(t *testing.T, b Remote, dial Dialer) {
	NewPeer(t, b.URL(), "peer").Publish(retained("every", "x"))
	proxy := NewProxy(t, b.URL())
	c := dial(t, DialOptions{URL: proxy.URL(), ID: "c"})
	defer c.Close()
	in := subscribe(t, c, topic("every"))
	for range 3 {
		if m := in.want(t, "x"); !m.Retain {
			t.Error("a replayed message does not say that it is a retained one")
		}
		proxy.Cut()
	}
}

func testSubscribeWhileDown(t *testing.T, b Remote, dial Dialer) {
	c := dial(t, DialOptions{URL: b.URL(), ID: "c"})
	defer c.Close()
	replaced := subscribe(t, c, topic("replaced"))
	up(t, c)
	b.Stop()
	down(t, c)
	added := subscribe(t, c, topic("added"))
	replacement := subscribe(t, c, topic("replaced"))
	b.Start()
	up(t, c)
	publish(t, c, "added", "1")
	added.want(t, "1")
	publish(t, c, "replaced", "2")
	replacement.want(t, "2")
	replaced.wantEmpty(t)
}

func testPublishDuringBreak(t *testing.T, b Remote, dial Dialer) {
	proxy := NewProxy(t, b.URL())
	c := dial(t, DialOptions{URL: proxy.URL(), ID: "c"})
	defer c.Close()
	connected := ups(c)
	wait(t, connected, "OnUp was not called")
	peer := NewPeer(t, b.URL(), "peer")
	peer.Subscribe(topic("break"))

	proxy.Deafen(true)
	result := make(chan error, 1)
	go func() {
		result <- c.Publish(context.Background(), client.Message{Topic: topic("break"), Payload: []byte("x"), QoS: 1})
	}()
	peer.Next() // the broker has it, the acknowledgement is on its way to nowhere
	proxy.Cut()
	proxy.Deafen(false)
	if err := wait(t, result, "Publish hangs after the connection broke"); !errors.Is(err, client.ErrNotConnected) {
		t.Errorf("publish during a break: %v, want an error that wraps ErrNotConnected", err)
	}
	wait(t, connected, "OnUp was not called after the connection broke")

	proxy.Deafen(true)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { result <- c.Publish(ctx, client.Message{Topic: topic("break"), Payload: []byte("y"), QoS: 1}) }()
	peer.Next()
	cancel()
	if err := wait(t, result, "Publish hangs after its context ended"); !errors.Is(err, context.Canceled) {
		t.Errorf("publish with a context that ends: %v, want context.Canceled", err)
	}
}

func testWillAfterBreak(t *testing.T, b Remote, dial Dialer) {
	peer := NewPeer(t, b.URL(), "peer")
	peer.Subscribe(topic("will"))
	proxy := NewProxy(t, b.URL())
	var asked atomic.Int32
	c := dial(t, DialOptions{URL: proxy.URL(), ID: "c", Will: func() *client.Message {
		session := asked.Add(1)
		m := retained("will", fmt.Sprint("session ", session))
		return &m
	}})
	defer c.Close()
	connected := ups(c)
	for range 2 {
		wait(t, connected, "OnUp was not called")
		session := fmt.Sprint("session ", asked.Load())
		proxy.Cut()
		// The first may come twice: as it happens, and as a retained message when a broker takes its time to
		// replay those.
		for string(peer.Next().Payload) != session {
		}
	}
	wait(t, connected, "OnUp was not called")
	last := NewPeer(t, b.URL(), "last")
	last.Subscribe(topic("will"))
	if m := last.Next(); !m.Retain {
		t.Error("the will was not retained")
	}
}

func testNoWillAfterClose(t *testing.T, b Remote, dial Dialer) {
	peer := NewPeer(t, b.URL(), "peer")
	peer.Subscribe("muster/v1/groups/+/config")
	c := dial(t, DialOptions{URL: b.URL(), ID: "c", Will: func() *client.Message {
		return &client.Message{Topic: topic("will"), Payload: []byte("will"), QoS: 1}
	}})
	up(t, c)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	// Taking the id's place makes sure that the broker is through with the connection.
	again := NewPeer(t, b.URL(), "c")
	again.Publish(client.Message{Topic: topic("end"), Payload: []byte("end")})
	if m := peer.Next(); string(m.Payload) != "end" {
		t.Errorf("the broker published %q after a goodbye", m.Payload)
	}
}

func testSharedTogether(t *testing.T, b Remote, dial Dialer) {
	const messages = 40
	got := make(chan client.Message, 2*messages)
	for _, id := range []string{"a", "b"} {
		c := dial(t, DialOptions{URL: b.URL(), ID: id})
		defer c.Close()
		s := client.Subscription{Filter: topic("shared"), Share: "managers", QoS: 1, Handler: func(m client.Message) { got <- m }}
		if err := c.Subscribe(s); err != nil {
			t.Fatal(err)
		}
		up(t, c)
	}
	peer := NewPeer(t, b.URL(), "peer")
	for i := range messages {
		peer.Publish(client.Message{Topic: topic("shared"), Payload: []byte(fmt.Sprint(i))})
	}
	seen := map[string]bool{}
	for range messages {
		m := wait(t, got, "a message that was expected did not arrive")
		if seen[string(m.Payload)] {
			t.Errorf("message %s arrived twice", m.Payload)
		}
		seen[string(m.Payload)] = true
	}
}

func testCloseWhileDown(t *testing.T, b Remote, dial Dialer) {
	c := dial(t, DialOptions{URL: b.URL(), ID: "c"})
	up(t, c)
	b.Stop()
	down(t, c)
	closed := make(chan error, 1)
	go func() { closed <- c.Close() }()
	if err := wait(t, closed, "Close hangs while there is no broker"); err != nil {
		t.Errorf("close while there is no broker: %v", err)
	}
	never := dial(t, DialOptions{URL: b.URL(), ID: "never"})
	go func() { closed <- never.Close() }()
	if err := wait(t, closed, "Close hangs when there never was a broker"); err != nil {
		t.Errorf("close when there never was a broker: %v", err)
	}
}

func testNoGoroutineAfterReconnects(t *testing.T, b Remote, dial Dialer) {
	proxy := NewProxy(t, b.URL())
	before := runtime.NumGoroutine()
	c := dial(t, DialOptions{URL: proxy.URL(), ID: "c"})
	subscribe(t, c, topic("leak"))
	connected := ups(c)
	for range 5 {
		wait(t, connected, "OnUp was not called")
		publish(t, c, "leak", "x")
		proxy.Cut()
	}
	wait(t, connected, "OnUp was not called")
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	wantGoroutines(t, before)
}
