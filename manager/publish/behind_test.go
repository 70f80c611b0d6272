package publish

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"muster/broker/client"
	"muster/topics"
)

func (s *stage) wantBehind(groups ...string) {
	s.Helper()
	if diff := cmp.Diff(groups, s.Behind()); diff != "" {
		s.Errorf("behind (-want +got):\n%s", diff)
	}
}

func TestNewerConfigIsLeftAlone(t *testing.T) {
	newer := ours("g", 5)
	prepare := func(s *stage) {
		s.shelf.set("g", 2)
		s.shelf.set("h", 1)
		s.wire.put(message(newer))
	}
	scripted(t, prepare, func(s *stage) {
		s.pause(time.Minute)
		s.wantHeld("g", newer.Payload)
		s.wantHeld("h", ours("h", 1).Payload)
		s.wantBehind("g")
		s.wantLogged("store behind fleet", 1)

		// A broker that lost it does not make it unseen.
		s.wire.reconnect(true)
		s.pause(time.Minute)
		s.wantHeld("g", nil)
		s.wantBehind("g")
		s.wire.put(message(ours("g", 1)))
		s.pause(time.Minute)
		s.wantHeld("g", ours("g", 1).Payload)

		s.change("g", 5) // of that number, but nobody knows whether of that content
		s.wantHeld("g", ours("g", 5).Payload)
		s.wantBehind()
		s.wantLogged("no longer behind", 1)
	})
}

func TestSameNumberWithOtherContent(t *testing.T) {
	other := snapshotOf(epoch2, "g", 2, "-of-another-life")
	prepare := func(s *stage) {
		s.shelf.set("g", 2)
		s.wire.put(message(other))
	}
	scripted(t, prepare, func(s *stage) {
		s.wantHeld("g", other.Payload)
		s.wantBehind("g")
		s.change("g", 3)
		s.wantHeld("g", ours("g", 3).Payload)
		s.wantBehind()
	})
}

func TestNewerEpochIsLeftAloneUntilOurs(t *testing.T) {
	newer := snapshotOf(epoch3, "g", 1, "")
	prepare := func(s *stage) {
		s.shelf.set("g", 7)
		s.wire.put(message(newer))
	}
	scripted(t, prepare, func(s *stage) {
		s.change("g", 8)
		s.wantHeld("g", newer.Payload)
		s.wantBehind("g")
	})
}

func TestClearingByHandEndsIt(t *testing.T) {
	prepare := func(s *stage) {
		s.shelf.set("g", 2)
		s.wire.put(message(ours("g", 5)))
	}
	scripted(t, prepare, func(s *stage) {
		s.wantBehind("g")
		s.wire.put(client.Message{Topic: configTopic("g"), Retain: true})
		s.pause(time.Second)
		s.wantHeld("g", ours("g", 2).Payload)
		s.wantBehind()
	})
}

func TestDevicesWord(t *testing.T) {
	prepare := func(s *stage) { s.shelf.set("g", 2) }
	have := func(id int64) topics.Version { return topics.Version{Epoch: epoch2, ConfigID: id} }
	scripted(t, prepare, func(s *stage) {
		makes := s.shelf.made()
		s.MarkBehind("g", have(2))
		s.MarkBehind("unknown", have(9))
		synctest.Wait()
		s.wantBehind()
		if s.shelf.made() != makes {
			t.Error("what is no news made a pass")
		}

		// Another manager has made 3 just now: not behind at all.
		s.shelf.set("g", 3)
		s.MarkBehind("g", have(3))
		synctest.Wait()
		s.wantBehind()
		s.wantLogged("store behind fleet", 0)

		makes = s.shelf.made()
		for range 100 {
			s.MarkBehind("g", have(7))
		}
		synctest.Wait()
		s.wantBehind("g")
		s.wantLogged("store behind fleet", 1)
		if passes := s.shelf.made() - makes; passes > 2 {
			t.Errorf("100 reports made %d passes", passes)
		}

		// The word of one device does not keep the others from following.
		s.change("g", 4)
		s.wantHeld("g", ours("g", 4).Payload)
		s.wantBehind("g")
		s.change("g", 7)
		s.wantBehind()
		s.wantLogged("no longer behind", 1)

		// It is not believed for ever.
		s.MarkBehind("g", have(1_000_000))
		synctest.Wait()
		s.wantBehind("g")
		s.pause(claimLife / 2)
		s.MarkBehind("g", have(1_000_000))
		s.pause(claimLife - time.Minute)
		s.wantBehind("g")
		s.pause(2 * time.Minute)
		s.wantBehind()
	})
}

// What arrives while the store is being read may be newer than what was read.
func TestAnotherManagerIsAheadForAMoment(t *testing.T) {
	prepare := func(s *stage) { s.shelf.set("g", 1) }
	scripted(t, prepare, func(s *stage) {
		s.shelf.meanwhile = func() {
			s.hear(message(ours("g", 2)), s.up)
			s.hear(message(ours("new", 1)), s.up)
			s.MarkBehind("g", topics.Version{Epoch: epoch2, ConfigID: 2})
			s.shelf.next["g"], s.shelf.next["new"] = 2, 1 // in the store by then, and read by the next pass
		}
		s.Poke("")
		s.pause(time.Second)
		s.wantBehind()
		s.wantLogged("store behind fleet", 0)
		s.wantLogged("knows nothing of", 0)
		s.wantCount("g", 1)
		s.wantCount("new", 0)
	})
}

func TestDevicesWordIsNotWeighedWithoutTheStore(t *testing.T) {
	prepare := func(s *stage) { s.shelf.set("g", 2) }
	scripted(t, prepare, func(s *stage) {
		s.shelf.fail(errors.New("gone"))
		s.MarkBehind("g", topics.Version{Epoch: epoch2, ConfigID: 9})
		s.pause(time.Minute)
		s.wantBehind()
		s.shelf.fail(nil)
		s.pause(2 * time.Minute)
		s.wantBehind("g")
	})
}

func TestDeletedGroup(t *testing.T) {
	prepare := func(s *stage) {
		s.shelf.set("g", 1)
		s.shelf.set("h", 1)
	}
	scripted(t, prepare, func(s *stage) {
		s.shelf.remove("g")
		s.Poke("ada")
		synctest.Wait()
		s.wantHeld("g", nil)
		s.wantHeld("h", ours("h", 1).Payload)
		s.pause(time.Minute)
		s.wantCount("g", 2)
		if len(s.topics) != 1 {
			t.Errorf("%d topics are remembered, want that of the group that is left", len(s.topics))
		}

		// Another manager did not know yet.
		s.wire.put(message(ours("g", 1)))
		s.pause(time.Second)
		s.wantHeld("g", nil)

		s.change("g", 2) // created again
		s.wantHeld("g", ours("g", 2).Payload)
	})
}

func TestGroupDeletedWhileNobodyRan(t *testing.T) {
	prepare := func(s *stage) {
		s.shelf.set("g", 3)
		_, _ = s.shelf.MakeAll(t.Context(), "")
		s.shelf.remove("g")
		s.wire.put(message(ours("g", 2)))
	}
	scripted(t, prepare, func(s *stage) { s.wantHeld("g", nil) })
}

// That the history cannot be read does not mean that there is none.
func TestHistoryFails(t *testing.T) {
	prepare := func(s *stage) {
		s.shelf.set("g", 3)
		_, _ = s.shelf.MakeAll(t.Context(), "")
		s.shelf.remove("g")
		s.shelf.lost = errors.New("disk on fire")
		s.wire.put(message(snapshotOf(epoch1, "g", 2, "")))
	}
	scripted(t, prepare, func(s *stage) {
		s.pause(time.Minute)
		s.wantLogged("knows nothing of", 0)
		s.shelf.mu.Lock()
		s.shelf.lost = nil
		s.shelf.mu.Unlock()
		s.pause(2 * time.Minute)
		s.wantHeld("g", nil)
	})
}

func TestForeignTopicsAreLeftAlone(t *testing.T) {
	theirs := snapshotOf(epoch1, "theirs", 4, "")
	rubbish := client.Message{Topic: configTopic("rubbish"), Payload: []byte("hello"), Retain: true}
	lost := snapshotOf(epoch2, "lost", 1, "") // of this store, before it was restored
	prepare := func(s *stage) {
		s.wire.put(message(theirs))
		s.wire.put(rubbish)
		s.wire.put(message(lost))
	}
	scripted(t, prepare, func(s *stage) {
		s.pause(time.Minute)
		s.wire.reconnect(false)
		s.pause(time.Minute)
		s.wantHeld("theirs", theirs.Payload)
		s.wantHeld("rubbish", rubbish.Payload)
		s.wantHeld("lost", lost.Payload)
		s.wantLogged("knows nothing of", 2)
		s.wantLogged("store behind fleet", 1)
		s.wantBehind("lost")
	})
}
