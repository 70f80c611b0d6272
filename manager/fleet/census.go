package fleet

import (
	"strings"
	"unique"

	"muster/topics"
)

// MaxDevices is how many devices a [Fleet] keeps. It bounds what a client that invents device names
// can make a manager remember.
const MaxDevices = 1 << 20

// An Outcome says what [Fleet.Apply] did with a status.
type Outcome int

// The outcomes.
const (
	// Counted: the status is now what is known of the device.
	Counted Outcome = iota
	// Late: the status speaks of a session that is over, and was dropped.
	Late
	// Full: the device is unknown, [MaxDevices] are known already, and the status was dropped.
	Full
)

// A Fleet holds the last status of every device and the counts over them. Its zero value is not usable:
// call [NewFleet]. It is not safe for concurrent use.
type Fleet struct {
	devices map[string]device
	groups  map[string]*counts
	all     counts
	limit   int
}

// A device is what is kept of one device's last status. There may be half a million of them: names of
// groups, epochs and apps are interned, and what only people read is left out.
type device struct {
	group    unique.Handle[string]
	epoch    unique.Handle[string]
	configID int64
	session  int64
	failing  []unique.Handle[string]
	online   bool
	// ill says that something fails, be it no app but a cron_job or the worker itself.
	ill bool
}

// counts are over the devices of a group, or of the fleet. Apart from known, they are of those online.
type counts struct {
	known    int64
	online   int64
	failing  int64
	versions map[topics.Version]int64
	apps     map[string]int64
}

// NewFleet is a fleet of which nothing is known.
func NewFleet() *Fleet {
	return &Fleet{
		devices: make(map[string]device),
		groups:  make(map[string]*counts),
		all:     newCounts(),
		limit:   MaxDevices,
	}
}

func newCounts() counts {
	return counts{versions: make(map[topics.Version]int64), apps: make(map[string]int64)}
}

// Apply takes the status that was received from the device of that name.
//
// Wills arrive late and unordered, so a status is dropped when it is Offline and of an older session than the
// known one, or Online and of the very session that has ended. An Online status of any other session
// is taken, also of a lower one: the device may have lost its count.
func (f *Fleet) Apply(name string, s topics.Status) Outcome {
	old, known := f.devices[name]
	switch {
	case !known && len(f.devices) >= f.limit:
		return Full
	case known && s.State == topics.Offline && s.Session < old.session:
		return Late
	case known && s.State == topics.Online && !old.online && s.Session == old.session:
		return Late
	}
	if known {
		f.add(old, -1)
	} else {
		name = strings.Clone(name) // it is a part of a topic, which need not be kept
	}
	d := device{
		group:    unique.Make(s.DeviceGroup),
		epoch:    unique.Make(s.Epoch),
		configID: s.ConfigID,
		session:  s.Session,
		failing:  failing(s.Failing),
		online:   s.State == topics.Online,
		ill:      len(s.Failing) > 0,
	}
	f.devices[name] = d
	f.add(d, +1)
	return Counted
}

// Forget drops what is known of a device.
func (f *Fleet) Forget(name string) {
	if old, known := f.devices[name]; known {
		f.add(old, -1)
		delete(f.devices, name)
	}
}

// failing is the set of apps in a status's list. A device may send anything: what cannot be an app's name is
// left out, and what is beyond the limit.
func failing(list []topics.Failure) []unique.Handle[string] {
	var apps []unique.Handle[string]
next:
	for _, failure := range list[:min(len(list), topics.MaxFailing)] {
		if topics.CheckAppName(failure.App) != nil {
			continue
		}
		app := unique.Make(failure.App)
		for _, listed := range apps {
			if listed == app {
				continue next
			}
		}
		apps = append(apps, app)
	}
	return apps
}

// add counts a device in (n is 1) or out (n is -1).
func (f *Fleet) add(d device, n int64) {
	group := d.group.Value()
	c, ok := f.groups[group]
	if !ok {
		fresh := newCounts()
		c = &fresh
		f.groups[group] = c
	}
	c.add(d, n)
	f.all.add(d, n)
	if c.known == 0 {
		delete(f.groups, group)
	}
}

func (c *counts) add(d device, n int64) {
	c.known += n
	if !d.online {
		return
	}
	c.online += n
	increase(c.versions, topics.Version{Epoch: d.epoch.Value(), ConfigID: d.configID}, n)
	if d.ill {
		c.failing += n
	}
	for _, app := range d.failing {
		increase(c.apps, app.Value(), n)
	}
}

// increase adds n to an entry, and keeps no entry that is zero.
func increase[K comparable](m map[K]int64, key K, n int64) {
	if m[key] += n; m[key] == 0 {
		delete(m, key)
	}
}
