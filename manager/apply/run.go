package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"muster/manager/client"
)

// parallel is how many calls are made at a time.
const parallel = 8

// ErrNotTried says that a step was left out because of an error that others would have had as well.
var ErrNotTried = errors.New("was not tried")

// ErrHeldBack says that nothing was deleted because something that may be to take its place was not made.
var ErrHeldBack = errors.New("was left out: nothing is deleted before the rest is done")

// Run does the steps, also those after one that the manager refuses, and calls done for each when it is known what
// became of it, one at a time. It fails when a step did. When the manager cannot be reached, or not with
// these credentials, the steps that have not begun are left out; and so are all deletions when a step before them
// failed.
//
// A step that is refused is tried again once others have been done, for as long as that helps: of two apps that
// pass a port from one to the other, only one can change first.
func (p Plan) Run(ctx context.Context, done func(Step, error)) error {
	r := run{done: done}
	first := slices.IndexFunc(p.Steps, func(s Step) bool { return s.Action == Delete })
	if first < 0 {
		first = len(p.Steps)
	}
	failed := r.all(ctx, p.Steps[:first])
	if len(failed) == 0 {
		failed = r.all(ctx, p.Steps[first:])
	} else {
		for _, s := range p.Steps[first:] {
			failed = append(failed, outcome{s, ErrHeldBack})
		}
	}
	for _, o := range failed {
		done(o.step, o.err)
	}
	if len(failed) > 0 {
		return fmt.Errorf("%d of %d steps failed", len(failed), len(p.Steps))
	}
	return nil
}

// all does steps, those of one kind at the same time, and those that fail again as long as others succeed.
func (r *run) all(ctx context.Context, steps []Step) (failed []outcome) {
	for len(steps) > 0 {
		n := slices.IndexFunc(steps, func(s Step) bool { return s.Kind != steps[0].Kind })
		if n < 0 {
			n = len(steps)
		}
		failed = append(failed, r.stage(ctx, steps[:n])...)
		steps = steps[n:]
	}
	for progress := true; progress && len(failed) > 0 && !r.broken.Load(); {
		again := make([]Step, len(failed))
		for i, o := range failed {
			again[i] = o.step
		}
		failed = r.stage(ctx, again)
		progress = len(failed) < len(again)
	}
	return failed
}

// A run is what Run works with.
type run struct {
	done func(Step, error)
	// broken says that there is no point in going on.
	broken atomic.Bool
}

// An outcome is a step that failed.
type outcome struct {
	step Step
	err  error
}

// stage does steps at the same time, calls done for those that succeed, and gives those that do not, in their order.
func (r *run) stage(ctx context.Context, steps []Step) []outcome {
	errs := make([]error, len(steps))
	known := make([]chan struct{}, len(steps))
	for i := range steps {
		known[i] = make(chan struct{})
	}
	go func() {
		var group errgroup.Group
		group.SetLimit(parallel)
		for i, s := range steps {
			group.Go(func() error {
				errs[i] = r.do(ctx, s)
				close(known[i])
				return nil
			})
		}
	}()
	var failed []outcome
	for i, s := range steps {
		<-known[i]
		if errs[i] == nil {
			r.done(s, nil)
			continue
		}
		failed = append(failed, outcome{s, errs[i]})
	}
	return failed
}

func (r *run) do(ctx context.Context, s Step) error {
	if r.broken.Load() {
		return ErrNotTried
	}
	err := s.do(ctx)
	refusal, refused := errors.AsType[*client.Error](err)
	if err != nil && (!refused || refusal.Status == 401 || refusal.Status >= 500) {
		r.broken.Store(true)
	}
	return err
}
