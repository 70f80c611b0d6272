package docker

import (
	"context"
	"strconv"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/pkg/stdcopy"
)

// logLines is how many lines of a log are read at most. It bounds the work, since a line may be long.
const logLines = 100

// Logs implements [worker.Engine]. With a logging driver that cannot be read it fails.
func (e *Engine) Logs(ctx context.Context, id string, limit int) ([]byte, error) {
	doing := "read the log of " + short(id)
	c, err := e.client(ctx)
	if err != nil {
		return nil, explain(ctx, doing, err)
	}
	stream, err := c.ContainerLogs(ctx, id, container.LogsOptions{
		ShowStdout: true, ShowStderr: true, Tail: strconv.Itoa(logLines),
	})
	if err != nil {
		return nil, explain(ctx, doing, err)
	}
	defer stream.Close()
	end := &tail{limit: limit}
	if _, err := stdcopy.StdCopy(end, end, stream); err != nil {
		return nil, explain(ctx, doing, err)
	}
	return end.kept, nil
}

// A tail keeps the end of what is written to it.
type tail struct {
	limit int
	kept  []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.kept = append(t.kept, p...)
	if over := len(t.kept) - t.limit; over > 0 {
		t.kept = append(t.kept[:0], t.kept[over:]...)
	}
	return len(p), nil
}
