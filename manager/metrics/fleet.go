package metrics

import (
	"cmp"
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"muster/manager/devices"
	"muster/manager/fleet"
)

const (
	// maxGroups is how many device_groups have series of their own: those with the most devices.
	maxGroups = 100
	// otherGroups stands for the others, and for groups that devices say they are in and that do not exist, since devices can make
	// those up. No group can have that name.
	otherGroups = "(others)"
)

// groupCounts collects the devices of each device_group by their state.
type groupCounts struct {
	known  *devices.Fleet
	groups func() []string
	desc   *prometheus.Desc
}

func (m *Metrics) watchFleet(known *devices.Fleet, groups func() []string) {
	m.gauge("muster_devices_known", "Devices that are known.", func() float64 { return float64(known.Counts().Devices) })
	m.gauge("muster_devices_online", "Devices that are connected, by their status.", func() float64 { return float64(known.Counts().Online) })
	m.gauge("muster_devices_failing", "Devices that are connected and have something that fails.", func() float64 {
		return float64(known.Counts().Failing)
	})
	m.registry.MustRegister(groupCounts{known, groups, prometheus.NewDesc(
		"muster_devices", "Devices by their device_group and state; all states but offline are of those connected.", []string{"device_group", "state"}, nil,
	)})
}

// Describe is prometheus.Collector's.
func (g groupCounts) Describe(descs chan<- *prometheus.Desc) { descs <- g.desc }

// Collect is prometheus.Collector's.
func (g groupCounts) Collect(into chan<- prometheus.Metric) {
	for group, n := range bounded(g.known.GroupCounts(), g.groups()) {
		for state, count := range map[string]int64{
			"online": n.Online, "offline": n.Offline, "current": n.Current, "behind": n.Behind, "updating": n.Updating, "failing": n.Failing,
		} {
			into <- prometheus.MustNewConstMetric(g.desc, prometheus.GaugeValue, float64(count), group, state)
		}
	}
}

// bounded has the counts of the existing groups with the most devices, and adds up the others.
func bounded(counts map[string]fleet.Counts, existing []string) map[string]fleet.Counts {
	slices.SortFunc(existing, func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b].Devices, counts[a].Devices), cmp.Compare(a, b))
	})
	shown := make(map[string]fleet.Counts)
	for _, group := range existing[:min(len(existing), maxGroups)] {
		shown[group] = counts[group]
	}
	for group, n := range counts {
		if _, own := shown[group]; !own {
			others := shown[otherGroups]
			others.Add(n)
			shown[otherGroups] = others
		}
	}
	return shown
}
