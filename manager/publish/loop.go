package publish

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

const (
	// arrivalGap is the least time between two passes that arriving messages cause. Pokes do not wait.
	arrivalGap = 250 * time.Millisecond
	// storeRetry and maxStoreRetry bound the time until the next pass after one that the store failed.
	storeRetry    = time.Second
	maxStoreRetry = time.Minute
	// maxPokers is how many names a snapshot bears at most.
	maxPokers = 8
)

// loop runs a pass whenever one is due, until ctx ends. A pass that has begun by then goes on until work ends.
func (p *Publisher) loop(ctx, work context.Context) {
	failures := 0
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.wake:
		case <-timer.C:
		}
		if wait := p.untilDue(); wait > 0 {
			timer.Reset(wait)
			continue
		}
		err := p.pass(work)
		if ctx.Err() != nil {
			return
		}
		delay := jitter(p.o.Interval)
		if err != nil {
			failures++
			delay = jitter(backoff(storeRetry, maxStoreRetry, failures))
			p.o.Log.Warn("configs could not all be read from the store", "error", err, "retry_in", delay.Round(time.Millisecond))
		} else {
			failures = 0
		}
		timer.Reset(p.schedule(delay))
	}
}

// lastPass is for changes that were made just before the end, or that wait for the broker to settle.
func (p *Publisher) lastPass(ctx context.Context) {
	p.mu.Lock()
	poked, wait := p.poked, time.Duration(0)
	if p.up > 0 {
		wait = time.Until(p.settled)
	}
	p.mu.Unlock()
	if !poked && wait <= 0 {
		return
	}
	select {
	case <-time.After(wait):
	case <-ctx.Done():
	}
	if err := p.pass(ctx); err != nil {
		p.o.Log.Warn("the last changes could not be read from the store; another manager or the next start publishes them", "error", err)
	}
}

// untilDue is how long it is until the next pass.
func (p *Publisher) untilDue() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Until(p.due)
}

// schedule sets the next pass to be in that time, or when the broker has settled if that is earlier, and
// returns how long it is until then. A pass that became due meanwhile wakes the loop by itself.
func (p *Publisher) schedule(delay time.Duration) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	p.last = now
	if p.settled.After(now) {
		delay = min(delay, p.settled.Sub(now))
	}
	if next := now.Add(delay); p.due.IsZero() || next.Before(p.due) {
		p.due = next
	}
	return time.Until(p.due)
}

// wakeAt has a pass run at that time or earlier. It is called with mu held.
func (p *Publisher) wakeAt(at time.Time) {
	if p.due.IsZero() || at.Before(p.due) {
		p.due = at
	}
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// addPoker notes who asked for a pass. It is called with mu held.
func (p *Publisher) addPoker(by string) {
	if by != "" && len(p.pokers) < maxPokers && !slices.Contains(p.pokers, by) {
		p.pokers = append(p.pokers, by)
	}
}

// pass compares what is wanted with what is seen and starts what is to be done about the difference. It
// does not wait for that. The error is the store's.
func (p *Publisher) pass(ctx context.Context) error {
	p.mu.Lock()
	p.passes++
	p.due = time.Time{}
	poked, pokers := p.poked, p.pokers
	p.poked, p.pokers = false, nil
	p.mu.Unlock()

	wants, err := p.read(ctx, strings.Join(pokers, ", "))

	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil {
		p.poked = p.poked || poked
		for _, by := range pokers {
			p.addPoker(by)
		}
	}
	p.wants, p.fresh = wants, err == nil
	p.greet()
	for group, w := range wants {
		if w.exists && p.topics[group] == nil {
			p.topics[group] = &topic{}
		}
	}
	now := time.Now()
	for group, t := range p.topics {
		p.consider(group, t, now)
	}
	p.weighClaims(now)
	return err
}

// backoff doubles from first with each failure in a row, up to limit.
func backoff(first, limit time.Duration, failures int) time.Duration {
	return min(limit, first<<min(failures-1, 16))
}

// jitter is d, up to a tenth more or less: managers that started together part.
func jitter(d time.Duration) time.Duration {
	return d - d/10 + rand.N(d/5+1)
}
