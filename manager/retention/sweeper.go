// Package retention removes reports that are older than they are to be kept.
package retention

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	"muster/manager/store"
)

// DefaultTTL is how long reports are kept unless something else is asked for: as long as Nebula does.
const DefaultTTL = time.Hour

const (
	// batch is how many reports are removed at a time: few enough that whoever else writes hardly waits.
	batch = 500
	// every is how often it is looked for more when there is nothing left to remove.
	every = 10 * time.Second
)

// A Sweeper removes old reports. Several managers may sweep the same store.
type Sweeper struct {
	reports store.Reports
	ttl     time.Duration
	log     *slog.Logger
}

// New makes a sweeper of reports that are older than ttl.
func New(reports store.Reports, ttl time.Duration, log *slog.Logger) *Sweeper {
	return &Sweeper{reports: reports, ttl: ttl, log: log}
}

// Run removes reports until ctx ends. While the store fails it tries again, and says so once.
func (s *Sweeper) Run(ctx context.Context) {
	failing := false
	for {
		begun := time.Now()
		removed, err := s.reports.Expire(ctx, time.Now().Add(-s.ttl), batch)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && !failing:
			s.log.Warn("old reports cannot be removed", "error", err)
		case err == nil && failing:
			s.log.Info("old reports can be removed again")
		}
		failing = err != nil
		pause := every/2 + rand.N(every)
		if removed == batch {
			pause = time.Since(begun) // half of the time is for others, who may not be served in turn
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}
