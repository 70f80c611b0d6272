package health_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"muster/manager/health"
)

// A rig is a Health with a store and a broker that a test can take away.
type rig struct {
	*health.Health
	storeDown, brokerDown atomic.Bool
	asked                 atomic.Int64 // how often the store was
	log                   bytes.Buffer
}

func newRig() *rig {
	r := &rig{}
	r.Health = health.New(health.Options{
		Store: func(context.Context) error {
			r.asked.Add(1)
			if r.storeDown.Load() {
				return errors.New("disk on fire")
			}
			return nil
		},
		Broker: func() bool { return !r.brokerDown.Load() },
		Log:    slog.New(slog.NewTextHandler(&r.log, nil)),
	})
	return r
}

func (r *rig) want(t *testing.T, status int, body string) {
	t.Helper()
	w := httptest.NewRecorder()
	r.Ready(w, httptest.NewRequest(http.MethodGet, "/readyz", nil))
	if got := strings.TrimSpace(w.Body.String()); w.Code != status || got != body {
		t.Errorf("%d %s, want %d %s", w.Code, got, status, body)
	}
	if strings.Contains(w.Body.String(), "fire") {
		t.Error("a stranger is told why")
	}
}

func TestReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig()
		r.want(t, 200, `{"ready":true,"store":true,"broker":true}`)
		r.brokerDown.Store(true)
		r.want(t, 503, `{"ready":false,"store":true,"broker":false}`)
		r.brokerDown.Store(false)
		r.storeDown.Store(true)
		time.Sleep(time.Second)
		r.want(t, 503, `{"ready":false,"store":false,"broker":true}`)
		r.storeDown.Store(false)
		time.Sleep(time.Second)
		r.want(t, 200, `{"ready":true,"store":true,"broker":true}`)
		r.Drain()
		r.want(t, 503, `{"ready":false,"store":true,"broker":true}`)

		w := httptest.NewRecorder()
		r.Alive(w, httptest.NewRequest(http.MethodGet, "/healthz", nil))
		if got := strings.TrimSpace(w.Body.String()); w.Code != 200 || got != `{"alive":true}` {
			t.Errorf("alive while draining: %d %s", w.Code, got)
		}
	})
}

// However many ask, the store is looked at once a second, and its failure is logged once.
func TestTheStoreIsNotAskedOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig()
		r.storeDown.Store(true)
		for range 10 {
			var all sync.WaitGroup
			for range 100 {
				all.Go(func() { r.State(t.Context()) })
			}
			all.Wait()
			time.Sleep(time.Second)
		}
		if got := r.asked.Load(); got != 10 {
			t.Errorf("the store was asked %d times in 10 s, want 10", got)
		}
		if got := strings.Count(r.log.String(), "disk on fire"); got != 1 {
			t.Errorf("the failure is logged %d times, want once:\n%s", got, &r.log)
		}
		r.storeDown.Store(false)
		r.State(t.Context())
		if !strings.Contains(r.log.String(), "can be used again") {
			t.Errorf("nothing says that the store is back:\n%s", &r.log)
		}
	})
}

// A store that hangs holds up a probe for less than a second, and does not collect goroutines.
func TestAStoreThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var asked atomic.Int64
		h := health.New(health.Options{
			Store: func(context.Context) error {
				asked.Add(1)
				<-release // whatever its context says
				return nil
			},
			Broker: func() bool { return true },
			Log:    slog.New(slog.DiscardHandler),
		})
		for range 5 {
			start := time.Now()
			if h.State(t.Context()).Ready {
				t.Error("ready with a store that hangs")
			}
			if took := time.Since(start); took >= time.Second {
				t.Errorf("a probe took %v", took)
			}
		}
		if got := asked.Load(); got != 1 {
			t.Errorf("%d calls hang in the store, want 1", got)
		}
		gone, leave := context.WithCancel(t.Context())
		leave()
		if h.State(gone).Ready {
			t.Error("ready for a client that is gone")
		}
		close(release)
		synctest.Wait()
		if !h.State(t.Context()).Ready {
			t.Error("not ready when the store is back")
		}
	})
}
