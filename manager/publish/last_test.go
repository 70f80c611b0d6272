package publish

import (
	"errors"
	"testing"
	"time"

	"muster/broker/client"
)

// What was changed just before the end goes out, also when the store was being read for something else.
func TestTheLastChangeIsPublished(t *testing.T) {
	scripted(t, nil, func(s *stage) {
		s.wire.react(on("g", reaction{after: time.Second})) // a slow line
		s.shelf.meanwhile = func() {
			s.shelf.next["g"] = 2
			s.Poke("")
			go s.stop()
			time.Sleep(time.Millisecond) // until it has begun; synctest's time
		}
		s.shelf.set("g", 1)
		s.Poke("ada")
		s.pause(time.Minute)
		s.wantHeld("g", ours("g", 2).Payload)
	})
}

// A change that waits for what the broker retains does not wait for the next start.
func TestTheLastChangeIsPublishedAfterAReconnect(t *testing.T) {
	scripted(t, nil, func(s *stage) {
		s.wire.reconnect(true)
		s.pause(0)
		s.change("g", 1)
		s.wantHeld("g", nil)
		s.stop()
		s.wantHeld("g", ours("g", 1).Payload)
	})
}

func TestNoPassAtTheEndWithoutAPoke(t *testing.T) {
	scripted(t, nil, func(s *stage) {
		s.change("g", 1)
		passes := s.shelf.made()
		s.stop()
		if got := s.shelf.made(); got != passes {
			t.Errorf("%d passes at the end, want none", got-passes)
		}
	})
}

// Neither a broker that does not answer nor a store that fails holds up the end for long.
func TestTheEndIsBounded(t *testing.T) {
	scripted(t, nil, func(s *stage) {
		s.wire.react(func(client.Message) reaction { return reaction{answer: make(chan struct{})} })
		s.shelf.set("g", 1)
		s.Poke("ada")
		start := time.Now()
		s.stop()
		if took := time.Since(start); took > 2*farewell {
			t.Errorf("the end took %v", took)
		}
	})
	scripted(t, nil, func(s *stage) {
		s.shelf.fail(errors.New("disk on fire"))
		s.Poke("ada")
		s.stop()
		s.wantLogged("the last changes could not be read", 1)
	})
}
