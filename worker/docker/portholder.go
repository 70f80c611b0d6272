package docker

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/client"
)

// withPortHolder completes the error of a start for which Docker has given the host port away already: with the
// container that has the port, or with what helps when none has. A Docker that is killed while it publishes a port
// can take that port for taken until it is restarted (moby's issue 25981).
func withPortHolder(ctx context.Context, c *client.Client, err error) error {
	port := allocatedPort(err)
	if port == 0 {
		return err
	}
	list, listErr := c.ContainerList(ctx, container.ListOptions{})
	if listErr != nil {
		return err // which says enough
	}
	for _, holder := range list {
		for _, p := range holder.Ports {
			if int(p.PublicPort) == port && len(holder.Names) > 0 {
				return fmt.Errorf("%w; container %s has it", err, strings.TrimPrefix(holder.Names[0], "/"))
			}
		}
	}
	return fmt.Errorf("%w; no container has it: if that lasts, the engine was killed while it published the port, and frees it when it is restarted", err)
}

// allocatedPort is the host port of "Bind for 0.0.0.0:80 failed: port is already allocated"; 0 for other errors.
func allocatedPort(err error) int {
	if err == nil {
		return 0
	}
	before, _, allocated := strings.Cut(err.Error(), " failed: port is already allocated")
	_, address, bound := strings.Cut(before, "Bind for ")
	if !allocated || !bound {
		return 0
	}
	_, number, _ := net.SplitHostPort(address)
	port, _ := strconv.Atoi(number) // 0 when there is none
	return port
}
