package e2e

import (
	"context"
	"fmt"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"

	"muster/worker"
)

// life identifies one run of a container: it changes when the container is replaced and when it is restarted.
type life struct{ id, startedAt string }

// containers are the device's, running or not, by name.
func (d *device) containers() map[string]container.Summary {
	d.in.t.Helper()
	list, err := d.in.engine.ContainerList(context.Background(), container.ListOptions{
		All: true, Filters: filters.NewArgs(filters.Arg("label", worker.LabelDevice+"="+d.name)),
	})
	if err != nil {
		d.in.t.Fatal(err)
	}
	byName := make(map[string]container.Summary, len(list))
	for _, c := range list {
		byName[c.Names[0][1:]] = c
	}
	return byName
}

// removeContainers removes them all, as a device that lost its disk would.
func (d *device) removeContainers() {
	d.in.t.Helper()
	for name, c := range d.containers() {
		if err := d.in.engine.ContainerRemove(context.Background(), c.ID, container.RemoveOptions{Force: true, RemoveVolumes: true}); err != nil {
			d.in.t.Errorf("remove %s: %v", name, err)
		}
	}
}

// life is that of the container of that name.
func (d *device) life(name string) life {
	d.in.t.Helper()
	inspected, err := d.in.engine.ContainerInspect(context.Background(), name)
	if err != nil {
		d.in.t.Fatal(err)
	}
	return life{inspected.ID, inspected.State.StartedAt}
}

// awaitCount waits until the device has that many containers, all of them running.
func (d *device) awaitCount(want int) {
	d.in.t.Helper()
	await(d.in.t, fmt.Sprintf("%d running containers", want), func() error {
		containers := d.containers()
		for name, c := range containers {
			if c.State != container.StateRunning {
				return fmt.Errorf("%s is %s", name, c.State)
			}
		}
		if len(containers) != want {
			return fmt.Errorf("there are %d", len(containers))
		}
		return nil
	})
}
