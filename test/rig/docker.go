package rig

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/client"
)

// cleanTime is how long a test may take to remove what it made.
const cleanTime = time.Minute

// Docker is a client of the engine that DOCKER_HOST names, or of the machine's own. A test without an
// engine fails.
func Docker(t testing.TB) *client.Client {
	t.Helper()
	engine, err := client.NewClientWithOpts(client.FromEnv, client.WithAPIVersionNegotiation())
	if err != nil {
		t.Fatalf("Docker client: %v; check DOCKER_HOST", err)
	}
	t.Cleanup(func() { _ = engine.Close() })
	ping, err := engine.Ping(t.Context())
	if err != nil {
		t.Fatalf("tests need a Docker engine, and none answers: %v; start dockerd (Debian: apt-get install docker.io) "+
			"or set DOCKER_HOST, and be root or in the group docker", err)
	}
	engine.NegotiateAPIVersionPing(ping) // left to the first call, it is a data race of those that come together
	return engine
}

// RemoveContainers removes all containers with that label, a key=value, when the test ends.
func RemoveContainers(t testing.TB, engine *client.Client, label string) {
	t.Helper()
	cleanup(t, func(ctx context.Context) {
		list, err := engine.ContainerList(ctx, container.ListOptions{All: true, Filters: filters.NewArgs(filters.Arg("label", label))})
		if err != nil {
			t.Errorf("clean up containers with label %s: %v", label, err)
		}
		for _, c := range list {
			err := engine.ContainerRemove(ctx, c.ID, container.RemoveOptions{Force: true, RemoveVolumes: true})
			if err != nil && !cerrdefs.IsNotFound(err) && !cerrdefs.IsConflict(err) { // a conflict: it is being removed
				t.Errorf("clean up container %s: %v", c.Names, err)
			}
		}
	})
}

// RemoveImages removes all images that the engine has from the registry at addr, a host:port, when the test
// ends. [NewRegistry] does it for its own address. Containers of the images must be gone by then, so call
// [RemoveContainers] later: what is asked for last is done first.
func RemoveImages(t testing.TB, engine *client.Client, addr string) {
	t.Helper()
	cleanup(t, func(ctx context.Context) { removeImages(ctx, t, engine, addr) })
}

func removeImages(ctx context.Context, t testing.TB, engine *client.Client, addr string) {
	images, err := engine.ImageList(ctx, image.ListOptions{All: true})
	if err != nil {
		t.Errorf("clean up images of %s: %v", addr, err)
	}
	for _, i := range images {
		// One whose tag has moved on has a digest only.
		for _, ref := range slices.Concat(i.RepoTags, i.RepoDigests) {
			if !strings.HasPrefix(ref, addr+"/") || strings.HasSuffix(ref, ":<none>") {
				continue
			}
			_, err := engine.ImageRemove(ctx, ref, image.RemoveOptions{Force: true, PruneChildren: true})
			if err != nil && !cerrdefs.IsNotFound(err) {
				t.Errorf("clean up image %s: %v", ref, err)
			}
		}
	}
}

// RemoveNetwork removes all networks of that name when the test ends, of which engines before 25 can have
// several.
func RemoveNetwork(t testing.TB, engine *client.Client, name string) {
	t.Helper()
	cleanup(t, func(ctx context.Context) {
		list, err := engine.NetworkList(ctx, network.ListOptions{Filters: filters.NewArgs(filters.Arg("name", name))})
		if err != nil {
			t.Errorf("clean up network %s: %v", name, err)
		}
		for _, n := range list {
			if n.Name != name { // the filter matches parts of names as well
				continue
			}
			if err := engine.NetworkRemove(ctx, n.ID); err != nil && !cerrdefs.IsNotFound(err) {
				t.Errorf("clean up network %s: %v", name, err)
			}
		}
	})
}

// cleanup runs f when the test ends, with a context of its own, because the test's has ended by then.
func cleanup(t testing.TB, f func(context.Context)) {
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), cleanTime)
		defer cancel()
		f(ctx)
	})
}
