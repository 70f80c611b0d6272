package enroll

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"muster/manager/store"
	"muster/topics/token"
)

const (
	// unknownAge is how long nobody looks for a token that the store did not have: tokens that somebody invents must not keep
	// the store busy.
	unknownAge = time.Second
	// staleLimit is how long tokens are known by what was last read of them while the store fails.
	staleLimit = 5 * time.Minute
)

// tokens remembers the enrollment tokens of the store. It tells who may ask; whether there is a use left only the store knows.
type tokens struct {
	store  store.Documents[store.Token]
	maxAge time.Duration

	// turn is held by whoever reads the store.
	turn    chan struct{}
	changes atomic.Int64
	last    atomic.Pointer[reading]
}

type reading struct {
	byID    map[string]store.Token
	at      time.Time
	changes int64
}

func newTokens(documents store.Documents[store.Token], maxAge time.Duration) *tokens {
	return &tokens{store: documents, maxAge: maxAge, turn: make(chan struct{}, 1)}
}

// find is the enrollment token of that ID and secret. It fails with [errToken] when there is none.
func (t *tokens) find(ctx context.Context, id, secret string) (store.Token, error) {
	byID, err := t.read(ctx, func(r *reading) bool {
		_, known := r.byID[id]
		return time.Since(r.at) < t.maxAge && (known || time.Since(r.at) < min(unknownAge, t.maxAge))
	})
	if err != nil {
		return store.Token{}, err
	}
	found, known := byID[id]
	if !token.Matches(found.Hash, secret) || !known || found.Kind != store.TokenEnroll {
		return store.Token{}, errToken
	}
	return found, nil
}

// read is all enrollment tokens, as they were last read if that will do.
func (t *tokens) read(ctx context.Context, willDo func(*reading) bool) (map[string]store.Token, error) {
	fresh := func(r *reading) bool { return r != nil && r.changes == t.changes.Load() && willDo(r) }
	if r := t.last.Load(); fresh(r) {
		return r.byID, nil
	}
	select {
	case t.turn <- struct{}{}:
		defer func() { <-t.turn }()
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for tokens: %w", ctx.Err())
	}
	last := t.last.Load()
	if fresh(last) { // whoever had the turn before has read it
		return last.byID, nil
	}
	r := &reading{byID: map[string]store.Token{}, at: time.Now(), changes: t.changes.Load()}
	all, err := t.store.All(ctx)
	if unreadable := new(store.UnreadableError); err != nil && !errors.As(err, &unreadable) {
		if last != nil && last.changes == r.changes && time.Since(last.at) < staleLimit {
			return last.byID, nil
		}
		return nil, fmt.Errorf("tokens: %w", err)
	}
	for _, one := range all {
		if one.Kind == store.TokenEnroll {
			r.byID[one.ID] = one
		}
	}
	t.last.Store(r)
	return r.byID, nil
}
