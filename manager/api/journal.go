package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"muster/manager/store"
)

const (
	// recordTimeout is how long the audit trail may take for the changes of one request.
	recordTimeout = 10 * time.Second
	// recordParallel is how many entries of one request are written at the same time: the store commits
	// them together.
	recordParallel = 64
)

// A journal collects what a request has changed.
type journal struct {
	mu      sync.Mutex
	entries []store.AuditEntry
}

func (j *journal) add(e store.AuditEntry) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.entries = append(j.entries, e)
}

type journalKey struct{}

// journalFrom is nil, and of no use, in a request that may not change anything.
func journalFrom(ctx context.Context) *journal {
	j, _ := ctx.Value(journalKey{}).(*journal)
	return j
}

// recorded is h, answered when the audit trail has what h changed: also when h failed or panicked half way.
// By then h has let the next change begin, so that changes do not wait for each other's entries.
func (a *api) recorded(h handler) handler {
	return func(r *http.Request) (status int, body any, err error) {
		j := &journal{}
		defer func() {
			if lost := a.record(r.Context(), j.entries); lost != nil {
				status, body, err = 0, nil, errors.Join(err, lost)
			}
		}()
		return h(r.WithContext(context.WithValue(r.Context(), journalKey{}, j)))
	}
}

// record writes entries. A client that is gone by now has made its changes all the same.
func (a *api) record(ctx context.Context, entries []store.AuditEntry) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	var writes errgroup.Group
	writes.SetLimit(recordParallel)
	for _, e := range entries {
		writes.Go(func() error { return a.recordOne(ctx, e) })
	}
	return writes.Wait()
}

// recordOne writes an entry, and logs it whole, so that what the store has lost is not lost.
func (a *api) recordOne(ctx context.Context, e store.AuditEntry) error {
	err := a.store.Audit().Append(ctx, e)
	attrs := []slog.Attr{
		slog.String("id", e.ID), slog.Time("at", e.At), slog.String("by", e.By), slog.String("request_id", e.RequestID),
		slog.String("action", e.Action), slog.String("kind", e.Kind), slog.String("name", e.Name),
		slog.Any("changed", e.Changed), slog.Any("before", e.Before), slog.Any("after", e.After),
	}
	if err != nil {
		a.log.LogAttrs(ctx, slog.LevelError, "audit entry not kept", append(attrs, slog.Any("error", err))...)
		return fmt.Errorf("%w: %w", errUnrecorded, err)
	}
	a.log.LogAttrs(ctx, slog.LevelInfo, "audit", attrs...)
	return nil
}
