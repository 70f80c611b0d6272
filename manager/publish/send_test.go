package publish

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"muster/broker/client"
	"muster/topics"
)

// on is a script that reacts so to the config of one group.
func on(group string, r reaction) func(client.Message) reaction {
	return func(m client.Message) reaction {
		if m.Topic == configTopic(group) {
			return r
		}
		return reaction{}
	}
}

func TestLostConfigIsPublishedAgain(t *testing.T) {
	scripted(t, nil, func(s *stage) {
		s.wire.react(on("g", reaction{lose: true}))
		s.change("g", 1)
		s.wantHeld("g", nil)
		s.wire.react(nil)
		s.pause(20 * time.Second)
		s.wantHeld("g", ours("g", 1).Payload)
		s.wantCount("g", 2)
	})
}

func TestBrokerThatSwallowsConfigs(t *testing.T) {
	scripted(t, nil, func(s *stage) {
		s.wire.react(func(client.Message) reaction { return reaction{lose: true} })
		s.shelf.set("h", 1)
		s.change("g", 1)
		s.pause(time.Hour)
		if n := s.wire.count(configTopic("g")); n < 10 || n > 25 {
			t.Errorf("published %d times in an hour in vain", n)
		}
		s.wantLogged("does not send them to subscribers", 1)
		// A new config is not held up by what became of the one before.
		s.wire.react(nil)
		s.change("g", 2)
		s.wantHeld("g", ours("g", 2).Payload)
		s.pause(10 * time.Minute)
		s.wantHeld("h", ours("h", 1).Payload)
	})
}

func TestRefusedConfigIsRetriedSlowly(t *testing.T) {
	scripted(t, nil, func(s *stage) {
		s.wire.react(on("g", reaction{err: fmt.Errorf("not authorized: %w", client.ErrRefused)}))
		s.shelf.set("h", 1)
		s.change("g", 1)
		s.wantHeld("h", ours("h", 1).Payload)
		s.pause(time.Hour)
		if n := s.wire.count(configTopic("g")); n < 10 || n > 25 {
			t.Errorf("published %d times in an hour in vain", n)
		}
		s.wantLogged("not authorized", s.wire.count(configTopic("g")))
		s.wantLogged("does not send them to subscribers", 0)
		s.wire.react(nil)
		s.wire.reconnect(false)
		s.pause(time.Minute)
		s.wantHeld("g", ours("g", 1).Payload)
	})
}

func TestOneGroupDoesNotHoldUpOthers(t *testing.T) {
	scripted(t, nil, func(s *stage) {
		never := make(chan struct{})
		s.wire.react(on("g", reaction{lose: true, answer: never}))
		s.change("g", 1)
		s.change("h", 1)
		s.wantHeld("h", ours("h", 1).Payload)
		s.change("g", 2) // waits for the first to end
		s.wire.react(nil)
		s.wantHeld("g", nil)
		s.pause(10 * time.Second)
		s.wantLogged("deadline exceeded", 1)
		s.wantHeld("g", ours("g", 2).Payload)
	})
}

func TestManySlowGroupsShareTheSlots(t *testing.T) {
	scripted(t, nil, func(s *stage) {
		answer := make(chan struct{})
		s.wire.react(func(client.Message) reaction { return reaction{answer: answer} })
		for i := range 100 {
			s.shelf.set(fmt.Sprintf("g%d", i), 1)
		}
		s.Poke("ada")
		synctest.Wait()
		if n := s.wire.total(); n != maxSends {
			t.Errorf("%d messages wait for the broker, want %d", n, maxSends)
		}
		waiting := ""
		for i := range 100 {
			if group := fmt.Sprintf("g%d", i); s.wire.count(configTopic(group)) == 0 {
				waiting = group
			}
		}
		s.shelf.set(waiting, 2)
		s.Poke("ada")
		synctest.Wait()
		s.wire.react(nil)
		close(answer)
		s.pause(time.Second)
		if n := s.wire.total(); n != 100 {
			t.Errorf("%d messages published for 100 groups", n)
		}
		s.wantHeld(waiting, ours(waiting, 2).Payload)
	})
}

func TestNotConnected(t *testing.T) {
	scripted(t, nil, func(s *stage) {
		s.client.mu.Lock()
		s.client.down = true
		s.client.mu.Unlock()
		s.change("g", 1)
		s.pause(time.Minute)
		s.wantCount("g", 0)
		s.wantLogged("level=WARN", 0)
		s.wire.reconnect(true)
		s.pause(SettleRemote)
		s.wantHeld("g", ours("g", 1).Payload)
	})
}

func TestConnectionBreaksWhilePublishing(t *testing.T) {
	scripted(t, nil, func(s *stage) {
		broken := make(chan struct{})
		s.wire.react(on("g", reaction{err: client.ErrNotConnected, answer: broken}))
		s.change("g", 1)
		s.wire.react(nil)
		s.wire.reconnect(true)
		s.pause(2 * SettleRemote)
		s.wantHeld("g", nil)
		close(broken)
		synctest.Wait()
		s.wantHeld("g", ours("g", 1).Payload) // at once, not with the next pass
	})
}

func TestWhatAnOldConnectionDeliversIsDropped(t *testing.T) {
	prepare := func(s *stage) { s.shelf.set("g", 1) }
	scripted(t, prepare, func(s *stage) {
		s.wire.reconnect(true)
		synctest.Wait()
		s.hear(message(ours("g", 1)), s.up-1)
		s.pause(SettleRemote)
		s.wantHeld("g", ours("g", 1).Payload)
	})
}

func TestUnseenTopicsWaitUntilTheBrokerHasSettled(t *testing.T) {
	prepare := func(s *stage) { s.wire.react(func(client.Message) reaction { return reaction{} }) }
	scripted(t, prepare, func(s *stage) {
		s.change("g", 1)
		s.wire.reconnect(true)
		synctest.Wait()
		s.wantCount("g", 1)
		s.pause(SettleRemote - time.Millisecond)
		s.Poke("")
		synctest.Wait()
		s.wantCount("g", 1)
		s.pause(time.Millisecond)
		s.wantCount("g", 2)
	})
}

func TestRunEndsWithWorkUnderWay(t *testing.T) {
	scripted(t, nil, func(s *stage) {
		s.wire.react(on("g", reaction{after: time.Second}))
		s.change("g", 1)
		s.stop()
		if s.wire.busy != 0 {
			t.Error("Run returned before what it had begun was over")
		}
		state, err := topics.ParsePresence(s.wire.holds("muster/v1/managers/m1/status"))
		if err != nil || state.State != topics.Offline || state.Agent != "muster/test" {
			t.Errorf("the last word is %+v, %v", state, err)
		}
		n := s.wire.total()
		s.Poke("ada")
		s.wire.put(client.Message{Topic: configTopic("g"), Payload: []byte("rubbish"), Retain: true})
		s.wire.reconnect(true)
		s.pause(time.Minute)
		if got := s.wire.total(); got != n {
			t.Errorf("%d messages were published after the end", got-n)
		}
	})
}

func TestPresence(t *testing.T) {
	const topic = "muster/v1/managers/m1/status"
	scripted(t, nil, func(s *stage) {
		online := func() bool {
			state, err := topics.ParsePresence(s.wire.holds(topic))
			return err == nil && state.State == topics.Online
		}
		if !online() {
			t.Fatalf("holds %q", s.wire.holds(topic))
		}
		will, err := Will(topics.DefaultRoot, "m1", "muster/test")
		if err != nil || !will.Retain || will.QoS != 1 {
			t.Fatalf("%+v, %v", will, err)
		}
		s.wire.put(will)
		if online() {
			t.Fatal("the will is of no effect")
		}
		s.wire.react(func(client.Message) reaction { return reaction{err: context.DeadlineExceeded} })
		s.wire.reconnect(false)
		s.pause(time.Second)
		s.wire.react(nil)
		s.pause(11 * time.Second) // the next pass tries again
		if !online() {
			t.Errorf("holds %q", s.wire.holds(topic))
		}
		n := s.wire.count(topic)
		s.pause(time.Minute)
		if got := s.wire.count(topic); got != n {
			t.Errorf("published %d times more on one connection", got-n)
		}
	})
}

func TestNewRefusesABadName(t *testing.T) {
	if _, err := New(nil, nil, nil, Options{Manager: "a.b", Epoch: epoch1}); err == nil {
		t.Error("took a name that is no topic level")
	}
	if _, err := New(nil, nil, nil, Options{Manager: "m"}); err == nil {
		t.Error("took no epoch")
	}
}
