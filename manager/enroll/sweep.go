package enroll

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"

	"muster/manager/store"
)

const (
	// keptAfterEnd is how long tokens are kept when they have ended: so long may it be seen who had which, and may a device ask
	// again that came with it.
	keptAfterEnd = 30 * 24 * time.Hour
	// sweepEvery is how often it is looked for those that ended.
	sweepEvery = time.Hour
)

// A Sweeper deletes tokens that have ended a while ago, of both kinds, but for those by which a device still waits for an
// admin. Several managers may sweep the same store.
type Sweeper struct {
	Tokens     store.Documents[store.Token]
	Identities store.Identities
	Log        *slog.Logger
}

// Run deletes tokens until ctx ends. While the store fails it tries again.
func (s *Sweeper) Run(ctx context.Context) {
	for {
		if err := s.sweep(ctx, time.Now()); err != nil && ctx.Err() == nil {
			s.Log.Warn("tokens that have ended cannot be deleted", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(sweepEvery/2 + rand.N(sweepEvery)):
		}
	}
}

func (s *Sweeper) sweep(ctx context.Context, now time.Time) error {
	all, err := s.Tokens.All(ctx)
	if unreadable := new(store.UnreadableError); err != nil && !errors.As(err, &unreadable) {
		return err
	}
	for _, t := range all {
		if t.Expires.IsZero() || now.Sub(t.Expires) < keptAfterEnd {
			continue
		}
		waiting, err := s.Identities.List(ctx, store.IdentityFilter{TokenID: t.ID, State: store.IdentityPending}, "", 1)
		if err != nil {
			return err
		}
		if len(waiting) > 0 {
			continue
		}
		if err := s.Tokens.Delete(ctx, t.ID); err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		s.Log.Info("a token that has ended is deleted", "token", t.ID, "ended", t.Expires)
	}
	return nil
}
