package mqtt

import (
	"context"
	"testing"
	"time"

	"muster/bridge"
	"muster/broker/client"
	"muster/broker/client/clienttest"
	"muster/test/rig"
)

func TestReportsComeWhileTheBridgeIsAway(t *testing.T) {
	b := rig.Mosquitto(t, rig.MosquittoOptions{})
	kept := &spool{}
	s, stop := run(t, options(t, b.URL(), "b", kept))
	connected(t, s)
	d := newDevice(t, b.URL(), "d1")
	d.report(3)
	d.want(kept)
	stop()
	d.report(5)
	s, _ = run(t, options(t, b.URL(), "b", kept))
	d.want(kept)
	if got := s.Stats(); got.Lost != 0 || got.Taken != 5 {
		t.Errorf("after the second start %+v, want 5 taken and no session lost", got)
	}
}

// What the spool has no room for is not acknowledged, waits, and keeps its order.
func TestFullSpool(t *testing.T) {
	b := rig.Mosquitto(t, rig.MosquittoOptions{})
	kept := &spool{err: bridge.ErrFull}
	o := options(t, b.URL(), "b", kept)
	o.ReceiveMaximum = 10
	s, stop := run(t, o)
	connected(t, s)
	d := newDevice(t, b.URL(), "d1")
	d.report(100)
	eventually(t, "the spool was asked more than once", func() bool {
		kept.mu.Lock()
		defer kept.mu.Unlock()
		return kept.offered > 2
	})
	if got := s.Stats(); got.Taken != 0 || !got.Waiting {
		t.Errorf("%+v while the spool is full", got)
	}
	stop() // nothing was acknowledged, so all of it comes again
	s, _ = run(t, o)
	connected(t, s)
	d.report(20)
	kept.fail(nil)
	d.want(kept)
	eventually(t, "the waiting is over", func() bool { return !s.Stats().Waiting })
}

// What is no report goes on with its flaw, whatever its topic, and what is not kept by anybody is not either.
func TestOddMessages(t *testing.T) {
	b := rig.Mosquitto(t, rig.MosquittoOptions{})
	kept := &spool{}
	bus := newDevice(t, b.URL(), "odd").bus
	publish := func(topic, payload string, qos byte, retain bool) {
		m := client.Message{Topic: "muster/v1/devices/" + topic + "/report", Payload: []byte(payload), QoS: qos, Retain: retain}
		eventually(t, "published", func() bool { return bus.Publish(t.Context(), m) == nil })
	}
	publish("old", `{"seq":1}`, 1, true)
	s, _ := run(t, options(t, b.URL(), "b", kept))
	connected(t, s)
	publish("d1", `{"seq":1}`, 0, false)
	publish("d1", `{"seq":2}`, 1, true)
	publish("d2", `no report`, 1, false)
	publish("d3", `{"device":"d4"}`, 1, false)
	publish("a b", `{}`, 1, false)
	publish("last", `{}`, 1, false)
	eventually(t, "the last report is there", func() bool { return len(kept.payloads("last")) > 0 })
	want := map[string]string{
		"d1": "", "d2": "the payload must be a JSON object", "d3": `device: must be "d3" as in the topic, or left out, is "d4"`,
		"a b": `not a topic of this installation: "muster/v1/devices/a b/report": invalid name: may only contain letters, digits, '_' and '-'`, "last": "",
	}
	for _, r := range kept.records {
		flaw, there := want[r.Device]
		if !there || r.Flaw != flaw {
			t.Errorf("%q has the flaw %q, want %q", r.Device, r.Flaw, flaw)
		}
	}
	if len(kept.records) != 6 {
		t.Errorf("%d records, want 6", len(kept.records))
	}
}

// A connection that is cut again and again costs repetitions, and no report.
func TestCuts(t *testing.T) {
	b := rig.Mosquitto(t, rig.MosquittoOptions{})
	proxy := clienttest.NewProxy(t, b.URL())
	kept := &spool{}
	s, _ := run(t, options(t, proxy.URL(), "b", kept))
	connected(t, s)
	d := newDevice(t, b.URL(), "d1")
	for range 10 {
		d.report(20)
		proxy.Cut()
	}
	d.want(kept)
	if got := s.Stats(); got.Lost != 0 {
		t.Errorf("%+v: no session was lost", got)
	}
	t.Logf("%d repetitions", kept.count()-d.seq)
}

// A broker that forgets everything is noticed.
func TestLostSession(t *testing.T) {
	b := rig.Mosquitto(t, rig.MosquittoOptions{})
	kept := &spool{}
	s, _ := run(t, options(t, b.URL(), "b", kept))
	connected(t, s)
	b.Stop()
	b.Start()
	eventually(t, "the loss is counted", func() bool { return s.Stats().Lost == 1 })
	d := newDevice(t, b.URL(), "d1")
	d.report(3)
	d.want(kept)
}

// Of two bridges of one name one has the session, the other takes its place at once, and no report is spooled twice.
func TestBridgesOfOneNameTakeTurns(t *testing.T) {
	b := rig.Mosquitto(t, rig.MosquittoOptions{})
	var kept [2]*spool
	var sources [2]*Source
	var stops [2]func()
	for i := range 2 {
		kept[i] = &spool{}
		o := options(t, b.URL(), "b", kept[i])
		o.Instance = []string{"one", "two"}[i]
		sources[i], stops[i] = run(t, o)
		eventually(t, "it has its place", func() bool { return sources[i].Stats().Connected || sources[i].Stats().Standby })
	}
	if first, second := sources[0].Stats(), sources[1].Stats(); !first.Connected || second.Connected {
		t.Fatalf("first %+v, second %+v", first, second)
	}
	d := newDevice(t, b.URL(), "d1")
	d.report(10)
	d.want(kept[0])
	stops[0]()
	d.report(10)
	before := time.Now()
	connected(t, sources[1])
	if took := time.Since(before); took > 5*time.Second {
		t.Errorf("the other took over after %v", took)
	}
	eventually(t, "the other has the rest", func() bool { return kept[1].count() == 10 })
	if n := kept[0].count(); n != 10 {
		t.Errorf("the first took %d, want 10", n)
	}
}

// A bridge whose session another client takes stands by, and takes its turn when that one has gone without a word.
func TestTakenOver(t *testing.T) {
	b := rig.Mosquitto(t, rig.MosquittoOptions{})
	kept := &spool{}
	o := options(t, b.URL(), "b", kept)
	s, _ := run(t, o)
	connected(t, s)
	o.Instance = "other"
	proxy := clienttest.NewProxy(t, b.URL())
	o.Broker.URL = proxy.URL()
	other, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- other.serve(ctx) }() // does not wait for its turn
	eventually(t, "the first stands by", func() bool { return other.Stats().Connected && s.Stats().Standby })
	d := newDevice(t, b.URL(), "d1")
	d.report(5)
	d.want(kept)
	stop()
	proxy.Cut() // before or in its goodbye
	if err := <-served; err != nil {
		t.Error(err)
	}
	connected(t, s)
	d.report(5)
	d.want(kept)
	eventually(t, "the first has counted what it took", func() bool { return s.Stats().Taken >= 5 })
}
