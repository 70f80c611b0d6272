package worker

import (
	"fmt"
	"slices"

	"muster/topics"
)

// ports says which container has, or is first to get, each of the device's ports.
type ports map[int]string

// claim takes the host ports of the container for it. When one of them is taken, by another container or
// twice by this one, it takes none and says so.
func (p ports) claim(spec Spec) error {
	if !publishes(spec) {
		return nil
	}
	wanted := map[int]bool{}
	for _, b := range spec.Ports {
		if wanted[b.Host] {
			return &Fault{topics.ReasonPortClash, fmt.Errorf("%s publishes host port %d twice", spec.Name(), b.Host)}
		}
		wanted[b.Host] = true
		if holder, taken := p[b.Host]; taken {
			return &Fault{topics.ReasonPortClash, fmt.Errorf("%s needs host port %d, which is for %s", spec.Name(), b.Host, holder)}
		}
	}
	for port := range wanted {
		p[port] = spec.Name()
	}
	return nil
}

// publishes reports whether the container's ports are published at all: with the host's own network or
// with none, Docker ignores them.
func publishes(spec Spec) bool {
	return !slices.Contains(spec.Networks, "host") && !slices.Contains(spec.Networks, "none")
}

// hostPorts are those that the app's containers publish on this device.
func hostPorts(app topics.App, facts Facts) []int {
	var list []int
	for i := range min(app.ContainersPer.Containers(facts.CPUs, facts.MemoryMB), maxContainers) {
		for _, p := range app.StartingPorts {
			list = append(list, p.Host+i)
		}
	}
	return list
}
