package mqtt

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"muster/broker/client"
)

// While the spool takes nothing, reports of QoS 0 are dropped and counted; others hold up those behind them.
func TestFullQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := options(t, "mqtt://127.0.0.1:1", "b", &spool{})
		o.ReceiveMaximum = 2
		s, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		m := client.Message{Topic: "muster/v1/devices/d1/report", Payload: []byte("{}")}
		for range 5 {
			s.receive(ctx, m, func() {})
		}
		if len(s.queue) != 2 || s.Stats().Dropped != 3 {
			t.Errorf("%d wait and %d are dropped, want 2 and 3", len(s.queue), s.Stats().Dropped)
		}
		m.QoS = 1
		let := make(chan bool, 1)
		go func() {
			s.receive(ctx, m, func() {})
			let <- true
		}()
		time.Sleep(time.Hour)
		if len(let) > 0 {
			t.Error("a report of QoS 1 is let go although there is no room")
		}
		<-s.queue
		synctest.Wait()
		if len(let) == 0 || len(s.queue) != 2 {
			t.Errorf("%d let go, %d wait: there is room", len(let), len(s.queue))
		}
	})
}

// Unless told otherwise the broker keeps the session for a week, and at most 1000 reports are in memory.
func TestDefaults(t *testing.T) {
	s, err := New(options(t, "mqtt://127.0.0.1:1", "b", &spool{}))
	if err != nil {
		t.Fatal(err)
	}
	if s.o.Expiry != 7*24*time.Hour || s.o.ReceiveMaximum != 1000 || cap(s.queue) != 1000 {
		t.Errorf("expiry %v, receive maximum %d, queue of %d", s.o.Expiry, s.o.ReceiveMaximum, cap(s.queue))
	}
}
