package clienttest

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"muster/broker/client"
)

func testOnUpAtOnce(t *testing.T, b Local) {
	c := b.Client(t, "c")
	defer c.Close()
	up(t, c)
	up(t, c) // now it is up, and a second function is called too
}

func testOnUpAfterSubscriptions(t *testing.T, b Local) {
	c := b.Client(t, "c")
	defer c.Close()
	in := subscribe(t, c, topic("up"))
	published := make(chan error, 10)
	c.OnUp(func() {
		published <- c.Publish(t.Context(), client.Message{Topic: topic("up"), Payload: []byte("first"), QoS: 1})
	})
	if err := wait(t, published, "OnUp was not called, or Publish did not return in it"); err != nil {
		t.Fatalf("publish in OnUp: %v", err)
	}
	in.want(t, "first")

	// A function that comes later waits for the subscriptions made before it.
	in = subscribe(t, c, topic("up2"))
	c.OnUp(func() {
		published <- c.Publish(t.Context(), client.Message{Topic: topic("up2"), Payload: []byte("second"), QoS: 1})
	})
	if err := wait(t, published, "the second OnUp was not called"); err != nil {
		t.Fatalf("publish in OnUp: %v", err)
	}
	in.want(t, "second")
}

func testCloseWaits(t *testing.T, b Local) {
	peer := NewPeer(t, b.URL(), "peer")
	c := b.Client(t, "c")
	entered, release := make(chan struct{}, 10), make(chan struct{})
	var (
		calls atomic.Int32
		left  atomic.Bool
	)
	err := c.Subscribe(client.Subscription{Filter: topic("slow"), QoS: 1, Handler: func(client.Message) {
		calls.Add(1)
		entered <- struct{}{}
		<-release
		left.Store(true)
	}})
	if err != nil {
		t.Fatal(err)
	}
	up(t, c)
	for range 3 {
		peer.Publish(client.Message{Topic: topic("slow"), Payload: []byte("x")})
	}
	wait(t, entered, "the handler was not called")

	closed := make(chan struct{})
	go func() {
		_ = c.Close()
		close(closed)
	}()
	deadline := time.Now().Add(patience)
	for !errors.Is(c.Publish(context.Background(), client.Message{Topic: topic("x")}), client.ErrClosed) {
		if time.Now().After(deadline) {
			t.Fatal("Publish does not fail with ErrClosed while Close waits")
		}
	}
	select {
	case <-closed:
		t.Fatal("Close returned while a handler ran")
	case <-time.After(50 * time.Millisecond): // long enough for a Close that does not wait
	}
	close(release)
	wait(t, closed, "Close did not return after the handler did")
	if !left.Load() {
		t.Error("Close returned before the handler did")
	}
	if n := calls.Load(); n != 1 {
		t.Errorf("%d handlers were called for messages that waited when Close was called", n-1)
	}
}

func testAfterClose(t *testing.T, b Local) {
	peer := NewPeer(t, b.URL(), "peer")
	c := b.Client(t, "c")
	in := subscribe(t, c, topic("closed"))
	up(t, c)
	for i := range 3 {
		if err := c.Close(); err != nil {
			t.Errorf("close number %d: %v", i+1, err)
		}
	}
	peer.Subscribe(topic("closed"))
	peer.Publish(client.Message{Topic: topic("closed"), Payload: []byte("x")})
	peer.Next()
	in.wantEmpty(t)
	if err := c.Publish(t.Context(), client.Message{Topic: topic("closed"), QoS: 1}); !errors.Is(err, client.ErrClosed) {
		t.Errorf("publish: %v, want ErrClosed", err)
	}
	err := c.Subscribe(client.Subscription{Filter: topic("closed"), Handler: in.add})
	if !errors.Is(err, client.ErrClosed) {
		t.Errorf("subscribe: %v, want ErrClosed", err)
	}
	c.OnUp(func() { t.Error("OnUp called a function after Close") })
}

func testNoGoroutineLeft(t *testing.T, b Local) {
	before := runtime.NumGoroutine()
	for _, id := range []string{"a", "b", "c"} {
		c := b.Client(t, id)
		subscribe(t, c, topic("leak"))
		up(t, c)
		publish(t, c, "leak", "x")
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	wantGoroutines(t, before)
}

// wantGoroutines waits until there are no more than that many goroutines. The last steps of one that
// ends are not for anybody to wait for, hence the patience.
func wantGoroutines(t *testing.T, most int) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for runtime.NumGoroutine() > most {
		if time.Now().After(deadline) {
			stacks := make([]byte, 1<<20)
			t.Fatalf("%d goroutines, want %d or fewer:\n%s", runtime.NumGoroutine(), most, stacks[:runtime.Stack(stacks, true)])
		}
		time.Sleep(time.Millisecond)
	}
}

func testServerClosed(t *testing.T, b InProcess) {
	c := b.Client(t, "c")
	subscribe(t, c, topic("gone"))
	up(t, c)
	b.CloseServer()
	err := c.Publish(t.Context(), client.Message{Topic: topic("gone"), QoS: 1})
	if !errors.Is(err, client.ErrNotConnected) {
		t.Errorf("publish after the server was closed: %v, want an error that wraps ErrNotConnected", err)
	}
	if err := c.Close(); err != nil {
		t.Errorf("close after the server was closed: %v", err)
	}
}
