package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"muster/topics"
)

// sizeTime is how long a registry may take to say how large an image is. Without an answer the pull itself is
// tried.
const sizeTime = 30 * time.Second

// A space is the room on the engine's disk, as far as pulls share in it.
type space struct {
	engine Engine
	// reserve is how many bytes are to stay free.
	reserve int64
	log     *slog.Logger

	mu sync.Mutex
	// claimed is what the pulls that are going on need at most, in bytes.
	claimed int64
}

// A shortage is the error of a pull for which there is not enough room.
type shortage struct {
	// needed is what the pull takes at most, free what there is for it, the reserve included; in bytes.
	needed, free, reserve int64
}

func (s *shortage) Error() string {
	return fmt.Sprintf("needs about %d MB of the disk, and %d MB are free, of which %d MB are kept in reserve; nothing was fetched",
		megabytes(s.needed), s.free/1e6, megabytes(s.reserve))
}

// megabytes rounds up.
func megabytes(bytes int64) int64 { return (bytes + 1e6 - 1) / 1e6 }

// claim makes sure that there is room to pull the image, and keeps it for that until release is called. Where the
// size or the room cannot be known, the pull itself has to tell.
func (s *space) claim(ctx context.Context, image string) (release func(), err error) {
	none := func() {}
	var size PullSize
	var free int64
	err = within(ctx, sizeTime, func(ctx context.Context) (err error) {
		if size, err = s.engine.PullSize(ctx, image); err == nil && size.Layers > 0 {
			free, err = s.engine.Free(ctx)
		}
		return err
	})
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if codeOf(err) == topics.ReasonRateLimited {
		return nil, err // the registry says more to this than to the engine: when to come back
	}
	if err != nil {
		s.log.Info("it cannot be told whether the disk has room for the image; pulled all the same", "image", image, "why", err)
		return none, nil
	}
	if size.Layers == 0 {
		return none, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	room := size.Packed + size.Unpacked
	if !s.fits(room, free) {
		return nil, &Fault{topics.ReasonDiskSpace, fmt.Errorf("pull %s: %w", image, &shortage{room, free - s.claimed, s.reserve})}
	}
	s.claimed += room
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.claimed -= room
	}, nil
}

// fits reports whether there is that much room when so much is free. The space is locked.
func (s *space) fits(room, free int64) bool { return room <= free-s.claimed-s.reserve }

// over reports whether there is room by now for what there was not enough for.
func (s *space) over(short *shortage, free int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fits(short.needed, free)
}

// shortageOf is the shortage in an error; nil when there is none.
func shortageOf(err error) *shortage {
	var s *shortage
	errors.As(err, &s)
	return s
}
