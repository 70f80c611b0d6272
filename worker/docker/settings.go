package docker

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/go-connections/nat"

	"muster/worker"
)

// settings are a container's, as the engine's API puts them, without its networks.
func (e *Engine) settings(spec worker.Spec) (*container.Config, *container.HostConfig, error) {
	config := &container.Config{
		Image: spec.Image,
		Labels: map[string]string{
			worker.LabelDevice: e.opts.Device,
			worker.LabelApp:    spec.App,
			worker.LabelIndex:  strconv.Itoa(spec.Index),
			worker.LabelSpec:   spec.Hash(),
		},
		ExposedPorts: nat.PortSet{},
	}
	for _, name := range slices.Sorted(maps.Keys(spec.Env)) {
		config.Env = append(config.Env, name+"="+spec.Env[name])
	}
	host := &container.HostConfig{
		// The engine brings containers back after a reboot, whether or not there is a worker.
		RestartPolicy: container.RestartPolicy{Name: container.RestartPolicyUnlessStopped},
		PortBindings:  nat.PortMap{},
		Binds:         spec.Volumes,
		Privileged:    spec.Privileged,
	}
	for _, p := range spec.Ports {
		port := nat.Port(strconv.Itoa(p.Container) + "/tcp")
		config.ExposedPorts[port] = struct{}{}
		// Without an address the port is bound on all of them.
		host.PortBindings[port] = append(host.PortBindings[port], nat.PortBinding{HostPort: strconv.Itoa(p.Host)})
	}
	for _, d := range spec.Devices {
		mapping, err := device(d)
		if err != nil {
			return nil, nil, err
		}
		host.Devices = append(host.Devices, mapping)
	}
	return config, host, nil
}

// device reads host:container[:rwm].
func device(d string) (container.DeviceMapping, error) {
	parts := strings.Split(d, ":")
	if len(parts) < 2 || len(parts) > 3 {
		return container.DeviceMapping{}, fmt.Errorf("device must be host:container[:rwm], is %q", d)
	}
	mapping := container.DeviceMapping{PathOnHost: parts[0], PathInContainer: parts[1], CgroupPermissions: "rwm"}
	if len(parts) == 3 {
		mapping.CgroupPermissions = parts[2]
	}
	return mapping, nil
}
