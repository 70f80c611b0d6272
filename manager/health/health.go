// Package health tells probes whether a manager is alive and whether it is ready. Probes have no credentials, so
// that they are told nothing but that, and asking often costs the store nothing.
package health

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

const (
	// cacheTime is how long what was found out about the store is told without looking again.
	cacheTime = time.Second
	// patience is how long the store may take. It is below the second that Kubernetes gives a probe.
	patience = 800 * time.Millisecond
)

// Options are what a [Health] looks at. All are required.
type Options struct {
	// Store reports why the store cannot be used right now, nil when it can. It is called by one goroutine at
	// a time.
	Store func(ctx context.Context) error
	// Broker reports whether there is a connection to the broker. It must not block.
	Broker func() bool
	Log    *slog.Logger
}

// A Health answers probes. It is made by [New] and safe for concurrent use.
type Health struct {
	o Options

	mu       sync.Mutex
	draining bool
	store    bool
	checked  time.Time     // when store was found out
	checking chan struct{} // closed when the check under way ends; nil while there is none
}

// New makes a [Health].
func New(o Options) *Health { return &Health{o: o} }

// Drain has the manager not be ready any more, for good: it is about to stop, and whoever distributes requests
// should give it no more.
func (h *Health) Drain() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.draining = true
}

// Alive answers 200 {"alive": true}: there is a process that answers.
func (h *Health) Alive(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]bool{"alive": true})
}

// A State is what a manager needs to be of use, and whether it is there.
type State struct {
	// Ready says that Store and Broker are there and that the manager is not about to stop.
	Ready  bool `json:"ready"`
	Store  bool `json:"store"`
	Broker bool `json:"broker"`
}

// Ready answers with the [State]: 200 when the manager is ready, else 503.
func (h *Health) Ready(w http.ResponseWriter, r *http.Request) {
	state := h.State(r.Context())
	status := http.StatusOK
	if !state.Ready {
		status = http.StatusServiceUnavailable
	}
	answer(w, status, state)
}

func answer(w http.ResponseWriter, status int, body any) {
	encoded, err := json.Marshal(body)
	if err != nil {
		status = http.StatusInternalServerError
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(encoded, '\n'))
}

// State is the state of now, or of a second ago. It takes a second at most.
func (h *Health) State(ctx context.Context) State {
	state := State{Store: h.storeUsable(ctx), Broker: h.o.Broker()}
	h.mu.Lock()
	defer h.mu.Unlock()
	state.Ready = state.Store && state.Broker && !h.draining
	return state
}

// storeUsable looks at the store, unless it was looked at a moment ago. All who ask at the same time wait for one look.
func (h *Health) storeUsable(ctx context.Context) bool {
	h.mu.Lock()
	if h.checking == nil && (h.checked.IsZero() || time.Since(h.checked) >= cacheTime) {
		h.checking = make(chan struct{})
		// It may outlast patience when the store hangs; then there is no other until it is over.
		go h.check(context.WithoutCancel(ctx), h.checking)
	}
	checking, store := h.checking, h.store
	h.mu.Unlock()
	if checking == nil {
		return store
	}

	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-checking:
	case <-timer.C:
		return false
	case <-ctx.Done():
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.store
}

func (h *Health) check(ctx context.Context, done chan struct{}) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := h.o.Store(ctx)
	h.mu.Lock()
	defer h.mu.Unlock()
	switch first := h.checked.IsZero(); {
	case err != nil && (h.store || first):
		h.o.Log.Error("the store cannot be used", "error", err)
	case err == nil && !h.store && !first:
		h.o.Log.Info("the store can be used again")
	}
	h.store, h.checked, h.checking = err == nil, time.Now(), nil
	close(done)
}
