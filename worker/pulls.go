package worker

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"muster/topics"
)

// defaultMaxPulls is how many images are fetched at the same time.
const defaultMaxPulls = 2

// stallTime is how long a pull may go without progress before it is given up, to make way for others.
const stallTime = 15 * time.Minute

var errStalled = fmt.Errorf("given up after %v without progress", stallTime)

// pulls fetches images: a few at the same time, and one that several apps want only once.
type pulls struct {
	engine Engine
	space  *space
	// slots has room for one value per pull at the same time.
	slots chan struct{}

	mu sync.Mutex
	// lines are those who want an image, by the image.
	lines map[string]*line
	// alive is when a pull last made progress.
	alive time.Time
}

// A line is those who want one image. It is gone when they are.
type line struct {
	// turn has a value while one of them fetches it.
	turn chan struct{}
	// began is when the last pull that succeeded began; zero without one. It belongs to who has the turn.
	began time.Time
	told  map[*watcher]bool
}

// A watcher is told how far a pull is.
type watcher struct{ progress func(PullProgress) }

func newPulls(engine Engine, space *space, limit int) *pulls {
	return &pulls{engine: engine, space: space, slots: make(chan struct{}, limit), lines: map[string]*line{}}
}

// get fetches an image when it is its turn, or is content with a pull that began since then: of one that began before,
// the tag may have moved meanwhile. While others fetch it for themselves, their progress is told.
func (p *pulls) get(ctx context.Context, image string, since time.Time, progress func(PullProgress)) error {
	w := &watcher{progress}
	l := p.join(image, w)
	defer p.leave(image, w)
	select {
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if !l.began.IsZero() && !l.began.Before(since) {
		return nil
	}
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	case <-ctx.Done():
		return ctx.Err()
	}
	began := time.Now()
	err := p.fetch(ctx, image)
	if err == nil {
		l.began = began
	}
	return err
}

// fetch pulls an image for which there is room, and gives up when nothing arrives for stallTime.
func (p *pulls) fetch(ctx context.Context, image string) error {
	release, err := p.space.claim(ctx, image)
	if err != nil {
		return err
	}
	defer release()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	p.progressed(image, nil)
	go p.watch(ctx, cancel)
	err = p.engine.Pull(ctx, image, func(now PullProgress) { p.progressed(image, &now) })
	if err != nil && errors.Is(context.Cause(ctx), errStalled) {
		return &Fault{topics.ReasonPullStalled, fmt.Errorf("pull %s: %w", image, errStalled)}
	}
	return err
}

// watch ends a pull that has stalled, while the pull lasts. As long as another one makes progress it may be waiting for
// that: engines fetch only a few layers at a time, and on a slow link one takes long.
func (p *pulls) watch(ctx context.Context, end context.CancelCauseFunc) {
	for {
		p.mu.Lock()
		left := stallTime - time.Since(p.alive)
		p.mu.Unlock()
		if left <= 0 {
			end(errStalled)
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(left):
		}
	}
}

// progressed notes that a pull is alive, and tells those who want the image how far it is.
func (p *pulls) progressed(image string, now *PullProgress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.alive = time.Now()
	if now == nil {
		return
	}
	for w := range p.lines[image].told {
		w.progress(*now)
	}
}

func (p *pulls) join(image string, w *watcher) *line {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.lines[image]
	if l == nil {
		l = &line{turn: make(chan struct{}, 1), told: map[*watcher]bool{}}
		p.lines[image] = l
	}
	l.told[w] = true
	return l
}

func (p *pulls) leave(image string, w *watcher) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.lines[image].told, w)
	if len(p.lines[image].told) == 0 {
		delete(p.lines, image)
	}
}
