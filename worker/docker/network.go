package docker

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/client"

	"muster/worker"
)

// networks are those that a container joins, in the order in which it does.
func (e *Engine) networks(listed []string) []string {
	if len(listed) == 1 && alone(listed[0]) {
		return listed
	}
	join := []string{e.opts.Network}
	for _, name := range listed {
		if !slices.Contains(join, name) {
			join = append(join, name)
		}
	}
	return join
}

// endpoint is how a container joins a network: where names are resolved, which Docker's own networks do
// not do, it goes by its app's name as well as by its own. A run of a cron_job has only its own: an app may
// have the cron_job's.
func endpoint(name string, spec worker.Spec) *network.EndpointSettings {
	if name == "bridge" {
		return &network.EndpointSettings{}
	}
	if spec.CronJob != "" {
		return &network.EndpointSettings{Aliases: []string{spec.Name()}}
	}
	return &network.EndpointSettings{Aliases: []string{spec.App, spec.Name()}}
}

// alone reports whether it is the mode of a container without networks of its own, rather than a network.
func alone(name string) bool { return name == "host" || name == "none" }

// haveNetworks makes the default network when it is missing, and fails when another one is.
func (e *Engine) haveNetworks(ctx context.Context, c *client.Client, names []string) error {
	for _, name := range names {
		var err error
		switch {
		case alone(name): // Podman does not list it, as Docker does
		case name == e.opts.Network:
			err = e.haveDefault(ctx, c)
		default:
			_, err = c.NetworkInspect(ctx, name, network.InspectOptions{})
		}
		if err != nil {
			return fmt.Errorf("network %s: %w", name, err)
		}
	}
	return nil
}

// haveDefault makes the default network when it is missing. Others may be doing so at the same time, and
// engines before 25 can end up with several of one name, which they then refuse as ambiguous: all but the
// oldest are removed, whoever made them.
func (e *Engine) haveDefault(ctx context.Context, c *client.Client) error {
	found, err := e.defaults(ctx, c)
	if err == nil && len(found) == 0 {
		if err := e.makeDefault(ctx, c); err != nil {
			return err
		}
		found, err = e.defaults(ctx, c)
	}
	if err != nil {
		return err
	}
	if len(found) < 2 {
		return nil
	}
	oldest := slices.MinFunc(found, func(a, b network.Summary) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID))
	})
	for _, n := range found {
		if n.ID == oldest.ID {
			continue
		}
		// One that others have removed by now is gone, and one that has containers has to stay.
		if err := c.NetworkRemove(ctx, n.ID); err != nil && !cerrdefs.IsNotFound(err) && !cerrdefs.IsPermissionDenied(err) {
			return err
		}
	}
	return nil
}

// defaults are the networks that have the default one's name.
func (e *Engine) defaults(ctx context.Context, c *client.Client) ([]network.Summary, error) {
	found, err := c.NetworkList(ctx, network.ListOptions{Filters: filters.NewArgs(filters.Arg("name", e.opts.Network))})
	// The filter matches parts of names as well.
	found = slices.DeleteFunc(found, func(n network.Summary) bool { return n.Name != e.opts.Network })
	return found, err
}

func (e *Engine) makeDefault(ctx context.Context, c *client.Client) error {
	_, err := c.NetworkCreate(ctx, e.opts.Network, network.CreateOptions{
		Driver: "bridge", Labels: map[string]string{worker.LabelDevice: e.opts.Device},
	})
	if cerrdefs.IsConflict(err) {
		return nil // somebody else was faster
	}
	if err == nil {
		e.opts.Log.Info("made the default network", "network", e.opts.Network)
	}
	return err
}
