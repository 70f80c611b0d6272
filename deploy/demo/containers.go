package main

import (
	"context"
	"errors"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	docker "github.com/docker/docker/client"

	"muster/worker"
)

// removeContainers removes the containers of the demo's device. The worker leaves them running when it ends,
// as it should; a demo cleans up after itself.
func removeContainers(device string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	engine, err := docker.NewClientWithOpts(docker.FromEnv, docker.WithAPIVersionNegotiation())
	if err != nil {
		return err
	}
	defer func() { _ = engine.Close() }() // nothing waits in it
	ours, err := engine.ContainerList(ctx, container.ListOptions{
		All: true, Filters: filters.NewArgs(filters.Arg("label", worker.LabelDevice+"="+device)),
	})
	for _, c := range ours {
		err = errors.Join(err, engine.ContainerRemove(ctx, c.ID, container.RemoveOptions{Force: true, RemoveVolumes: true}))
	}
	return err
}
