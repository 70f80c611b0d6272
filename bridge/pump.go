package bridge

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// maxBatch is how many records a sink is given at a time.
const maxBatch = 1000

// A pump brings what is spooled to one sink.
type pump struct {
	bridge *Bridge
	sink   Sink

	written, retries atomic.Int64
	// failing is what the sink failed with last; nil when it did not.
	failing atomic.Pointer[string]
}

// run writes batch after batch until ctx ends and nothing is left, or writing ends.
func (p *pump) run(ctx, writing context.Context) error {
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.MaxInterval = 500*time.Millisecond, 30*time.Second
	for limit := maxBatch; ; {
		batch, err := p.next(ctx, limit)
		if err != nil || len(batch) == 0 {
			return err
		}
		failure := p.write(writing, batch)
		if failure == nil {
			p.done(batch)
			limit = min(2*limit, maxBatch)
			pause.Reset()
			continue
		}
		wait := pause.NextBackOff()
		p.failed(failure, len(batch), wait)
		limit = max(1, len(batch)/2)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
}

// next waits for records; there are none when ctx has ended and all are written.
func (p *pump) next(ctx context.Context, limit int) ([]Record, error) {
	for {
		batch, err := p.bridge.spool.Read(p.sink.Name(), limit)
		if err != nil || len(batch) > 0 || ctx.Err() != nil {
			return batch, err
		}
		if err := p.bridge.spool.Wait(ctx, p.sink.Name()); err != nil {
			return nil, err
		}
	}
}

// write gives the sink only so much time: the other end may hang. What it was given is written again then.
func (p *pump) write(ctx context.Context, batch []Record) error {
	ctx, cancel := context.WithTimeoutCause(ctx, p.bridge.writeTimeout, fmt.Errorf("took longer than %v", p.bridge.writeTimeout))
	defer cancel()
	err := p.sink.Write(ctx, batch)
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("%w: %w", context.Cause(ctx), err)
	}
	return err
}

func (p *pump) done(batch []Record) {
	p.bridge.spool.Done(p.sink.Name(), batch[len(batch)-1].Offset)
	p.written.Add(int64(len(batch)))
	if p.failing.Swap(nil) != nil {
		p.bridge.log.Info("reports can be written again", "sink", p.sink.Name())
	}
}

func (p *pump) failed(err error, records int, wait time.Duration) {
	p.retries.Add(1)
	text := err.Error()
	p.failing.Store(&text)
	p.bridge.log.Warn("reports cannot be written and stay in the spool", "sink", p.sink.Name(), "records", records, "next_try_in", wait, "error", err)
}
