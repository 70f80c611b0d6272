package mqtt

import (
	"context"
	"errors"
	"time"

	"github.com/cenkalti/backoff/v5"

	"muster/bridge"
)

const (
	// retryFirst and retryMost bound the waits before what the spool did not take is offered again.
	retryFirst = 100 * time.Millisecond
	retryMost  = 10 * time.Second
)

// maxBatch is about how many bytes of reports are offered at once: a spool takes all or none, and the smallest has room for so many.
const maxBatch = 256 << 10

// take spools what is queued, in the order in which it came, and acknowledges it, until ctx ends.
func (s *Source) take(ctx context.Context) {
	for {
		var batch []item
		var records []bridge.Record
		add := func(in item) (bytes int) {
			batch = append(batch, in)
			if in.record == nil {
				return 0
			}
			records = append(records, *in.record)
			return len(in.record.Payload)
		}
		var bytes int
		select {
		case first := <-s.queue:
			bytes = add(first)
		case <-ctx.Done():
			return
		}
		for bytes < maxBatch && len(batch) < cap(s.queue) && len(s.queue) > 0 {
			bytes += add(<-s.queue)
		}
		if !s.spool(ctx, records) {
			return
		}
		for _, in := range batch {
			in.acknowledge()
		}
		s.taken.Add(int64(len(records)))
		s.left.Add(int64(len(batch) - len(records)))
	}
}

// spool offers records until they are taken. It reports false when ctx ended before.
func (s *Source) spool(ctx context.Context, records []bridge.Record) bool {
	waits := jittered(retryFirst, retryMost)
	for attempt := 1; ; attempt++ {
		err := s.o.Take(ctx, records...)
		if err == nil {
			if attempt > 1 {
				s.waiting.Store(false)
				s.o.Log.Info("reports are spooled again")
			}
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		if attempt == 1 {
			s.waiting.Store(true)
			hint := "the disk of the spool may be full or failing"
			if errors.Is(err, bridge.ErrFull) {
				hint = "a sink takes no reports: see what it fails with; until there is room they wait at the MQTT broker"
			}
			s.o.Log.Warn("reports cannot be spooled and are not acknowledged to the MQTT broker", "error", err, "hint", hint)
		}
		if !sleep(ctx, waits.NextBackOff()) {
			return false
		}
	}
}

// jittered are waits that are drawn below first, then below twice that, and so on, and in the end below most.
func jittered(first, most time.Duration) *backoff.ExponentialBackOff {
	// The library draws from 0 to twice the interval.
	return &backoff.ExponentialBackOff{InitialInterval: first / 2, RandomizationFactor: 1, Multiplier: 2, MaxInterval: most / 2}
}

// sleep waits, and reports false when ctx ended meanwhile.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
