package worker

import (
	"context"
	"errors"
	"log/slog"

	"muster/topics"
)

// prune removes the images that nothing needs. Those that turn out to be in use stay. What it did is right with
// an error too, which is about the first image that could not be removed.
func prune(ctx context.Context, engine Engine, keep needs, log *slog.Logger) (topics.Pruned, error) {
	var done topics.Pruned
	images, err := engine.Images(ctx)
	if err != nil {
		return done, err
	}
	before, blind := engine.Free(ctx)
	var failed error
	for _, i := range images {
		if keep.keeps(i) {
			continue
		}
		err := within(ctx, stepTime, func(ctx context.Context) error { return engine.RemoveImage(ctx, i.ID) })
		switch {
		case err == nil:
			done.Images++
			done.Bytes += i.Bytes
			log.Info("image removed", "image", i.ID, "names", i.Names)
		case errors.Is(err, ErrConflict):
			log.Debug("image kept", "image", i.ID, "names", i.Names, "why", err)
		case ctx.Err() != nil || errors.Is(err, ErrEngineDown):
			return done, err
		case failed == nil:
			failed = err
		}
	}
	// What images share is counted for each of them; the disk knows better.
	if after, err := engine.Free(ctx); blind == nil && err == nil {
		done.Bytes = max(0, after-before)
	}
	return done, failed
}
