package docker

import (
	"context"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
)

// Start implements [worker.Engine].
func (e *Engine) Start(ctx context.Context, id string) error {
	doing := "start " + short(id)
	c, err := e.client(ctx)
	if err != nil {
		return explain(ctx, doing, err)
	}
	return explain(ctx, doing, withPortHolder(ctx, c, c.ContainerStart(ctx, id, container.StartOptions{})))
}

// Rename implements [worker.Engine].
func (e *Engine) Rename(ctx context.Context, id, name string) error {
	doing := "rename " + short(id) + " to " + name
	c, err := e.client(ctx)
	if err != nil {
		return explain(ctx, doing, err)
	}
	found, err := c.ContainerInspect(ctx, id)
	if err == nil && found.Name != "/"+name { // the engine refuses to give a container the name that it has
		err = c.ContainerRename(ctx, id, name)
	}
	return explain(ctx, doing, err)
}

// Restart implements [worker.Engine].
func (e *Engine) Restart(ctx context.Context, id string) error {
	doing := "restart " + short(id)
	c, err := e.client(ctx)
	if err != nil {
		return explain(ctx, doing, err)
	}
	return explain(ctx, doing, c.ContainerRestart(ctx, id, container.StopOptions{}))
}

// Remove implements [worker.Engine]. One that is being removed already is fine as well.
func (e *Engine) Remove(ctx context.Context, id string) error {
	doing := "remove " + short(id)
	c, err := e.client(ctx)
	if err != nil {
		return explain(ctx, doing, err)
	}
	// Without a timeout the engine goes by the container's own, which Create gave it.
	if err := c.ContainerStop(ctx, id, container.StopOptions{}); err != nil && ctx.Err() != nil {
		return explain(ctx, doing, err)
	}
	// Whatever kept it from being stopped, force ends it, or the engine says here why not.
	err = c.ContainerRemove(ctx, id, container.RemoveOptions{Force: true, RemoveVolumes: true})
	if cerrdefs.IsNotFound(err) || cerrdefs.IsConflict(err) {
		return nil
	}
	return explain(ctx, doing, err)
}

// short is an id as people know it.
func short(id string) string { return id[:min(len(id), 12)] }
