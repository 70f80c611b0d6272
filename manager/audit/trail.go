package audit

import (
	"crypto/rand"
	"fmt"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"

	"muster/manager/store"
)

// A Change is what somebody has done to one object. Its fields are those of [store.AuditEntry], but for
// Before and After: the object as it was and is, secrets included, or nil where there was or is none.
type Change struct {
	By, RequestID      string
	Action, Kind, Name string
	Before, After      any
}

// A Trail makes entries with ascending ids, also when the clock is set back. It is safe for concurrent use.
type Trail struct {
	now func() time.Time

	mu      sync.Mutex
	entropy *ulid.MonotonicEntropy
	latest  uint64 // the time in the last id
}

// NewTrail makes a Trail. now gives the time of its entries.
func NewTrail(now func() time.Time) *Trail {
	return &Trail{now: now, entropy: ulid.Monotonic(rand.Reader, 0)}
}

// Entry makes the entry for a change that has just been made. It fails when Before or After are neither nil
// nor a document of package store.
func (t *Trail) Entry(c Change) (store.AuditEntry, error) {
	before, beforeFields, err := show(c.Before)
	if err != nil {
		return store.AuditEntry{}, fmt.Errorf("audit %s of %s %q: %w", c.Action, c.Kind, c.Name, err)
	}
	after, afterFields, err := show(c.After)
	if err != nil {
		return store.AuditEntry{}, fmt.Errorf("audit %s of %s %q: %w", c.Action, c.Kind, c.Name, err)
	}
	changed := []string{}
	if c.Before != nil && c.After != nil {
		changed = differences(beforeFields, afterFields)
	}
	at := t.now().UTC().Truncate(time.Millisecond)
	id, err := t.id(at)
	if err != nil {
		return store.AuditEntry{}, fmt.Errorf("audit %s of %s %q: %w", c.Action, c.Kind, c.Name, err)
	}
	return store.AuditEntry{
		ID: id, At: at, By: c.By, RequestID: c.RequestID,
		Action: c.Action, Kind: c.Kind, Name: c.Name,
		Changed: changed, Before: before, After: after,
	}, nil
}

func (t *Trail) id(at time.Time) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.latest = max(t.latest, ulid.Timestamp(at))
	id, err := ulid.New(t.latest, t.entropy)
	return id.String(), err
}
