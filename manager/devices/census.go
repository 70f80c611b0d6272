package devices

import (
	"time"
	"unique"

	"github.com/google/btree"

	"muster/manager/store"
	"muster/topics"
)

const (
	// MaxDevices is how many devices are kept in memory. It bounds what a client that invents device names can make a manager
	// remember.
	MaxDevices = 1 << 20
	// maxReasons bounds the bytes of all reasons in memory. Beyond it, lists have failures without a reason; a device's
	// report has it.
	maxReasons = 64 << 20
)

// An outcome says what [census.apply] did with a status.
type outcome int

const (
	// counted: the status is now what is known of the device.
	counted outcome = iota
	// late: the status speaks of a session that is over, and was dropped.
	late
	// full: the device is unknown, [MaxDevices] are known already, and the status was dropped.
	full
)

// A census holds what is known of every device, in order, and the counts over them. It is not safe for concurrent use.
type census struct {
	devices map[string]*record
	order   *btree.BTreeG[*record]
	groups  map[unique.Handle[string]]*group
	all     counts
	free    *btree.FreeListG[*record]
	limit   int
	// reasons is how many bytes of reasons there are, at most maxReasons.
	reasons, maxReasons int
}

// A group is a device_group: its devices in order, and their counts.
type group struct {
	counts
	order *btree.BTreeG[*record]
}

// degree is that of the trees: nodes of some 64 devices waste little room.
const degree = 32

func newCensus() *census {
	c := &census{
		devices: make(map[string]*record), groups: make(map[unique.Handle[string]]*group), all: newCounts(),
		free: btree.NewFreeListG[*record](btree.DefaultFreeListSize), limit: MaxDevices, maxReasons: maxReasons,
	}
	c.order = c.tree()
	return c
}

func (c *census) tree() *btree.BTreeG[*record] {
	return btree.NewWithFreeListG(degree, func(a, b *record) bool { return a.name < b.name }, c.free)
}

// apply takes the status that was received from the device of that name. heardAt is when, or zero for one that the broker has kept.
//
// Wills arrive late and unordered, so a status is dropped when it is Offline and of an older session than the
// known one, or Online and of the very session that has ended. An Online status of any other session
// is taken, also of a lower one: the device may have lost its count.
func (c *census) apply(name string, s topics.Status, heardAt time.Time) outcome {
	r, known := c.devices[name]
	switch {
	case !known && len(c.devices) >= c.limit:
		return full
	case known && r.fresh && s.State == topics.Offline && s.Session < r.session:
		return late
	case known && r.fresh && s.State == topics.Online && !r.online && s.Session == r.session:
		return late
	}
	if !known {
		r = newRecord(name)
		c.insert(r)
	}
	c.change(r, func() { r.say(s, heardAt, c.maxReasons-c.reasons) })
	return counted
}

// head takes what the store has of a device. It reports whether there was room for it.
func (c *census) head(h store.DeviceHead) bool {
	r, known := c.devices[h.Device]
	if !known {
		if len(c.devices) >= c.limit {
			return false
		}
		r = newRecord(h.Device)
		c.insert(r)
	}
	c.change(r, func() { r.take(h) })
	return true
}

// forget drops a device's status; of one that the store has, what was last known of it stays.
func (c *census) forget(name string, now time.Time) {
	r, known := c.devices[name]
	if !known {
		return
	}
	if !r.stored && r.identity == 0 {
		c.remove(r)
		return
	}
	c.change(r, func() { r.lose(now) })
}

// drop removes all that is known of a device.
func (c *census) drop(name string) {
	if r, known := c.devices[name]; known {
		c.remove(r)
	}
}

// reconnected begins another connection to a broker, which may be another one or have lost what it had.
func (c *census) reconnected() {
	for _, r := range c.devices {
		r.fresh = false
	}
}

// settled ends the time in which a broker sends what it has kept. Devices of which nothing was heard since are not
// connected any more.
func (c *census) settled(now time.Time) {
	for name, r := range c.devices {
		if r.heard && !r.fresh {
			c.forget(name, now)
		}
	}
}

// insert, remove and change are all that alters records: they keep counts and order.

func (c *census) insert(r *record) {
	c.devices[r.name] = r
	c.order.ReplaceOrInsert(r)
	c.count(c.join(r), r, +1)
}

func (c *census) remove(r *record) {
	delete(c.devices, r.name)
	c.order.Delete(r)
	c.count(c.groups[r.group], r, -1)
	c.leave(r.group, r)
}

func (c *census) change(r *record, alter func()) {
	before := r.group
	g := c.groups[before]
	c.count(g, r, -1)
	alter()
	if r.group != before {
		c.leave(before, r)
		g = c.join(r)
	}
	c.count(g, r, +1)
}

func (c *census) join(r *record) *group {
	g, ok := c.groups[r.group]
	if !ok {
		g = &group{counts: newCounts(), order: c.tree()}
		c.groups[r.group] = g
	}
	g.order.ReplaceOrInsert(r)
	return g
}

func (c *census) leave(name unique.Handle[string], r *record) {
	g := c.groups[name]
	g.order.Delete(r)
	if g.order.Len() == 0 {
		delete(c.groups, name)
	}
}

// count counts a record in (n is 1) or out (n is -1).
func (c *census) count(g *group, r *record, n int64) {
	g.add(r, n)
	c.all.add(r, n)
	c.reasons += int(n) * r.reasons()
}
