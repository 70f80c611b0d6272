package docker

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/go-connections/nat"

	"muster/worker"
)

// settings are a container's, as the engine's API puts them, without its networks.
func (e *Engine) settings(spec worker.Spec) (*container.Config, *container.HostConfig, error) {
	grace := e.stopGrace(spec)
	config := &container.Config{
		Image:        spec.Source(),
		Labels:       e.labels(spec),
		ExposedPorts: nat.PortSet{},
		Entrypoint:   spec.Entrypoint,
		Cmd:          spec.Command,
		User:         spec.User,
		Healthcheck:  healthcheck(spec.Healthcheck),
		StopTimeout:  &grace,
	}
	for _, name := range slices.Sorted(maps.Keys(spec.Env)) {
		config.Env = append(config.Env, name+"="+spec.Env[name])
	}
	host := &container.HostConfig{
		RestartPolicy:  restartPolicy(spec),
		PortBindings:   nat.PortMap{},
		Privileged:     spec.Privileged,
		Resources:      resources(spec),
		LogConfig:      logConfig(spec.LogMaxMB),
		ReadonlyRootfs: spec.ReadOnly,
		CapAdd:         spec.CapAdd,
		CapDrop:        spec.CapDrop,
		Tmpfs:          tmpfs(spec.Tmpfs),
		ExtraHosts:     extraHosts(spec.ExtraHosts),
	}
	host.Binds, host.Mounts = volumes(spec.Volumes)
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

// labels are the spec's own, and ours, which those cannot replace.
func (e *Engine) labels(spec worker.Spec) map[string]string {
	labels := maps.Clone(spec.Labels)
	if labels == nil {
		labels = map[string]string{}
	}
	maps.Copy(labels, map[string]string{
		worker.LabelDevice:       e.opts.Device,
		worker.LabelSpec:         spec.Hash(),
		worker.LabelAppID:        strconv.FormatInt(spec.AppID, 10),
		worker.LabelOrchestrator: worker.NebulaOrchestrator,
	})
	delete(labels, worker.LabelCronJob)
	delete(labels, worker.LabelApp)
	if spec.CronJob != "" {
		labels[worker.LabelCronJob] = spec.CronJob
		labels[worker.LabelAppName] = spec.CronJob
		labels[worker.LabelContainerType] = worker.ContainerTypeCronJob
	} else {
		labels[worker.LabelApp] = spec.App
		labels[worker.LabelIndex] = strconv.Itoa(spec.Index)
		labels[worker.LabelAppName] = spec.App
		labels[worker.LabelContainerType] = worker.ContainerTypeApp
	}
	if spec.StopGraceSeconds != nil {
		labels[worker.LabelStopGrace] = strconv.Itoa(*spec.StopGraceSeconds)
	}
	return labels
}

// stopGrace is how many seconds the container has to end before it is killed.
func (e *Engine) stopGrace(spec worker.Spec) int {
	if spec.StopGraceSeconds != nil {
		return *spec.StopGraceSeconds
	}
	return int(math.Ceil(e.opts.StopTimeout.Seconds()))
}

// device reads host[:container[:rwm]].
func device(d string) (container.DeviceMapping, error) {
	parts := strings.Split(d, ":")
	if len(parts) > 3 {
		return container.DeviceMapping{}, fmt.Errorf("device must be host[:container[:rwm]], is %q", d)
	}
	mapping := container.DeviceMapping{PathOnHost: parts[0], PathInContainer: parts[0], CgroupPermissions: "rwm"}
	if len(parts) > 1 {
		mapping.PathInContainer = parts[1]
	}
	if len(parts) == 3 {
		mapping.CgroupPermissions = parts[2]
	}
	return mapping, nil
}
