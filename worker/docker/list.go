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
	"github.com/docker/docker/client"

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
	found, err := listAll(ctx, c, filters.NewArgs(e.ours()))
	if err != nil {
		return nil, explain(ctx, doing, err)
	}
	list := make([]worker.Container, 0, len(found))
	for _, f := range found {
		list = append(list, seen(f))
	}
	if err := e.addHealth(ctx, c, list); err != nil {
		return nil, explain(ctx, doing, err)
	}
	if e.opts.TakeOver {
		left, err := e.left(ctx, c)
		if err != nil {
			return nil, explain(ctx, doing, err)
		}
		list = append(list, left...)
	}
	slices.SortFunc(list, func(a, b worker.Container) int {
		return cmp.Or(cmp.Compare(a.App, b.App), cmp.Compare(a.Index, b.Index), cmp.Compare(a.Name, b.Name))
	})
	return list, nil
}

// listTries is how often a list is asked for that a container which ends at that moment makes fail.
const listTries = 5

// listAll lists containers in every state. Podman's list fails when a container ends while it is made, which tells
// nothing about the engine.
func listAll(ctx context.Context, c *client.Client, which filters.Args) (found []container.Summary, err error) {
	for range listTries {
		found, err = c.ContainerList(ctx, container.ListOptions{All: true, Filters: which})
		if err == nil || !strings.Contains(err.Error(), "no such process") && !strings.Contains(err.Error(), "no such container") {
			break
		}
	}
	return found, err
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

// state is Docker's word for a state. Podman has some of its own.
func state(s string) string {
	switch s {
	case "configured", "initialized":
		return "created"
	case "stopping":
		return "running"
	case "stopped": // and not cleaned up after yet
		return "exited"
	}
	return s
}

func seen(f container.Summary) worker.Container {
	c := worker.Container{
		ID: f.ID, App: f.Labels[worker.LabelApp], Index: -1, Spec: f.Labels[worker.LabelSpec], CronJob: f.Labels[worker.LabelCronJob],
		State: state(f.State), Detail: f.Status, Health: health(f.Status), Image: f.Image, ImageID: f.ImageID,
	}
	if index, err := strconv.Atoi(f.Labels[worker.LabelIndex]); err == nil {
		c.Index = index
	}
	if id, err := strconv.ParseInt(f.Labels[worker.LabelAppID], 10, 64); err == nil && id > 0 {
		c.AppID = id
	}
	if seconds, err := strconv.Atoi(f.Labels[worker.LabelStopGrace]); err == nil {
		c.StopGrace = time.Duration(seconds) * time.Second
	}
	for _, p := range f.Ports {
		// There is one for each kind of address. Podman also lists what a container will have that does not run.
		if port := int(p.PublicPort); port != 0 && c.State != "created" && c.State != "exited" && !slices.Contains(c.Ports, port) {
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
