package publish

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"muster/broker/client"
	"muster/manager/store"
	"muster/topics"
)

var issued = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func configTopic(group string) string {
	return topics.DefaultRoot.Topic(topics.GroupConfig, group)
}

func message(s store.Snapshot) client.Message {
	return client.Message{Topic: configTopic(s.DeviceGroup), Payload: s.Payload, QoS: 1, Retain: true}
}

// A stage is a publisher on a wire, within a synctest bubble.
type stage struct {
	*testing.T
	wire   *wire
	shelf  *shelf
	client *wireClient
	log    *journal
	*Publisher
	stop func()
}

// scripted runs a test in a bubble. The publisher starts with what prepare leaves, and settles.
func scripted(t *testing.T, prepare func(*stage), test func(*stage)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &stage{T: t, wire: newWire(), shelf: newShelf(epoch2), log: &journal{}}
		if prepare != nil {
			prepare(s)
		}
		s.client = s.wire.client(t)
		s.start(Options{Manager: "m1", Epoch: epoch2, Agent: "muster/test", Settle: SettleRemote, Log: s.log.logger()})
		s.pause(2 * time.Second)
		test(s)
	})
}

func (s *stage) start(o Options) {
	s.Helper()
	p, err := New(s.client, s.shelf, past{s.shelf}, o)
	if err != nil {
		s.Fatal(err)
	}
	ctx, cancel := context.WithCancel(s.Context())
	var run sync.WaitGroup
	run.Go(func() { p.Run(ctx) })
	s.Publisher = p
	s.stop = func() {
		cancel()
		run.Wait()
	}
	s.Cleanup(func() { s.stop() })
}

// pause lets d pass and everything come to rest.
func (s *stage) pause(d time.Duration) {
	time.Sleep(d) // synctest's time
	synctest.Wait()
}

// change has the store contain a new config, as after a request to the API.
func (s *stage) change(group string, id int64) {
	s.shelf.set(group, id)
	s.Poke("ada")
	synctest.Wait()
}

func (s *stage) wantHeld(group string, want []byte) {
	s.Helper()
	if got := s.wire.holds(configTopic(group)); !bytes.Equal(got, want) {
		s.Errorf("the topic of %q holds %.60q, want %.60q", group, got, want)
	}
}

func (s *stage) wantCount(group string, want int) {
	s.Helper()
	if got := s.wire.count(configTopic(group)); got != want {
		s.Errorf("%d messages were published for %q, want %d", got, group, want)
	}
}

func (s *stage) wantLogged(text string, want int) {
	s.Helper()
	if got := s.log.count(text); got != want {
		s.Errorf("%q is in the log %d times, want %d", text, got, want)
	}
}

func ours(group string, id int64) store.Snapshot { return snapshotOf(epoch2, group, id, "") }

func TestPokePublishesAtOnce(t *testing.T) {
	scripted(t, nil, func(s *stage) {
		start := time.Now()
		s.change("g", 1)
		s.wantHeld("g", ours("g", 1).Payload)
		s.change("g", 2)
		s.wantHeld("g", ours("g", 2).Payload)
		if waited := time.Since(start); waited != 0 {
			t.Errorf("it took %v", waited)
		}
		kept := s.wire.retained[configTopic("g")]
		if kept.QoS != 1 || kept.Expiry != 0 || kept.ContentType != "application/json" {
			t.Errorf("published as %+v", kept)
		}
	})
}

func TestPokesAreNamedTogether(t *testing.T) {
	scripted(t, nil, func(s *stage) {
		makes := s.shelf.made()
		s.Poke("ada")
		s.Poke("")
		s.Poke("grace")
		s.Poke("ada")
		synctest.Wait()
		if s.shelf.made() > makes+2 {
			t.Errorf("four pokes at once made %d passes", s.shelf.made()-makes)
		}
		if by := s.shelf.by[makes]; by != "ada, grace" {
			t.Errorf("by %q", by)
		}
		s.Poke("joan")
		synctest.Wait()
		if by := s.shelf.by[len(s.shelf.by)-1]; by != "joan" {
			t.Errorf("by %q", by)
		}
	})
}

func TestNothingChangedPublishesNothing(t *testing.T) {
	const groups = 50
	prepare := func(s *stage) {
		for i := range groups {
			s.shelf.set(fmt.Sprintf("g%d", i), 1)
		}
	}
	scripted(t, prepare, func(s *stage) {
		if got := s.wire.total(); got != groups {
			t.Fatalf("%d configs published at the start, want %d", got, groups)
		}
		makes := s.shelf.made()
		for range 20 {
			s.Poke("ada")
			s.pause(11 * time.Second)
		}
		if got := s.wire.total(); got != groups {
			t.Errorf("%d configs published in all, want %d", got, groups)
		}
		// Twenty pokes, and a pass every 9 to 11 seconds.
		if passes := s.shelf.made() - makes; passes < 39 || passes > 46 {
			t.Errorf("%d passes in 220 s with 20 pokes", passes)
		}
	})
}

func TestPeriodicPassNeedsNoPoke(t *testing.T) {
	scripted(t, nil, func(s *stage) {
		s.shelf.set("g", 1)
		s.pause(11 * time.Second)
		s.wantHeld("g", ours("g", 1).Payload)
	})
}

func TestReconnectToWhatIsThere(t *testing.T) {
	prepare := func(s *stage) { s.shelf.set("g", 1) }
	scripted(t, prepare, func(s *stage) {
		s.wire.reconnect(false)
		s.pause(30 * time.Second)
		s.wantCount("g", 1) // a replay is proof enough: devices need not hear it again
		if got := s.wire.count("muster/v1/managers/m1/status"); got != 2 {
			t.Errorf("presence was published %d times over two connections", got)
		}
	})
}

func TestBrokerThatLostEverythingIsFilledAgain(t *testing.T) {
	prepare := func(s *stage) {
		s.shelf.set("a", 1)
		s.shelf.set("b", 7)
	}
	scripted(t, prepare, func(s *stage) {
		s.wire.reconnect(true)
		s.pause(SettleRemote)
		s.wantHeld("a", ours("a", 1).Payload)
		s.wantHeld("b", ours("b", 7).Payload)
	})
}

func TestLateOlderConfigIsRepaired(t *testing.T) {
	prepare := func(s *stage) { s.shelf.set("g", 2) }
	scripted(t, prepare, func(s *stage) {
		s.wire.put(message(ours("g", 1)))
		s.pause(time.Second)
		s.wantHeld("g", ours("g", 2).Payload)
		s.wantCount("g", 2)
	})
}

func TestLateOlderConfigBeforeTheEcho(t *testing.T) {
	scripted(t, nil, func(s *stage) {
		s.shelf.set("g", 1)
		s.wire.react(func(m client.Message) reaction { return reaction{mute: true} })
		s.change("g", 2)
		s.wire.put(message(ours("g", 1))) // and the echo of 2 never comes
		s.wire.react(nil)
		s.pause(20 * time.Second)
		s.wantHeld("g", ours("g", 2).Payload)
	})
}

func TestUnreadableMessagesArePublishedOver(t *testing.T) {
	prepare := func(s *stage) { s.shelf.set("g", 2) }
	for name, payload := range map[string][]byte{
		"empty":         nil,
		"no JSON":       []byte("hello"),
		"another group": ours("h", 9).Payload,
		"cut off":       ours("g", 9).Payload[:200],
		"tampered with": bytes.Replace(ours("g", 9).Payload, []byte("image:9"), []byte("image:8"), 1),
	} {
		t.Run(name, func(t *testing.T) {
			scripted(t, prepare, func(s *stage) {
				s.wire.put(client.Message{Topic: configTopic("g"), Payload: payload, Retain: true})
				s.pause(time.Second)
				s.wantHeld("g", ours("g", 2).Payload)
			})
		})
	}
}

func TestFloodOfRubbishIsAnsweredSlowly(t *testing.T) {
	prepare := func(s *stage) { s.shelf.set("g", 2) }
	scripted(t, prepare, func(s *stage) {
		makes := s.shelf.made()
		for range 1000 {
			s.wire.put(client.Message{Topic: configTopic("g"), Payload: []byte("rubbish"), Retain: true})
			s.pause(10 * time.Millisecond)
		}
		if passes := s.shelf.made() - makes; passes > 45 {
			t.Errorf("%d passes in 10 s, want at most four a second", passes)
		}
		s.pause(time.Second)
		s.wantHeld("g", ours("g", 2).Payload)
	})
}

func TestAnotherManagersConfigIsTakenUpAtOnce(t *testing.T) {
	prepare := func(s *stage) { s.shelf.set("g", 1) }
	scripted(t, prepare, func(s *stage) {
		s.shelf.set("g", 2) // in the store, made and published by the other one
		s.wire.put(message(ours("g", 2)))
		s.pause(arrivalGap)
		if latest, _ := s.shelf.Latest("g"); latest.ConfigID != 2 {
			t.Error("the store was not read again")
		}
		s.wantCount("g", 1)
		s.wantLogged("behind", 0)
	})
}

func TestStoreFailsAndRecovers(t *testing.T) {
	prepare := func(s *stage) { s.shelf.set("g", 1) }
	scripted(t, prepare, func(s *stage) {
		s.shelf.fail(errors.New("disk on fire"))
		s.shelf.set("g", 2)
		s.Poke("ada")
		synctest.Wait()
		makes := s.shelf.made()
		// What is known can still be published, and is not taken for the whole truth.
		s.wire.put(message(ours("g", 5)))
		s.wire.put(message(snapshotOf(epoch2, "unknown", 1, "")))
		s.wire.reconnect(true)
		s.pause(10 * time.Minute)
		if passes := s.shelf.made() - makes; passes < 8 || passes > 20 {
			t.Errorf("%d passes in 10 min without a store", passes)
		}
		s.wantLogged("store behind fleet", 0)
		s.wantLogged("disk on fire", s.shelf.made()-makes+1)
		s.shelf.fail(nil)
		s.pause(2 * time.Minute)
		by := s.shelf.by
		if got := by[len(by)-1]; got != "" {
			t.Errorf("a later pass is by %q", got)
		}
		found := 0
		for _, name := range by[makes:] {
			if name == "ada" {
				found++
			}
		}
		if found < 9 {
			t.Errorf("the one who asked was forgotten while the store failed: %q", by[makes:])
		}
	})
}

func TestConfigThatCannotBeMadeStopsNoOther(t *testing.T) {
	prepare := func(s *stage) {
		s.shelf.set("g", 1)
		s.shelf.large = []string{"large"}
		s.wire.put(message(snapshotOf(epoch1, "gone", 1, "")))
	}
	scripted(t, prepare, func(s *stage) {
		s.wantHeld("g", ours("g", 1).Payload)
		s.shelf.set("h", 1)
		s.pause(time.Minute)
		s.wantHeld("h", ours("h", 1).Payload)
		s.wantLogged("is too large", 1)
		s.wantLogged("knows nothing of", 1) // what else there is to see is seen
		if by := s.shelf.by[len(s.shelf.by)-1]; by != "" {
			t.Errorf("by %q", by)
		}
		s.shelf.mu.Lock()
		s.shelf.large = append(s.shelf.large, "larger")
		s.shelf.mu.Unlock()
		s.pause(time.Minute)
		s.wantLogged("is too large", 3)
		s.shelf.mu.Lock()
		s.shelf.broken = append(s.shelf.broken, "a")
		s.shelf.mu.Unlock()
		s.shelf.set("h", 2)
		s.pause(time.Minute)
		s.wantHeld("h", ours("h", 2).Payload)
		s.wantLogged("is broken", 1)
		s.wantLogged("could not all be read", 0)
	})
}
