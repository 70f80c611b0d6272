package clienttest

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"muster/broker/client"
)

func retained(name, payload string) client.Message {
	return client.Message{Topic: topic(name), Payload: []byte(payload), QoS: 1, Retain: true}
}

func testRetainedReplay(t *testing.T, b Local) {
	peer := NewPeer(t, b.URL(), "peer")
	peer.Publish(retained("a", "old"))
	c := b.Client(t, "c")
	defer c.Close()
	if err := c.Publish(t.Context(), retained("b", "own")); err != nil {
		// A client that is not connected yet may say so; then the message waits until it is.
		up(t, c)
		if err := c.Publish(t.Context(), retained("b", "own")); err != nil {
			t.Fatal(err)
		}
	}
	a, own := subscribe(t, c, topic("a")), subscribe(t, c, topic("b"))
	if m := a.want(t, "old"); !m.Retain {
		t.Error("a replayed message does not say that it is a retained one")
	}
	if m := own.want(t, "own"); !m.Retain {
		t.Error("the client's own message, replayed, does not say that it is a retained one")
	}
	up(t, c)
	peer.Publish(retained("a", "new"))
	if m := a.want(t, "new"); m.Retain {
		t.Error("a message that was published while subscribed says that it was retained before")
	}
	late := subscribe(t, c, "muster/v1/groups/+/config")
	got := map[string]bool{string(late.next(t).Payload): true, string(late.next(t).Payload): true}
	if !got["new"] || !got["own"] {
		t.Errorf("a wildcard subscription replayed %v, want new and own", got)
	}
}

func testRetainedClear(t *testing.T, b Local) {
	peer := NewPeer(t, b.URL(), "peer")
	peer.Publish(retained("cleared", "x"))
	peer.Publish(retained("last", "x"))
	c := b.Client(t, "c")
	defer c.Close()
	before := subscribe(t, c, topic("cleared"))
	before.want(t, "x")
	up(t, c)
	if err := c.Publish(t.Context(), retained("cleared", "")); err != nil {
		t.Fatal(err)
	}
	if m := before.want(t, ""); m.Retain {
		t.Error("the message that clears says that it was retained")
	}
	other := NewPeer(t, b.URL(), "other")
	other.Subscribe("muster/v1/groups/+/config")
	if m := other.Next(); m.Topic != topic("last") {
		t.Errorf("%s still has a message, %q, after it was cleared", m.Topic, m.Payload)
	}
	after := subscribe(t, c, "muster/v1/groups/+/config")
	if m := after.next(t); m.Topic != topic("last") {
		t.Errorf("%s still has a message, %q, after it was cleared", m.Topic, m.Payload)
	}
}

func testInvalidSubscription(t *testing.T, b Local) {
	c := b.Client(t, "c")
	defer c.Close()
	ignore := func(client.Message) {}
	for name, s := range map[string]client.Subscription{
		"no filter":          {Handler: ignore},
		"no handler":         {Filter: topic("x")},
		"# in the middle":    {Filter: "muster/#/config", Handler: ignore},
		"+ in a level":       {Filter: "muster/v1/groups/a+/config", Handler: ignore},
		"too long":           {Filter: strings.Repeat("x", 300), Handler: ignore},
		"QoS 2":              {Filter: topic("x"), QoS: 2, Handler: ignore},
		"share in filter":    {Filter: "$share/managers/" + topic("x"), Handler: ignore},
		"slash in share":     {Filter: topic("x"), Share: "a/b", Handler: ignore},
		"wildcard in share":  {Filter: topic("x"), Share: "#", Handler: ignore},
		"NUL in share's end": {Filter: topic("x"), Share: "a\x00", Handler: ignore},
	} {
		if err := c.Subscribe(s); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	in := subscribe(t, c, topic("valid"))
	up(t, c)
	publish(t, c, "valid", "x")
	in.want(t, "x")
}

func testReplaceHandler(t *testing.T, b Local) {
	peer := NewPeer(t, b.URL(), "peer")
	peer.Publish(retained("replace", "1"))
	c := b.Client(t, "c")
	defer c.Close()
	first := subscribe(t, c, topic("replace"))
	first.want(t, "1")
	up(t, c)
	second := subscribe(t, c, topic("replace"))
	if m := second.want(t, "1"); !m.Retain {
		t.Error("the new handler got the retained message without its flag")
	}
	peer.Publish(retained("replace", "2"))
	second.want(t, "2")
	first.wantEmpty(t)
}

func testSubscribeInHandler(t *testing.T, b Local) {
	peer := NewPeer(t, b.URL(), "peer")
	peer.Publish(retained("inner", "x"))
	c := b.Client(t, "c")
	defer c.Close()
	inner := newInbox()
	err := c.Subscribe(client.Subscription{Filter: topic("outer"), Handler: func(client.Message) {
		if err := c.Subscribe(client.Subscription{Filter: topic("inner"), Handler: inner.add}); err != nil {
			t.Error(err)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	up(t, c)
	peer.Publish(client.Message{Topic: topic("outer")})
	inner.want(t, "x")
}

func testSharedAlone(t *testing.T, b Local) {
	peer := NewPeer(t, b.URL(), "peer")
	c := b.Client(t, "c")
	defer c.Close()
	in := newInbox()
	s := client.Subscription{Filter: "muster/v1/groups/+/config", Share: "managers", QoS: 1, Handler: in.add}
	if err := c.Subscribe(s); err != nil {
		t.Fatal(err)
	}
	up(t, c)
	for i := range 20 {
		peer.Publish(client.Message{Topic: topic(fmt.Sprint("shared", i)), Payload: []byte(fmt.Sprint(i))})
	}
	for i := range 20 {
		if m := in.want(t, fmt.Sprint(i)); m.Topic != topic(fmt.Sprint("shared", i)) {
			t.Errorf("received topic %s, want it without the share's name", m.Topic)
		}
	}
}

func testOverlap(t *testing.T, b Local) {
	peer := NewPeer(t, b.URL(), "peer")
	c := b.Client(t, "c")
	defer c.Close()
	exact := subscribe(t, c, topic("overlap"))
	plus := subscribe(t, c, "muster/v1/groups/+/config")
	hash := subscribe(t, c, "muster/v1/groups/#")
	other := subscribe(t, c, topic("other"))
	up(t, c)
	peer.Publish(client.Message{Topic: topic("overlap"), Payload: []byte("x")})
	peer.Publish(client.Message{Topic: topic("other"), Payload: []byte("end")})
	// A broker may send one copy for each filter, and each handler then gets each copy; see Subscribe.
	exact.want(t, "x")
	plus.want(t, "x")
	hash.want(t, "x")
	plus.until(t, "end")
	hash.until(t, "end")
	other.want(t, "end")
}

func testWildcards(t *testing.T, b Local) {
	peer := NewPeer(t, b.URL(), "peer")
	c := b.Client(t, "c")
	defer c.Close()
	plus := subscribe(t, c, "muster/v1/groups/+/config")
	hash := subscribe(t, c, "muster/v1/devices/#")
	up(t, c)
	summary := "muster/v1/groups/a/summary"
	peer.Publish(client.Message{Topic: summary, Payload: []byte("summary")})
	peer.Publish(client.Message{Topic: "muster/v1/devices/d/reply", Payload: []byte("reply")})
	peer.Publish(client.Message{Topic: topic("a"), Payload: []byte("config")})
	plus.want(t, "config")
	hash.want(t, "reply")
	hash.wantEmpty(t)
}

func testHearsItself(t *testing.T, b Local) {
	c := b.Client(t, "c")
	defer c.Close()
	in := subscribe(t, c, topic("self"))
	up(t, c)
	publish(t, c, "self", "x")
	in.want(t, "x")
}

func testHandlersDoNotOverlap(t *testing.T, b Local) {
	c := b.Client(t, "c")
	defer c.Close()
	const publishers, each = 4, 25
	var running, overlaps atomic.Int32
	seen := make(chan struct{}, 2*publishers*each)
	for _, name := range []string{"one", "two"} {
		err := c.Subscribe(client.Subscription{Filter: topic(name), QoS: 1, Handler: func(client.Message) {
			if running.Add(1) != 1 {
				overlaps.Add(1)
			}
			for range 1000 {
				_ = strings.Repeat("x", 100) // take long enough to be caught
			}
			running.Add(-1)
			seen <- struct{}{}
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	up(t, c)
	var wg sync.WaitGroup
	for range publishers {
		wg.Go(func() {
			for range each {
				for _, name := range []string{"one", "two"} {
					m := client.Message{Topic: topic(name), Payload: []byte("x"), QoS: 1}
					if err := c.Publish(t.Context(), m); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	for range 2 * publishers * each {
		wait(t, seen, "a message that was expected did not arrive")
	}
	if n := overlaps.Load(); n > 0 {
		t.Errorf("a handler was called %d times while another ran", n)
	}
}
