package devices

import (
	"cmp"
	"slices"
	"strconv"

	"muster/manager/fleet"
	"muster/topics"
)

// MaxListed is how many entries each list in a summary has at most: those with the highest counts. A
// summary must stay small whatever devices say.
const MaxListed = 100

// counts are over the devices of a group, or of the fleet. Apart from known, they are of those online.
type counts struct {
	known    int64
	online   int64
	updating int64
	failing  int64
	versions map[topics.Version]int64
	apps     map[string]int64
}

func newCounts() counts {
	return counts{versions: make(map[topics.Version]int64), apps: make(map[string]int64)}
}

func (c *counts) add(r *record, n int64) {
	c.known += n
	if !r.online {
		return
	}
	c.online += n
	increase(c.versions, r.version(), n)
	if r.phase.Value() == topics.PhaseUpdating {
		c.updating += n
	}
	if len(r.failing) > 0 {
		c.failing += n
	}
	for _, app := range r.apps() {
		increase(c.apps, app, n)
	}
}

// increase adds n to an entry, and keeps no entry that is zero.
func increase[K comparable](m map[K]int64, key K, n int64) {
	if m[key] += n; m[key] == 0 {
		delete(m, key)
	}
}

// at is what the counts come to if that config is wanted. At "none" nobody is current: those without a config are not where
// they should be.
func (c *counts) at(wanted topics.Version) fleet.Counts {
	all := fleet.Counts{Devices: c.known, Online: c.online, Offline: c.known - c.online, Updating: c.updating, Failing: c.failing}
	if !wanted.IsZero() {
		all.Current = c.versions[wanted]
		all.Behind = c.online - all.Current
	}
	return all
}

// one is the counts of a single device.
func one(r *record, wanted topics.Version) fleet.Counts {
	if !r.online {
		return fleet.Counts{Devices: 1, Offline: 1}
	}
	c := fleet.Counts{Devices: 1, Online: 1}
	if r.behind(wanted) {
		c.Behind = 1
	} else if !wanted.IsZero() {
		c.Current = 1
	}
	if r.phase.Value() == topics.PhaseUpdating {
		c.Updating = 1
	}
	if len(r.failing) > 0 {
		c.Failing = 1
	}
	return c
}

// summary is what the counts come to. Wanted and At are left to the caller.
func (c *counts) summary(n fleet.Counts) topics.Summary {
	return topics.Summary{
		Devices: n.Devices, Online: n.Online, Offline: n.Offline, Current: n.Current, Behind: n.Behind, Updating: n.Updating, Failing: n.Failing,
		FailingApps: highest(c.apps),
	}
}

// configIDs counts devices by the config_id that they have applied.
func (c *counts) configIDs() map[string]int64 {
	ids := make(map[string]int64, len(c.versions))
	for v, n := range c.versions {
		ids[strconv.FormatInt(v.ConfigID, 10)] += n
	}
	return highest(ids)
}

// highest copies the MaxListed entries with the highest counts; nil when there is none.
func highest(all map[string]int64) map[string]int64 {
	if len(all) == 0 {
		return nil
	}
	names := make([]string, 0, len(all))
	for name := range all {
		names = append(names, name)
	}
	if len(names) > MaxListed {
		slices.SortFunc(names, func(a, b string) int {
			return cmp.Or(cmp.Compare(all[b], all[a]), cmp.Compare(a, b))
		})
		names = names[:MaxListed]
	}
	listed := make(map[string]int64, len(names))
	for _, name := range names {
		listed[name] = all[name]
	}
	return listed
}
