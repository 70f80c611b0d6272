package api

import (
	"context"
	"fmt"
	"net/http"

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

// changed tells those who look at the documents that they are not what they were.
func (a *api) changed(r *http.Request, _ change) error {
	a.configs.Invalidate()
	a.onChanged(auth.IdentityFrom(r.Context()).Name)
	return nil
}
