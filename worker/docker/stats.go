package docker

import (
	"context"
	"encoding/json"
	"io"

	"muster/topics"
)

// Stats implements [worker.Engine]. The engine takes a second or two, because it measures the processor twice.
func (e *Engine) Stats(ctx context.Context, id string) (json.RawMessage, error) {
	doing := "read the stats of " + short(id)
	c, err := e.client(ctx)
	if err != nil {
		return nil, explain(ctx, doing, err)
	}
	answer, err := c.ContainerStats(ctx, id, false)
	if err != nil {
		return nil, explain(ctx, doing, err)
	}
	defer answer.Body.Close()
	var document json.RawMessage
	if err := json.NewDecoder(io.LimitReader(answer.Body, topics.MaxPayload)).Decode(&document); err != nil {
		return nil, explain(ctx, doing, err)
	}
	return document, nil
}
