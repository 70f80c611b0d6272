package auth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"muster/manager/store"
)

const (
	// staleLimit is how long users are known by what was last read of them while the store fails.
	staleLimit = 5 * time.Minute
	// readTimeout is how long one reading of users, user_groups and tokens may take.
	readTimeout = 5 * time.Second
)

// UserStore is the part of a [store.Store] that users and API tokens are read from.
type UserStore interface {
	Users() store.Documents[store.User]
	UserGroups() store.Documents[store.UserGroup]
	Tokens() store.Documents[store.Token]
}

// A directory remembers the users, user_groups and API tokens of a store.
type directory struct {
	store    UserStore
	maxAge   time.Duration
	reserved string
	log      *slog.Logger
	now      func() time.Time

	// turn is held by whoever reads the store.
	turn    chan struct{}
	changes atomic.Int64 // those that this manager knows of
	last    atomic.Pointer[reading]
	told    string // what the log was last told of unreadable documents
}

// A reading is what was last read. It does not change.
type reading struct {
	*view
	// at is when the reading began, and changes the changes known of then.
	at      time.Time
	changes int64
	// tried is when the store was last asked, also in vain.
	tried time.Time
}

// invalidate has the next call of current read the store.
func (d *directory) invalidate() { d.changes.Add(1) }

// current is what the store has, read at most maxAge ago and after the last invalidation. While the store
// fails it is what was read before, for [staleLimit]; but never from before an invalidation: a right
// that was taken away by this manager is not given again because the store is in trouble.
func (d *directory) current(ctx context.Context) (*view, error) {
	if r := d.last.Load(); d.fresh(r) {
		return r.view, nil
	}
	select {
	case d.turn <- struct{}{}:
		defer func() { <-d.turn }()
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for users: %w", ctx.Err())
	}
	last := d.last.Load()
	if d.fresh(last) { // whoever had the turn before has read it
		return last.view, nil
	}
	began := reading{changes: d.changes.Load(), at: d.now()}
	began.tried = began.at
	var err error
	if began.view, err = d.read(ctx); err == nil {
		d.last.Store(&began)
		return began.view, nil
	}
	if ctx.Err() != nil || last == nil || last.changes != d.changes.Load() || began.at.Sub(last.at) > staleLimit {
		return nil, fmt.Errorf("users: %w", err)
	}
	kept := *last
	kept.tried = began.at
	d.last.Store(&kept)
	d.log.Warn("users cannot be read, those known before are let in for a while",
		"until", last.at.Add(staleLimit), "error", err)
	return last.view, nil
}

func (d *directory) fresh(r *reading) bool {
	if r == nil || r.changes != d.changes.Load() {
		return false
	}
	now := d.now()
	return now.Sub(r.tried) < d.maxAge && now.Sub(r.at) <= staleLimit
}

// read asks the store. Documents that make no sense are left out: nobody is let in by them, and nobody
// else is kept out.
func (d *directory) read(ctx context.Context) (*view, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	users, errUsers := d.store.Users().All(ctx)
	groups, errGroups := d.store.UserGroups().All(ctx)
	tokens, errTokens := d.store.Tokens().All(ctx)
	var left []string
	for _, err := range []error{errUsers, errGroups, errTokens} {
		unreadable, ok := errors.AsType[*store.UnreadableError](err)
		if err != nil && !ok {
			return nil, err
		}
		if ok {
			left = append(left, fmt.Sprintf("%s %q", unreadable.Kind, slices.Sorted(maps.Keys(unreadable.Docs))))
		}
	}
	v := newView(users, groups, tokens, d.reserved)
	if slices.ContainsFunc(users, func(u store.User) bool { return u.UserName == d.reserved }) {
		left = append(left, fmt.Sprintf("user %q, which is the local admin's name", d.reserved))
	}
	told := strings.Join(left, "; ")
	if told != d.told && told != "" {
		d.log.Warn("left out of the users, user_groups and tokens", "documents", told)
	}
	d.told = told
	return v, nil
}
