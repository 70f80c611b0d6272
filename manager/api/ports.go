package api

import (
	"cmp"
	"slices"

	"muster/manager/snapshot"
	"muster/manager/store"
	"muster/topics"
)

const maxPort = 65535

// A portRange is the host ports that one of an app's starting_ports takes on a device.
type portRange struct {
	first, last int
	app         string
}

// portRanges are the host ports that an app takes wherever it runs: none when its network has no ports to
// publish. The ranges of an app that another program wrote may end above maxPort.
func portRanges(app topics.App) []portRange {
	if slices.Contains(app.Networks, "host") || slices.Contains(app.Networks, "none") {
		return nil
	}
	ranges := make([]portRange, len(app.StartingPorts))
	for i, port := range app.StartingPorts {
		ranges[i] = portRange{port.Host, port.Host + leastContainers(app.ContainersPer) - 1, app.AppName}
	}
	return ranges
}

// leastContainers is the smallest number of containers that a device runs if it runs any: how many cores
// and how much memory it has is not known here.
func leastContainers(per topics.ContainersPer) int { return max(1, per.Containers(1, 0)) }

// checkPorts reports what is wrong with the ports of an app by itself.
func checkPorts(app topics.App) error {
	ranges := portRanges(app)
	for _, r := range ranges {
		if r.last > maxPort {
			return fieldErrorf("starting_ports", "host port %d and %d containers would need host port %d, the last one is %d",
				r.first, r.last-r.first+1, r.last, maxPort)
		}
	}
	if one, other := clash(ranges, func(string) bool { return true }); one != nil {
		return fieldErrorf("starting_ports", "host port %d would be taken twice, container n of an app takes the host port + n", max(one.first, other.first))
	}
	return nil
}

// portsTaken are the host ports that an app takes as things are: none when it is not running, or not there.
func portsTaken(app topics.App) []portRange {
	if !app.Running {
		return nil
	}
	return portRanges(app)
}

// checkGroupPorts reports a host port that two apps of a group would take at the same time, one of them being
// among the changed ones: a clash that is there already keeps nobody from changing something else.
func checkGroupPorts(g store.DeviceGroup, parts snapshot.Parts, changed func(app string) bool) error {
	var ranges []portRange
	for _, name := range g.Apps {
		ranges = append(ranges, portsTaken(parts.Apps.Docs[name])...)
	}
	one, other := clash(ranges, changed)
	if one == nil {
		return nil
	}
	apps := []string{one.app, other.app}
	slices.Sort(apps)
	return fieldErrorf("starting_ports", "host port %d of device_group %q would be taken by the apps %q and %q",
		max(one.first, other.first), g.DeviceGroup, apps[0], apps[1])
}

// clash finds two ranges that have a port in common, one of them being of a changed app.
func clash(ranges []portRange, changed func(app string) bool) (one, other *portRange) {
	slices.SortFunc(ranges, func(a, b portRange) int {
		return cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(a.app, b.app))
	})
	// Of all ranges that began already, and of the changed ones, the one that ends last.
	var reach, changedReach *portRange
	for i := range ranges {
		r := &ranges[i]
		before := changedReach
		if changed(r.app) {
			before = reach
		}
		if before != nil && before.last >= r.first {
			return before, r
		}
		if reach == nil || r.last > reach.last {
			reach = r
		}
		if changed(r.app) && (changedReach == nil || r.last > changedReach.last) {
			changedReach = r
		}
	}
	return nil, nil
}
