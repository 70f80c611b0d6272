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

// forget begins a new measurement.
func (h *healthy) forget() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.took = nil
}

// p99 is how long all but one in a hundred of the check-ins took that were answered in the window, which is over.
func (h *healthy) p99(t *testing.T, window time.Duration) time.Duration {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.took) == 0 {
		t.Errorf("no check-in was answered in %v", window)
		return window
	}
	slices.Sort(h.took)
	return h.took[len(h.took)*99/100]
}

// A sample is what was measured in one window: of the manager that is attacked, and of one beside it that is not.
type sample struct{ attacked, other time.Duration }

// worse is how many times as long the attacked one took. All else that keeps the machine busy, the attackers themselves included,
// makes both slower.
func (m sample) worse() float64 { return float64(m.attacked) / float64(m.other) }

// measure looks at both for as long as the window.
func measure(t *testing.T, window time.Duration, attacked, other *healthy) sample {
	t.Helper()
	attacked.forget()
	other.forget()
	time.Sleep(window) // this is what is measured, and no wait for anything
	return sample{attacked.p99(t, window), other.p99(t, window)}
}
