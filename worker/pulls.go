package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"muster/topics"
)

// defaultMaxPulls is how many images are fetched at the same time.
const defaultMaxPulls = 2

// slowTime is how long a pull may go without progress and still count as one of those at the same time. Then others
// may begin, up to stuckPulls for each of those: a registry that hangs holds up no other.
const (
	slowTime   = 90 * time.Second
	stuckPulls = 4
)

// stallTime is how long a pull may go without progress before it is given up, to make way for others.
const stallTime = 15 * time.Minute

var errStalled = fmt.Errorf("given up after %v without progress", stallTime)

// pulls fetches images: a few at the same time, and one that several apps want only once.
type pulls struct {
	engine Engine
	space  *space
	// slots has room for one value per pull at the same time. Those whose last attempt failed need one of repeats too,
	// of which there is one less: registries that fail do not keep those waiting that may not.
	slots, repeats chan struct{}

	mu sync.Mutex
	// lines are those who want an image, by the image.
	lines map[string]*line
	// going are the pulls that are going on, the oldest first, each with when it last made progress.
	going []*going
}

// A going pull is one that the engine is at.
type going struct{ alive time.Time }

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
	return &pulls{engine: engine, space: space, slots: make(chan struct{}, limit), repeats: make(chan struct{}, max(1, limit-1)), lines: map[string]*line{}}
}

// get fetches an image when it is its turn, or is content with a pull that began since then: of one that began before,
// the tag may have moved meanwhile. While others fetch it for themselves, their progress is told. again says that the last
// attempt failed.
func (p *pulls) get(ctx context.Context, image string, since time.Time, again bool, progress func(PullProgress)) error {
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
	here, err := p.enter(ctx, again)
	if err != nil {
		return err
	}
	defer here.leave()
	began := time.Now()
	err = p.fetch(ctx, image, here)
	if err == nil {
		l.began = began
	}
	return err
}

// fetch pulls an image for which there is room, and gives up when nothing arrives for stallTime.
func (p *pulls) fetch(ctx context.Context, image string, here *place) error {
	release, err := p.space.claim(ctx, image)
	if err != nil {
		return err
	}
	defer release()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	this := p.begin()
	defer p.end(this)
	go p.watch(ctx, this, here, cancel)
	err = p.engine.Pull(ctx, image, func(now PullProgress) { p.progressed(image, this, now) })
	if err != nil && errors.Is(context.Cause(ctx), errStalled) {
		return &Fault{topics.ReasonPullStalled, fmt.Errorf("pull %s: %w", image, errStalled)}
	}
	return err
}

func (p *pulls) begin() *going {
	p.mu.Lock()
	defer p.mu.Unlock()
	this := &going{alive: time.Now()}
	p.going = append(p.going, this)
	return this
}

func (p *pulls) end(this *going) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.going = slices.DeleteFunc(p.going, func(g *going) bool { return g == this })
}

// watch has a pull that is slow make way for others, and ends one that has stalled, while the pull lasts.
func (p *pulls) watch(ctx context.Context, this *going, here *place, end context.CancelCauseFunc) {
	for {
		left := stallTime - time.Since(p.alive(this))
		if left <= 0 {
			end(errStalled)
			return
		}
		if p.slow(this) {
			here.leave()
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(min(left, slowTime)):
		}
	}
}

// slow reports whether the pull has made no progress for long enough to make way, unless too many have made way.
func (p *pulls) slow(this *going) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Since(this.alive) >= slowTime && len(p.going) < (1+stuckPulls)*cap(p.slots)
}

// alive is when the pull, or one that is older, last made progress. It may be waiting for that: engines fetch
// only a few layers at a time, in the order of the pulls, and on a slow link one takes long.
func (p *pulls) alive(this *going) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := this.alive
	for _, g := range p.going {
		if g == this {
			break
		}
		if g.alive.After(last) {
			last = g.alive
		}
	}
	return last
}

// progressed notes that a pull is alive, and tells those who want the image how far it is.
func (p *pulls) progressed(image string, this *going, now PullProgress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	this.alive = time.Now()
	for w := range p.lines[image].told {
		w.progress(now)
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
