package docker

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/client"

	"muster/worker"
)

// lefts remembers what containers that a Nebula worker left were made from, which does not change: each is inspected
// once.
type lefts struct {
	mu   sync.Mutex
	byID map[string]worker.Left
}

// isLeft reports whether a container with those labels is one that a Nebula worker left, and that is to be taken over.
// No worker of ours made it: those have labels of their own beside Nebula's.
func (e *Engine) isLeft(labels map[string]string) bool {
	if _, ours := labels[worker.LabelDevice]; ours || !e.opts.TakeOver {
		return false
	}
	kind, typed := labels[worker.LabelContainerType] // which early versions do not write
	return labels[worker.LabelOrchestrator] == worker.NebulaOrchestrator && labels[worker.LabelAppName] != "" &&
		(!typed || kind == worker.ContainerTypeApp || kind == worker.ContainerTypeCronJob)
}

// isOurs reports whether a container with those labels is this device's.
func (e *Engine) isOurs(labels map[string]string) bool {
	return labels[worker.LabelDevice] == e.opts.Device || e.isLeft(labels)
}

// left lists the containers that a Nebula worker left.
func (e *Engine) left(ctx context.Context, c *client.Client) ([]worker.Container, error) {
	found, err := listAll(ctx, c, filters.NewArgs(filters.Arg("label", worker.LabelOrchestrator+"="+worker.NebulaOrchestrator)))
	if err != nil {
		return nil, err
	}
	var list []worker.Container
	known := map[string]worker.Left{}
	for _, f := range found {
		if !e.isLeft(f.Labels) {
			continue
		}
		made, err := e.madeFrom(ctx, c, f.ID)
		if cerrdefs.IsNotFound(err) {
			continue // gone meanwhile
		}
		if err != nil {
			return nil, err
		}
		known[f.ID] = made
		// Networks are joined after the start, so they are as they are now.
		if f.NetworkSettings != nil {
			made.Networks = slices.Sorted(maps.Keys(f.NetworkSettings.Networks))
		}
		list = append(list, asLeft(seen(f), f.Labels, made))
	}
	e.lefts.mu.Lock()
	defer e.lefts.mu.Unlock()
	e.lefts.byID = known
	return list, nil
}

// asLeft completes what the labels of a Nebula worker say.
func asLeft(c worker.Container, labels map[string]string, made worker.Left) worker.Container {
	c.Left, c.Index = &made, -1
	name := labels[worker.LabelAppName]
	if labels[worker.LabelContainerType] == worker.ContainerTypeCronJob {
		c.CronJob, c.Spec = name, worker.LeftRun
		return c
	}
	c.App, c.Spec = name, ""
	if number, ok := strings.CutPrefix(c.Name, name+"-"); ok {
		if n, err := strconv.Atoi(number); err == nil && n > 0 && strconv.Itoa(n) == number {
			c.Index = n - 1
		}
	}
	return c
}

// madeFrom asks the engine, once for each container.
func (e *Engine) madeFrom(ctx context.Context, c *client.Client, id string) (worker.Left, error) {
	e.lefts.mu.Lock()
	made, known := e.lefts.byID[id]
	e.lefts.mu.Unlock()
	if known {
		return made, nil
	}
	found, err := c.ContainerInspect(ctx, id)
	if err != nil {
		return worker.Left{}, err
	}
	made = worker.Left{
		Image: found.Config.Image, Env: variables(found.Config.Env), Ports: bindings(found.HostConfig),
		Volumes: found.HostConfig.Binds, Privileged: found.HostConfig.Privileged,
		RestartPolicy: string(found.HostConfig.RestartPolicy.Name),
	}
	for _, d := range found.HostConfig.Devices {
		made.Devices = append(made.Devices, d.PathOnHost+":"+d.PathInContainer+":"+d.CgroupPermissions)
	}
	image, err := c.ImageInspect(ctx, found.Image)
	if err != nil && !cerrdefs.IsNotFound(err) {
		return worker.Left{}, err
	}
	if err == nil && image.Config != nil {
		made.ImageEnv = variables(image.Config.Env)
	}
	return made, nil
}

// variables reads NAME=VALUE. A name alone has no value.
func variables(env []string) map[string]string {
	vars := make(map[string]string, len(env))
	for _, line := range env {
		name, value, _ := strings.Cut(line, "=")
		vars[name] = value
	}
	return vars
}

// bindings reads the TCP ports that are published. One of another kind is written as port 0, which no spec has.
func bindings(host *container.HostConfig) []worker.PortBinding {
	var ports []worker.PortBinding
	for port, bound := range host.PortBindings {
		for _, b := range bound {
			on, err := strconv.Atoi(b.HostPort)
			if err != nil || port.Proto() != "tcp" || b.HostIP != "" && b.HostIP != "0.0.0.0" {
				ports = append(ports, worker.PortBinding{})
				continue
			}
			ports = append(ports, worker.PortBinding{Host: on, Container: port.Int()})
		}
	}
	return ports
}
