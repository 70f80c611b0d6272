package docker

import (
	"context"
	"time"

	"muster/worker"
)

// Inspect implements [worker.Engine].
func (e *Engine) Inspect(ctx context.Context, id string) (worker.Details, error) {
	doing := "inspect " + short(id)
	c, err := e.client(ctx)
	if err != nil {
		return worker.Details{}, explain(ctx, doing, err)
	}
	found, err := c.ContainerInspect(ctx, id)
	if err != nil {
		return worker.Details{}, explain(ctx, doing, err)
	}
	return worker.Details{
		Started: moment(found.State.StartedAt), Finished: moment(found.State.FinishedAt),
		ExitCode: found.State.ExitCode, OutOfMemory: found.State.OOMKilled, Error: found.State.Error,
		Restarts: found.RestartCount,
	}, nil
}

// moment reads one of the engine's times. It writes the year 1 for what did not happen, which is zero, and
// nothing that is no time.
func moment(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}
	}
	return t
}
