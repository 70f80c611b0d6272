package devices

import (
	"maps"
	"unique"

	"muster/manager/fleet"
	"muster/topics"
)

// Groups names the device_groups of the devices that are known, in no particular order.
func (f *Fleet) Groups() []string {
	f.mu.RLock()
	defer f.mu.RUnlock()
	names := make([]string, 0, len(f.census.groups))
	for name := range maps.Keys(f.census.groups) {
		names = append(names, name.Value())
	}
	return names
}

// Summary counts the devices of a group. Behind says that they have a newer config than the store. At is left to the caller.
func (f *Fleet) Summary(group string, behind bool) topics.Summary {
	wanted := f.latest(group)
	f.mu.RLock()
	defer f.mu.RUnlock()
	s := topics.Summary{}
	if g, ok := f.census.groups[unique.Make(group)]; ok {
		s = g.summary(g.at(wanted))
		s.ConfigIDs = g.configIDs()
	}
	s.DeviceGroup, s.Wanted = group, wanted
	if behind {
		s.StoreBehind = 1
	}
	return s
}

// SummaryOfAll counts all devices. Behind is how many groups have devices with a newer config than the store. At is left to
// the caller.
func (f *Fleet) SummaryOfAll(behind int) topics.Summary {
	n := f.Counts()
	f.mu.RLock()
	defer f.mu.RUnlock()
	s := f.census.all.summary(n)
	s.StoreBehind = int64(behind)
	return s
}

// Counts are those of all devices.
func (f *Fleet) Counts() (all fleet.Counts) {
	for _, n := range f.GroupCounts() {
		all.Add(n)
	}
	return all
}

// GroupCounts are those of each device_group that devices are in.
func (f *Fleet) GroupCounts() map[string]fleet.Counts {
	f.mu.RLock()
	defer f.mu.RUnlock()
	groups := make(map[string]fleet.Counts, len(f.census.groups))
	for name, g := range f.census.groups {
		groups[name.Value()] = g.at(f.latest(name.Value()))
	}
	return groups
}

func (f *Fleet) latest(group string) topics.Version {
	latest, _ := f.configs.Latest(group)
	return latest.Version
}
