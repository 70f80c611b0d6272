package docker

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/distribution/reference"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/client"

	"muster/worker"
)

// unpacking is how many times larger a compressed layer is taken to be when it is unpacked, where it does not say
// so itself: the images that most others are made from grow 2.3 to 2.8 times, and small files take whole blocks.
const unpacking = 3

// largestTold is the size in bytes up to which a gzip layer's own word on its size is taken: it has 32 bits.
const largestTold = (1 << 32) / unpacking

// PullSize implements [worker.Engine].
func (e *Engine) PullSize(ctx context.Context, ref string) (worker.PullSize, error) {
	doing := "ask for the size of " + ref
	size, err := e.pullSize(ctx, ref)
	return size, explain(ctx, doing, err)
}

func (e *Engine) pullSize(ctx context.Context, ref string) (worker.PullSize, error) {
	named, err := reference.ParseDockerRef(ref)
	if err != nil {
		return worker.PullSize{}, err
	}
	c, err := e.client(ctx)
	if err != nil {
		return worker.PullSize{}, err
	}
	info, err := c.Info(ctx)
	if err != nil {
		return worker.PullSize{}, err
	}
	p, err := enginePlatform(ctx, c, info.Architecture)
	if err != nil {
		return worker.PullSize{}, err
	}
	have, err := stacks(ctx, c)
	if err != nil {
		return worker.PullSize{}, err
	}
	login := e.login(ctx, ref)
	r := newRepository(named, info.RegistryConfig, login.credential)
	defer r.close()
	size, err := r.missing(ctx, tagOrDigest(named), p, have)
	if err != nil {
		refused := &refusal{said: hide(err.Error(), login.credential)}
		if limit, ok := errors.AsType[*worker.Limit](err); ok {
			refused.cause = &worker.Limit{After: limit.After, Err: errors.New(refused.said)}
		}
		return worker.PullSize{}, refused
	}
	return size, nil
}

// missing is what the image has beside the stacks of layers that are there.
func (r *repository) missing(ctx context.Context, of string, p platform, have map[string]bool) (worker.PullSize, error) {
	digest, err := r.digest(ctx, of)
	if err != nil {
		return worker.PullSize{}, err
	}
	if digest != "" {
		if have[digest] {
			return worker.PullSize{}, nil
		}
		of = digest
	}
	m, err := r.manifest(ctx, of, p)
	if err != nil {
		return worker.PullSize{}, err
	}
	layers, err := r.layers(ctx, *m.Config)
	if err != nil {
		return worker.PullSize{}, err
	}
	if len(layers) != len(m.Layers) {
		return worker.PullSize{}, fmt.Errorf("the image has %d layers and lists %d", len(m.Layers), len(layers))
	}
	var size worker.PullSize
	for i, layer := range m.Layers {
		if have[stack(layers[:i+1])] {
			continue
		}
		size.Layers++
		size.Packed += layer.Size
		size.Unpacked += r.unpacked(ctx, layer)
	}
	return size, nil
}

func tagOrDigest(named reference.Named) string {
	switch n := named.(type) {
	case reference.Digested:
		return n.Digest().String()
	case reference.Tagged:
		return n.Tag()
	}
	return ""
}

// stack names a layer with those below it: the engine shares a layer only where all of them are the same.
func stack(layers []string) string { return strings.Join(layers, " ") }

// stacks are those of all images that the engine has, with the digests that the images were pulled by.
func stacks(ctx context.Context, c *client.Client) (map[string]bool, error) {
	images, err := c.ImageList(ctx, image.ListOptions{})
	if err != nil {
		return nil, err
	}
	have := map[string]bool{}
	for _, i := range images {
		for _, name := range i.RepoDigests {
			_, digest, _ := strings.Cut(name, "@")
			have[digest] = true
		}
		found, err := c.ImageInspect(ctx, i.ID)
		if err != nil {
			continue // it has gone, and with it what it had
		}
		for n := range found.RootFS.Layers {
			have[stack(found.RootFS.Layers[:n+1])] = true
		}
	}
	return have, nil
}

// unpacked is about how many bytes the layer takes on the disk.
func (r *repository) unpacked(ctx context.Context, layer descriptor) int64 {
	compressed := slices.ContainsFunc([]string{"gzip", "zstd"}, func(with string) bool { return strings.HasSuffix(layer.MediaType, with) })
	if !compressed {
		return layer.Size
	}
	if strings.HasSuffix(layer.MediaType, "gzip") && layer.Size <= largestTold {
		if told, err := r.told(ctx, layer); err == nil && told >= layer.Size/2 {
			return told
		}
	}
	return layer.Size * unpacking
}

// told is what a gzip archive says at its end of its own size when it is unpacked. One that consists of several
// archives says it of the last only.
func (r *repository) told(ctx context.Context, layer descriptor) (int64, error) {
	end := fmt.Sprintf("bytes=%d-%d", layer.Size-4, layer.Size-1)
	answer, err := r.ask(ctx, http.MethodGet, "blobs/"+layer.Digest, http.Header{"Range": {end}})
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusPartialContent {
		return 0, fmt.Errorf("the registry answers %s to a request for a part", answer.Status)
	}
	var size [4]byte
	if _, err := io.ReadFull(answer.Body, size[:]); err != nil {
		return 0, err
	}
	return int64(binary.LittleEndian.Uint32(size[:])), nil
}
