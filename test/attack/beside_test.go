package attack

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"muster/topics"
)

// healthyDevices check in over TLS, each healthyPace after the last time: 200 check-ins a second in all.
const (
	healthyDevices = 40
	healthyPace    = 200 * time.Millisecond
)

// healthy are devices that check in all the time, and how long the answers take.
type healthy struct {
	stop chan struct{}
	wg   sync.WaitGroup
	mu   sync.Mutex
	took []time.Duration
	lost []string
}

func newHealthy(s *site) *healthy {
	s.t.Helper()
	h := &healthy{stop: make(chan struct{})}
	for i := range healthyDevices {
		name := fmt.Sprintf("healthy-%d", i)
		w, got := s.connect(overTLS, hello{identity: s.enrolled(name, "shops"), id: name})
		if got == accepted {
			got = w.subscribe(topics.DefaultRoot.Topic(topics.DeviceReply, name))
		}
		if got != accepted {
			s.t.Fatalf("%s: %s", name, got)
		}
		h.wg.Go(func() {
			// Not all at once.
			h.pause(healthyPace * time.Duration(i) / healthyDevices)
			if err := h.checkIn(w, name); err != nil {
				h.mu.Lock()
				h.lost = append(h.lost, name+": "+err.Error())
				h.mu.Unlock()
			}
		})
		s.t.Cleanup(func() { _ = w.Close() })
	}
	s.t.Cleanup(func() {
		close(h.stop)
		h.wg.Wait()
		if len(h.lost) > 0 {
			s.t.Errorf("healthy devices were disturbed: %v", h.lost)
		}
	})
	return h
}

func (h *healthy) pause(d time.Duration) (goOn bool) {
	select {
	case <-h.stop:
		return false
	case <-time.After(d):
		return true
	}
}

// checkIn does so again and again until the test ends, or an answer is missing.
func (h *healthy) checkIn(w *wire, name string) error {
	for seq := int64(1); h.pause(healthyPace); seq++ {
		payload, err := topics.CheckinRequest{RequestID: fmt.Sprint(seq), DeviceGroup: "shops", Boot: "b", Seq: seq}.Encode()
		if err != nil {
			return err
		}
		began := time.Now()
		if err := w.send(&packets.Publish{Topic: topics.DefaultRoot.Topic(topics.DeviceCheckin, name), Payload: payload, Properties: &packets.Properties{}}); err != nil {
			return err
		}
		_ = w.SetReadDeadline(time.Now().Add(patience))
		for {
			p, err := packets.ReadPacket(w.in)
			if err != nil {
				return err
			}
			if _, ok := p.Content.(*packets.Publish); ok {
				break
			}
		}
		h.mu.Lock()
		h.took = append(h.took, time.Since(began))
		h.mu.Unlock()
	}
	return nil
}

// p99 is how long all but one in a hundred of the check-ins took that were answered in the window.
func (h *healthy) p99(t *testing.T, window time.Duration) time.Duration {
	t.Helper()
	h.mu.Lock()
	h.took = nil
	h.mu.Unlock()
	time.Sleep(window) // this is what is measured, and no wait for anything
	h.mu.Lock()
	took := h.took
	h.took = nil
	h.mu.Unlock()
	if want := int(window / healthyPace * healthyDevices / 2); len(took) < want {
		t.Errorf("%d check-ins in %v, want at least %d", len(took), window, want)
	}
	if len(took) == 0 {
		return window
	}
	slices.Sort(took)
	return took[len(took)*99/100]
}
