package api

import (
	"context"
	"fmt"
	"net/http"

	"muster/manager/audit"
	"muster/manager/auth"
)

// A change is what a request has done to one object.
type change struct {
	// action is a word such as "create" or "restart".
	action string
	kind   kind
	name   string
	// before and after are the object; nil where there was or is none.
	before, after any
}

// beginChange waits for its turn, as long as the request may take. The caller calls done when there is no error.
func (a *api) beginChange(ctx context.Context) (done func(), err error) {
	select {
	case a.changing <- struct{}{}:
		return func() { <-a.changing }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for another change: %w", ctx.Err())
	}
}

// changed is called after every write, before anything else happens. It tells those who look at the documents
// that they are not what they were, and notes the change for the audit trail: see [api.recorded].
func (a *api) changed(r *http.Request, c change) error {
	by := auth.IdentityFrom(r.Context()).Name
	if c.kind.word == groupKind.word {
		a.listing.changed()
	}
	a.configs.Changed(by, c.kind.word, c.name)
	a.onChanged(by)
	return a.note(r, c)
}

// note notes a change of which only the audit trail need know.
func (a *api) note(r *http.Request, c change) error {
	entry, err := a.trail.Entry(audit.Change{
		By: auth.IdentityFrom(r.Context()).Name, RequestID: traceFrom(r.Context()).requestID,
		Action: c.action, Kind: c.kind.word, Name: c.name, Before: c.before, After: c.after,
	})
	if err != nil {
		return fmt.Errorf("%w: %w", errUnrecorded, err)
	}
	journalFrom(r.Context()).add(entry)
	return nil
}
