package worker

import (
	"context"
	"sync"
)

// A place is one among the pulls at the same time.
type place struct {
	taken []chan struct{}
	once  sync.Once
}

// enter waits for a place.
func (p *pulls) enter(ctx context.Context, again bool) (*place, error) {
	need := []chan struct{}{p.slots}
	if again {
		need = []chan struct{}{p.repeats, p.slots}
	}
	here := &place{}
	for _, places := range need {
		select {
		case places <- struct{}{}:
			here.taken = append(here.taken, places)
		case <-ctx.Done():
			here.leave()
			return nil, ctx.Err()
		}
	}
	return here, nil
}

// leave gives the place to others. To leave it twice does nothing.
func (h *place) leave() {
	h.once.Do(func() {
		for _, places := range h.taken {
			<-places
		}
	})
}
