package auth

import (
	"context"
	"fmt"
	"sync"
)

// turns lets one at a time work on the same thing.
type turns struct {
	mu   sync.Mutex
	busy map[key]chan struct{}
}

func newTurns() *turns { return &turns{busy: map[key]chan struct{}{}} }

// take waits until nobody else works on k, or until ctx ends. The caller calls done when there is no error.
func (t *turns) take(ctx context.Context, k key) (done func(), err error) {
	for {
		t.mu.Lock()
		others, busy := t.busy[k]
		if !busy {
			mine := make(chan struct{})
			t.busy[k] = mine
			t.mu.Unlock()
			return func() {
				t.mu.Lock()
				delete(t.busy, k)
				t.mu.Unlock()
				close(mine)
			}, nil
		}
		t.mu.Unlock()
		select {
		case <-others:
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for the same credentials to be checked: %w", ctx.Err())
		}
	}
}
