package worker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"muster/topics"
)

// A cronResult is what was found out and done about one cron_job.
type cronResult struct {
	cronJob string
	// pull says that it is about the image, fetched for the version; else about the containers.
	pull    bool
	version pulled
	// err is what went wrong, in a run if atRun says so; gone says that the image is not on the device.
	err         error
	atRun, gone bool
	// ended is how the run in the container went; nil when none was recorded.
	ended     *topics.CronRun
	container string
	// removed lists the ids of the containers that were removed.
	removed []string
}

// pullCron fetches the image of a cron_job, unless it has been since then.
func (c *crew) pullCron(ctx context.Context, s Step, version pulled, since time.Time, again bool) cronResult {
	r := cronResult{cronJob: s.CronJob, pull: true, version: version}
	if pinned(s.Image) {
		id, err := c.engine.ImageID(ctx, s.Image)
		if err == nil && id != "" {
			return r
		}
	}
	r.err = c.pull(ctx, s, since, again)
	c.tell(ctx, s, since, r.err)
	return r
}

// doCron takes the steps about the containers of a cron_job, up to the first that fails. It takes them to their end
// when the worker stops, for as long as ctx lasts.
func (c *crew) doCron(ctx context.Context, steps []Step) cronResult {
	r := cronResult{cronJob: steps[0].CronJob}
	for _, s := range steps {
		began := time.Now()
		r.err = within(ctx, stepTime+s.StopGrace, func(ctx context.Context) error { return c.cronStep(ctx, s, &r) })
		c.tell(ctx, s, began, r.err)
		if r.err != nil {
			break
		}
	}
	return r
}

func (c *crew) cronStep(ctx context.Context, s Step, r *cronResult) error {
	switch s.Verb {
	case Remove:
		r.removed = append(r.removed, s.ID)
		return c.engine.Remove(ctx, s.ID)
	case Run:
		r.atRun = true
		return c.run(ctx, s, r)
	case Record:
		return c.record(ctx, s.ID, r)
	}
	return nil
}

// run makes a run's container and starts it. One that cannot be started is not left behind.
func (c *crew) run(ctx context.Context, s Step, r *cronResult) error {
	image, err := c.engine.ImageID(ctx, s.Spec.Image)
	if err != nil {
		return err
	}
	if image == "" {
		r.gone = true
		return &Fault{topics.ReasonImageMissing, fmt.Errorf("image %s: %w", s.Spec.Image, ErrNotExist)}
	}
	id, err := c.engine.Create(ctx, s.Spec)
	if err != nil {
		return err
	}
	if err := c.engine.Start(ctx, id); err != nil {
		return errors.Join(err, c.engine.Remove(ctx, id))
	}
	return nil
}

// record reads how a run went. That what it wrote cannot be read is no reason to fail: there are logging drivers
// that do not let it.
func (c *crew) record(ctx context.Context, id string, r *cronResult) error {
	d, err := c.engine.Inspect(ctx, id)
	if err != nil {
		return err
	}
	output, err := c.engine.Logs(ctx, id, topics.MaxOutput)
	if errors.Is(err, ErrEngineDown) {
		return err
	}
	if err != nil {
		c.log.Warn("what a cron_job wrote cannot be read", "container", id, "error", err)
	}
	r.container = id
	r.ended = &topics.CronRun{
		Started: d.Started.UTC(), Seconds: max(0, d.Finished.Sub(d.Started).Seconds()), ExitCode: d.ExitCode,
		Output: tail(output, topics.MaxOutput),
	}
	return nil
}

// tail is the end of an output, at most limit bytes of valid UTF-8.
func tail(output []byte, limit int) string {
	s := strings.ToValidUTF8(string(output), string(utf8.RuneError))
	s = s[max(0, len(s)-limit):]
	for s != "" && !utf8.RuneStart(s[0]) {
		s = s[1:]
	}
	return s
}
