package docker

import (
	"context"
	"slices"

	"github.com/docker/docker/api/types"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/client"

	"muster/worker"
)

// isPodman reports whether the engine is Podman behind Docker's API. It is asked once for each connection.
func (e *Engine) isPodman(ctx context.Context, c *client.Client) (bool, error) {
	if known := e.podman.Load(); known != nil {
		return *known, nil
	}
	version, err := c.ServerVersion(ctx)
	if err != nil {
		return false, err
	}
	is := slices.ContainsFunc(version.Components, func(v types.ComponentVersion) bool { return v.Name == "Podman Engine" })
	e.podman.Store(&is)
	return is, nil
}

// addHealth has the containers tell their health on Podman, whose list says it only as a filter.
func (e *Engine) addHealth(ctx context.Context, c *client.Client, list []worker.Container) error {
	if is, err := e.isPodman(ctx, c); err != nil || !is {
		return err
	}
	for _, health := range []string{"starting", "healthy", "unhealthy"} {
		found, err := listAll(ctx, c, filters.NewArgs(e.ours(), filters.Arg("health", health)))
		if err != nil {
			return err
		}
		for _, f := range found {
			for i := range list {
				if list[i].ID == f.ID {
					list[i].Health = health
				}
			}
		}
	}
	return nil
}
