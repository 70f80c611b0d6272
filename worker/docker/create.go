package docker

import (
	"context"
	"fmt"
	"slices"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/client"

	"muster/worker"
)

// unfinished ends the name of a container that Create is at. Engines before 25 take only one network when a
// container is made, so that others are joined in further calls; the container gets its real name last. No
// app's container can have such a name.
const unfinished = ".unfinished"

// undoTime is how long Create may take to remove a container that it could not finish.
const undoTime = 30 * time.Second

// Create implements [worker.Engine].
func (e *Engine) Create(ctx context.Context, spec worker.Spec) (string, error) {
	return e.create(ctx, spec, spec.Name())
}

// Stage implements [worker.Engine].
func (e *Engine) Stage(ctx context.Context, spec worker.Spec) (string, error) {
	return e.create(ctx, spec, spec.Staged())
}

// create makes the container under the name.
func (e *Engine) create(ctx context.Context, spec worker.Spec, name string) (string, error) {
	doing := "create " + spec.Name()
	c, err := e.client(ctx)
	if err != nil {
		return "", explain(ctx, doing, err)
	}
	networks := e.networks(spec.Networks)
	// What can be known to fail is found out first, because a container that comes and goes is an event,
	// which would make the worker try again at once.
	for _, n := range slices.Compact([]string{name, spec.Name()}) {
		if err := e.nameFree(ctx, c, n, name != n); err != nil {
			return "", explain(ctx, doing, err)
		}
	}
	if err := e.haveNetworks(ctx, c, networks); err != nil {
		return "", explain(ctx, doing, err)
	}
	config, host, err := e.settings(spec)
	if err != nil {
		return "", explain(ctx, doing, err)
	}
	host.NetworkMode = container.NetworkMode(networks[0])
	var first *network.NetworkingConfig
	if !alone(networks[0]) { // which Podman refuses as networks to join
		first = &network.NetworkingConfig{EndpointsConfig: map[string]*network.EndpointSettings{
			networks[0]: endpoint(networks[0], spec),
		}}
	}
	made, err := c.ContainerCreate(ctx, config, host, first, nil, spec.Name()+unfinished)
	if err != nil {
		return "", explain(ctx, doing, err)
	}
	for _, warning := range made.Warnings { // of limits that this engine or kernel does not have
		e.opts.Log.Warn("the engine cannot do all that is asked", "container", spec.Name(), "warning", warning)
	}
	if err := finish(ctx, c, made.ID, spec, name, networks[1:]); err != nil {
		err = explain(ctx, doing, err)
		if left := undo(ctx, c, made.ID); left != nil {
			err = fmt.Errorf("%w; %w", err, left)
		}
		return "", err
	}
	return made.ID, nil
}

// nameFree fails with a conflict when a container has the name; with passing, when it is none of this device, because
// what is ours will make way.
func (e *Engine) nameFree(ctx context.Context, c *client.Client, name string, passing bool) error {
	holder, err := c.ContainerInspect(ctx, name)
	if cerrdefs.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if passing && e.isOurs(holder.Config.Labels) {
		return nil
	}
	whose := "that is not ours"
	if device := holder.Config.Labels[worker.LabelDevice]; device != "" {
		whose = "of device " + device
	}
	said := fmt.Sprintf("the name is taken by a container %s: id %s, image %s", whose, short(holder.ID), holder.Config.Image)
	return &refusal{said: said, cause: worker.ErrConflict}
}

// finish joins the remaining networks and gives the container its name.
func finish(ctx context.Context, c *client.Client, id string, spec worker.Spec, name string, networks []string) error {
	for _, network := range networks {
		if err := c.NetworkConnect(ctx, network, id, endpoint(network, spec)); err != nil {
			return fmt.Errorf("join network %s: %w", network, err)
		}
	}
	return c.ContainerRename(ctx, id, name)
}

// undo removes a container that cannot be finished, also when ctx has ended. Should that fail, List still
// shows it as one to replace.
func undo(ctx context.Context, c *client.Client, id string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTime)
	defer cancel()
	err := c.ContainerRemove(ctx, id, container.RemoveOptions{Force: true, RemoveVolumes: true})
	if err == nil || cerrdefs.IsNotFound(err) {
		return nil
	}
	return explain(ctx, "remove what was made of it", err)
}
