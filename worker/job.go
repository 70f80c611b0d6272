package worker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"muster/topics"
)

// stepTime is how long a step other than a pull may take, besides the time that a container has to end.
const stepTime = 5 * time.Minute

var (
	// errSuperseded ends a job because the config does not want any more what the job is for.
	errSuperseded = errors.New("superseded by a newer config")
	errNoEffect   = errors.New("the container engine reported success, but nothing changed")
)

// A job takes the steps of one app, in their order, in a goroutine of its own.
type job struct {
	app   string
	steps []Step
	// version is the app's; zero for an app that the config does not have.
	version pulled
	// wanted identifies what the config says about the app: the job is superseded when that changes.
	wanted string
	// since is when it was decided.
	since time.Time
	// again says that the last attempt failed.
	again bool
	// claims are the host ports that the app publishes.
	claims []int
	cancel context.CancelCauseFunc
}

// A result is what a job found out and did.
type result struct {
	job *job
	// err is the first thing that went wrong.
	err error
	// pulled says that the app's image was fetched, gone that it was expected on the device and is not.
	pulled, gone bool
	// broke says that a container of the app could not be made or started.
	broke bool
	// removed says that a container was removed, so that its name and ports are free.
	removed bool
	// started lists the ids of the containers that were started, restarted those of the ones that ran before.
	started, restarted []string
}

// A crew is what jobs work with. It keeps no state of the worker.
type crew struct {
	engine   Engine
	progress func(topics.Progress)
	log      *slog.Logger
	pulls    *pulls
}

// do takes the job's steps. It ends early when ctx does: when the job is superseded, after the step that
// is being taken (a pull ends at once); when the worker stops, likewise, but containers that were removed
// to be replaced are replaced first, for as long as finish lasts.
func (c *crew) do(ctx, finish context.Context, j *job) result {
	r := result{job: j}
	if r.err = c.checkImage(ctx, j); r.err != nil {
		// An image that is known by its id only is not to be had by a pull.
		r.gone = errors.Is(r.err, ErrNotExist) && !slices.ContainsFunc(j.steps, func(s Step) bool { return s.Spec.From != "" })
		return r
	}
	for _, s := range j.steps {
		finishing := r.removed && s.Verb != Pull && !superseded(ctx)
		if ctx.Err() != nil && !finishing {
			break
		}
		began := time.Now()
		var err error
		if s.Verb == Pull {
			err = c.pull(ctx, s, j.since, j.again)
			r.pulled = err == nil
		} else {
			err = within(finish, stepTime+s.StopGrace, func(ctx context.Context) error { return c.step(ctx, s, &r) })
		}
		c.tell(ctx, s, began, err)
		if err == nil {
			continue
		}
		if toldToEnd(ctx, err) {
			break
		}
		r.err = errors.Join(r.err, err)
		r.broke = r.broke || makes(s)
	}
	return r
}

// tell has the log say how a step went.
func (c *crew) tell(ctx context.Context, s Step, began time.Time, err error) {
	log := s.describe(c.log).With("took", time.Since(began).Round(time.Millisecond).String())
	switch {
	case err == nil:
		log.Info("step taken")
	case !toldToEnd(ctx, err):
		log.Warn("step failed", "error", err)
	}
}

// toldToEnd reports whether nothing went wrong, but what was done was told to end.
func toldToEnd(ctx context.Context, err error) bool {
	return ctx.Err() != nil && errors.Is(err, context.Canceled)
}

func superseded(ctx context.Context) bool { return errors.Is(context.Cause(ctx), errSuperseded) }

// checkImage makes sure that containers can be made before any are removed for them.
func (c *crew) checkImage(ctx context.Context, j *job) error {
	at := slices.IndexFunc(j.steps, func(s Step) bool { return s.Verb == Create || s.Verb == Stage })
	if at < 0 {
		return nil
	}
	image := j.steps[at].Spec.Source()
	return within(ctx, stepTime, func(ctx context.Context) error {
		id, err := c.engine.ImageID(ctx, image)
		if err == nil && id == "" {
			err = &Fault{topics.ReasonImageMissing, fmt.Errorf("image %s: %w", image, ErrNotExist)}
		}
		return err
	})
}

// makes reports whether the step makes or starts a container.
func makes(s Step) bool { return s.Verb == Create || s.Verb == Stage || s.Verb == Start }

// step takes a step other than a pull.
func (c *crew) step(ctx context.Context, s Step, r *result) error {
	switch s.Verb {
	case Remove:
		err := c.engine.Remove(ctx, s.ID)
		r.removed = r.removed || err == nil
		return err
	case Create:
		id, err := c.engine.Create(ctx, s.Spec)
		if err != nil {
			return err
		}
		return c.start(ctx, id, s, r)
	case Stage:
		_, err := c.engine.Stage(ctx, s.Spec)
		return err
	case Start:
		if s.Rename != "" {
			if err := c.engine.Rename(ctx, s.ID, s.Rename); err != nil {
				return err
			}
		}
		return c.start(ctx, s.ID, s, r)
	case Restart:
		err := c.engine.Restart(ctx, s.ID)
		if err == nil {
			r.restarted = append(r.restarted, s.ID)
		}
		return err
	}
	return nil
}

// start starts the step's container, which the engine knows by that id. Engines' errors have the id alone.
func (c *crew) start(ctx context.Context, id string, s Step, r *result) error {
	if err := c.engine.Start(ctx, id); err != nil {
		return fmt.Errorf("%s: %w", cmp.Or(s.Rename, s.Container), err)
	}
	r.started = append(r.started, id)
	return nil
}

// pull fetches an image, unless it has been since then. again says that the last attempt failed.
func (c *crew) pull(ctx context.Context, s Step, since time.Time, again bool) error {
	return c.pulls.get(ctx, s.Image, since, again, func(p PullProgress) {
		c.progress(topics.Progress{App: s.App, CronJob: s.CronJob, Phase: topics.PhasePull, Done: p.Done, Total: p.Total, At: time.Now()})
	})
}
