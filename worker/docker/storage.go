package docker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/image"

	"muster/worker"
)

// Images implements [worker.Engine]. Layers that only other images build on are not shown.
func (e *Engine) Images(ctx context.Context) ([]worker.Image, error) {
	const doing = "list images"
	c, err := e.client(ctx)
	if err != nil {
		return nil, explain(ctx, doing, err)
	}
	found, err := c.ImageList(ctx, image.ListOptions{})
	if err != nil {
		return nil, explain(ctx, doing, err)
	}
	// Containers after images: one that is made in between is seen, its image being one that there was.
	containers, err := c.ContainerList(ctx, container.ListOptions{All: true})
	if err != nil {
		return nil, explain(ctx, doing, err)
	}
	used := map[string]bool{}
	for _, c := range containers {
		used[c.ImageID] = true
	}
	var images []worker.Image
	for _, i := range found {
		images = append(images, worker.Image{ID: i.ID, Names: names(i.RepoTags, i.RepoDigests), Bytes: i.Size, Used: used[i.ID]})
	}
	slices.SortFunc(images, func(a, b worker.Image) int { return cmp.Compare(a.ID, b.ID) })
	return images, nil
}

// names are the references that an image goes by. Engines before 25 write "<none>" for none.
func names(tags, digests []string) []string {
	return slices.DeleteFunc(slices.Concat(tags, digests), func(name string) bool { return strings.Contains(name, "<none>") })
}

// RemoveImage implements [worker.Engine]. The names go one by one, because the engine removes an image that
// has several only by force.
func (e *Engine) RemoveImage(ctx context.Context, id string) error {
	doing := "remove image " + short(strings.TrimPrefix(id, "sha256:"))
	c, err := e.client(ctx)
	if err != nil {
		return explain(ctx, doing, err)
	}
	// The engine takes away names while a container has the image, until the last one.
	containers, err := c.ContainerList(ctx, container.ListOptions{All: true})
	if err != nil {
		return explain(ctx, doing, err)
	}
	if slices.ContainsFunc(containers, func(c container.Summary) bool { return c.ImageID == id }) {
		return explain(ctx, doing, &refusal{said: "a container was made from it", cause: worker.ErrConflict})
	}
	// A name may have moved to another image since the images were listed.
	found, err := c.ImageInspect(ctx, id)
	if cerrdefs.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return explain(ctx, doing, err)
	}
	for _, name := range append(names(found.RepoTags, found.RepoDigests), id) {
		if _, err := c.ImageRemove(ctx, name, image.RemoveOptions{PruneChildren: true}); err != nil && !cerrdefs.IsNotFound(err) {
			return explain(ctx, doing, err)
		}
	}
	return nil
}

// Free implements [worker.Engine]. What counts is what those may take who are not root.
func (e *Engine) Free(ctx context.Context) (int64, error) {
	const doing = "look at the free space"
	c, err := e.client(ctx)
	if err != nil {
		return 0, explain(ctx, doing, err)
	}
	if !strings.HasPrefix(c.DaemonHost(), "unix:") {
		return 0, fmt.Errorf("%s: the engine at %s is on another machine", doing, c.DaemonHost())
	}
	info, err := c.Info(ctx)
	if err != nil {
		return 0, explain(ctx, doing, err)
	}
	var disk syscall.Statfs_t
	err = syscall.Statfs(info.DockerRootDir, &disk)
	if errors.Is(err, os.ErrNotExist) {
		return 0, fmt.Errorf("%s: %s, where the engine keeps its images, cannot be seen from here; "+
			"a worker in a container has to be given it as a volume, which may be read-only", doing, info.DockerRootDir)
	}
	if err != nil {
		return 0, fmt.Errorf("%s: %s: %w", doing, info.DockerRootDir, err)
	}
	return int64(disk.Bavail) * int64(disk.Bsize), nil //nolint:unconvert // its type differs between architectures
}
