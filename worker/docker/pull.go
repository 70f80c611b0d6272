package docker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/image"

	"muster/worker"
)

// ImageID implements [worker.Engine].
func (e *Engine) ImageID(ctx context.Context, ref string) (string, error) {
	doing := "look for image " + ref
	c, err := e.client(ctx)
	if err != nil {
		return "", explain(ctx, doing, err)
	}
	found, err := c.ImageInspect(ctx, ref)
	if cerrdefs.IsNotFound(err) {
		return "", nil
	}
	return found.ID, explain(ctx, doing, err)
}

// Pull implements [worker.Engine]. Progress is also told, with the same numbers, while layers are unpacked,
// which on a slow disk takes longer than to fetch them: it shows that the pull is alive.
func (e *Engine) Pull(ctx context.Context, ref string, progress func(worker.PullProgress)) error {
	doing := "pull " + ref
	c, err := e.client(ctx)
	if err != nil {
		return explain(ctx, doing, err)
	}
	if progress == nil {
		progress = func(worker.PullProgress) {}
	}
	login := e.login(ctx, ref)
	stream, err := c.ImagePull(ctx, ref, image.PullOptions{RegistryAuth: login.header})
	if err == nil {
		err = follow(stream, progress)
		_ = stream.Close() // what was read has been read
	}
	if err == nil {
		return nil
	}
	return login.pullError(ctx, doing, err)
}

// A message is one of those that the engine streams during a pull.
type message struct {
	// ID is the layer's.
	ID     string `json:"id"`
	Status string `json:"status"`
	Detail struct {
		Current int64 `json:"current"`
		Total   int64 `json:"total"`
	} `json:"progressDetail"`
	// Error ends a pull that failed; the status of the answer was 200 long before.
	Error string `json:"error"`
}

// follow reads a pull's messages to their end, and fails with the error that is in them.
func follow(stream io.Reader, progress func(worker.PullProgress)) error {
	layers := layers{}
	var told worker.PullProgress
	decoder := json.NewDecoder(stream)
	for {
		var m message
		err := decoder.Decode(&m)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("the engine's answer: %w", err)
		}
		if m.Error != "" {
			return errors.New(m.Error)
		}
		layers.note(m)
		if now := layers.sum(); now != told || m.Status == "Extracting" {
			told = now
			progress(now)
		}
	}
}

// layers holds how far the download of each layer is, by its id. Those that are present already are never
// downloaded and hence not in it.
type layers map[string]worker.PullProgress

func (l layers) note(m message) {
	switch m.Status {
	case "Downloading":
		// The total is missing where the registry does not tell the size.
		if m.Detail.Total > 0 {
			l[m.ID] = worker.PullProgress{Done: min(m.Detail.Current, m.Detail.Total), Total: m.Detail.Total}
		}
	case "Verifying Checksum", "Download complete", "Extracting", "Pull complete":
		if layer, known := l[m.ID]; known {
			l[m.ID] = worker.PullProgress{Done: layer.Total, Total: layer.Total}
		}
	}
}

func (l layers) sum() worker.PullProgress {
	var sum worker.PullProgress
	for _, layer := range l {
		sum.Done += layer.Done
		sum.Total += layer.Total
	}
	return sum
}
