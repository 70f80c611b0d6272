package fleet

import (
	"cmp"
	"maps"
	"slices"
	"strconv"

	"muster/topics"
)

// MaxListed is how many entries each list in a summary has at most: those with the highest counts. A
// summary must stay small whatever devices say.
const MaxListed = 100

// Groups names the device_groups of the devices that are known, in no particular order.
func (f *Fleet) Groups() []string { return slices.Collect(maps.Keys(f.groups)) }

// Totals counts all devices, those online, and of these the ones on which something fails.
func (f *Fleet) Totals() (known, online, failing int64) {
	return f.all.known, f.all.online, f.all.failing
}

// Group counts a group's devices. Wanted is the config they should be at, and behind says that they have a
// newer one than the store. At is left to the caller.
func (f *Fleet) Group(group string, wanted topics.Version, behind bool) topics.Summary {
	s := topics.Summary{DeviceGroup: group, Wanted: wanted}
	if behind {
		s.StoreBehind = 1
	}
	c, ok := f.groups[group]
	if !ok {
		return s
	}
	c.fill(&s)
	s.Current = c.current(wanted)
	ids := make(map[string]int64, len(c.versions))
	for v, n := range c.versions {
		ids[strconv.FormatInt(v.ConfigID, 10)] += n
	}
	s.ConfigIDs = highest(ids)
	return s
}

// All counts all devices. Wanted gives the config that a group's devices should be at, and behind is
// how many groups have devices with a newer config than the store. At is left to the caller.
func (f *Fleet) All(wanted func(group string) topics.Version, behind int) topics.Summary {
	s := topics.Summary{StoreBehind: int64(behind)}
	f.all.fill(&s)
	for group, c := range f.groups {
		s.Current += c.current(wanted(group))
	}
	return s
}

func (c *counts) fill(s *topics.Summary) {
	s.Devices, s.Online, s.Failing = c.known, c.online, c.failing
	s.FailingApps = highest(c.apps)
}

// current is how many devices have the wanted config; none when none is wanted.
func (c *counts) current(wanted topics.Version) int64 {
	if wanted.IsZero() {
		return 0
	}
	return c.versions[wanted]
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
