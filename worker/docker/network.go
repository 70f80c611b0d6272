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
	if slices.Equal(listed, []string{"host"}) || slices.Equal(listed, []string{"none"}) {
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
// not do, it goes by its app's name as well as by its own.
func endpoint(name string, spec worker.Spec) *network.EndpointSettings {
	switch name {
	case "bridge", "host", "none":
		return &network.EndpointSettings{}
	}
	return &network.EndpointSettings{Aliases: []string{spec.App, spec.Name()}}
}

// haveNetworks makes the default network when it is missing, and fails when another one is.
func (e *Engine) haveNetworks(ctx context.Context, c *client.Client, names []string) error {
	for _, name := range names {
		_, err := c.NetworkInspect(ctx, name, network.InspectOptions{})
		if cerrdefs.IsNotFound(err) && name == e.opts.Network {
			err = e.makeNetwork(ctx, c)
		}
		if err != nil {
			return fmt.Errorf("network %s: %w", name, err)
		}
	}
	return nil
}

// makeNetwork makes the default network, which others may be doing at the same time. Engines before 25 can
// end up with two of one name, and then refuse the name as ambiguous; all but the oldest are removed.
func (e *Engine) makeNetwork(ctx context.Context, c *client.Client) error {
	_, err := c.NetworkCreate(ctx, e.opts.Network, network.CreateOptions{
		Driver: "bridge", Labels: map[string]string{worker.LabelDevice: e.opts.Device},
	})
	if cerrdefs.IsConflict(err) {
		return nil
	}
	if err != nil {
		return err
	}
	e.opts.Log.Info("made a network", "network", e.opts.Network)
	found, err := c.NetworkList(ctx, network.ListOptions{Filters: filters.NewArgs(filters.Arg("name", e.opts.Network))})
	if err != nil {
		return err
	}
	// The filter matches parts of names as well.
	found = slices.DeleteFunc(found, func(n network.Summary) bool { return n.Name != e.opts.Network })
	slices.SortFunc(found, func(a, b network.Summary) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID))
	})
	for _, n := range found[min(1, len(found)):] {
		// One that others have removed by now, or use, is theirs to care for.
		if err := c.NetworkRemove(ctx, n.ID); err != nil && !cerrdefs.IsNotFound(err) && !cerrdefs.IsPermissionDenied(err) {
			return err
		}
	}
	return nil
}
