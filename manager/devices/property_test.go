package devices

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/google/btree"
	"github.com/google/go-cmp/cmp"

	"muster/manager/fleet"
	"muster/manager/store"
	"muster/topics"
)

// What a census keeps up to date is what comes of its devices when they are counted anew, whatever it was told.
func TestIncrementalEqualsRecount(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 0))
		c := newCensus()
		c.limit, c.maxReasons = 10, 12
		for step := range 300 {
			name, group := strconv.Itoa(rng.IntN(12)), string(rune('a'+rng.IntN(3)))
			switch rng.IntN(12) {
			case 0:
				c.forget(name, now)
			case 1:
				c.drop(name)
			case 2:
				c.reconnected()
			case 3:
				c.settled(now)
			case 4, 5, 6:
				h := store.DeviceHead{Device: name, DeviceGroup: group, Version: topics.Version{Epoch: epoch1, ConfigID: int64(rng.IntN(3))}, Reported: now}
				h.Failing = []topics.Failure{{App: "app-" + strconv.Itoa(rng.IntN(3))}}
				c.head(h)
			default:
				s := status([]string{topics.Online, topics.Offline}[rng.IntN(2)], int64(rng.IntN(4)), group, int64(rng.IntN(3)))
				s.Phase = []string{"", topics.PhaseUpdating}[rng.IntN(2)]
				for range rng.IntN(3) {
					s.Failing = append(s.Failing, topics.Failure{App: "app-" + strconv.Itoa(rng.IntN(3)), Reason: strconv.Itoa(rng.IntN(99))})
				}
				c.apply(name, s, now)
			}
			if diff := cmp.Diff(say(recounted(c)), say(c)); diff != "" {
				t.Fatalf("seed %d, step %d (-recount +incremental):\n%s", seed, step, diff)
			}
			if len(c.devices) > c.limit || c.reasons > c.maxReasons {
				t.Fatalf("seed %d, step %d: %d devices and %d bytes of reasons", seed, step, len(c.devices), c.reasons)
			}
		}
	}
}

// recounted has the same devices.
func recounted(c *census) *census {
	fresh := newCensus()
	for _, r := range c.devices {
		fresh.insert(r)
	}
	return fresh
}

// A tally is all that a census says.
type tally struct {
	Devices  []string
	Reasons  int
	Known    int64
	Versions map[topics.Version]int64
	Apps     map[string]int64
	Counts   fleet.Counts
	Groups   map[string]tally
}

func say(c *census) tally {
	all := tallyOf(&c.all, c.order)
	all.Reasons = c.reasons
	all.Groups = make(map[string]tally)
	for name, g := range c.groups {
		all.Groups[name.Value()] = tallyOf(&g.counts, g.order)
	}
	if names := slices.Sorted(maps.Keys(c.devices)); !slices.Equal(names, all.Devices) {
		all.Devices = append(names, "and in order", "are others")
	}
	return all
}

func tallyOf(c *counts, order *btree.BTreeG[*record]) (t tally) {
	t.Known, t.Versions, t.Apps = c.known, c.versions, c.apps
	t.Counts = c.at(topics.Version{Epoch: epoch1, ConfigID: 1})
	order.Ascend(func(r *record) bool {
		t.Devices = append(t.Devices, r.name)
		return true
	})
	return t
}
