package docker

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"

	"muster/worker"
)

// List implements [worker.Engine]. A container that Create did not finish, because the worker or the engine
// died in between, shows no Spec: nothing that is wanted matches it, so that it is replaced.
func (e *Engine) List(ctx context.Context) ([]worker.Container, error) {
	const doing = "list containers"
	c, err := e.client(ctx)
	if err != nil {
		return nil, explain(ctx, doing, err)
	}
	found, err := c.ContainerList(ctx, container.ListOptions{All: true, Filters: filters.NewArgs(e.ours())})
	if err != nil {
		return nil, explain(ctx, doing, err)
	}
	list := make([]worker.Container, 0, len(found))
	for _, f := range found {
		list = append(list, seen(f))
	}
	slices.SortFunc(list, func(a, b worker.Container) int {
		return cmp.Or(cmp.Compare(a.App, b.App), cmp.Compare(a.Index, b.Index), cmp.Compare(a.Name, b.Name))
	})
	return list, nil
}

// ours is the filter for this device's containers.
func (e *Engine) ours() filters.KeyValuePair {
	return filters.Arg("label", worker.LabelDevice+"="+e.opts.Device)
}

// health is what the engine's one-line description of a state says of the health check.
func health(status string) string {
	switch {
	case strings.HasSuffix(status, "(health: starting)"), strings.HasSuffix(status, "(starting)"):
		return "starting"
	case strings.HasSuffix(status, "(unhealthy)"):
		return "unhealthy"
	case strings.HasSuffix(status, "(healthy)"):
		return "healthy"
	}
	return ""
}

func seen(f container.Summary) worker.Container {
	c := worker.Container{
		ID: f.ID, App: f.Labels[worker.LabelApp], Index: -1, Spec: f.Labels[worker.LabelSpec], CronJob: f.Labels[worker.LabelCronJob],
		State: f.State, Detail: f.Status, Health: health(f.Status), Image: f.Image, ImageID: f.ImageID,
	}
	if index, err := strconv.Atoi(f.Labels[worker.LabelIndex]); err == nil {
		c.Index = index
	}
	if seconds, err := strconv.Atoi(f.Labels[worker.LabelStopGrace]); err == nil {
		c.StopGrace = time.Duration(seconds) * time.Second
	}
	for _, p := range f.Ports {
		if port := int(p.PublicPort); port != 0 && !slices.Contains(c.Ports, port) { // one for each kind of address
			c.Ports = append(c.Ports, port)
		}
	}
	slices.Sort(c.Ports)
	// Old-style links add names such as /other/alias.
	for _, name := range f.Names {
		if name = strings.TrimPrefix(name, "/"); !strings.Contains(name, "/") {
			c.Name = name
		}
	}
	if strings.HasSuffix(c.Name, unfinished) {
		c.Spec = ""
	}
	return c
}
