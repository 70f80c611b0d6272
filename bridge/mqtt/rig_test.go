package mqtt

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"muster/bridge"
	"muster/broker/client"
	"muster/broker/client/network"
	"muster/broker/client/network/networktest"
)

// patience is how long anything may take.
const patience = 30 * time.Second

// A spool keeps what it takes in memory, and takes nothing while err says so.
type spool struct {
	mu      sync.Mutex
	err     error
	records []bridge.Record
	offered int
}

func (s *spool) take(_ context.Context, records ...bridge.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offered++
	if s.err == nil {
		s.records = append(s.records, records...)
	}
	return s.err
}

func (s *spool) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

// payloads are those of the device, in order and without repetitions.
func (s *spool) payloads(device string) (all []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := map[string]bool{}
	for _, r := range s.records {
		if r.Device == device && !seen[string(r.Payload)] {
			seen[string(r.Payload)] = true
			all = append(all, string(r.Payload))
		}
	}
	return all
}

func (s *spool) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.records)
}

// options are those of a bridge of that name for tests.
func options(t testing.TB, url, name string, s *spool) Options {
	return Options{
		Broker: network.Options{URL: url, Backoff: network.Backoff{Min: 5 * time.Millisecond, Max: 50 * time.Millisecond}},
		Name:   name, Instance: name + "-1", Agent: "test", Take: s.take,
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
}

// run starts a source, and returns what ends it.
func run(t testing.TB, o Options) (*Source, func()) {
	t.Helper()
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return s, stop
}

func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("not in time: ", what)
		}
	}
}

func connected(t testing.TB, s *Source) {
	t.Helper()
	eventually(t, "the bridge has its session", func() bool { return s.Stats().Connected })
}

// A device publishes numbered reports.
type device struct {
	t    *testing.T
	name string
	bus  client.Client
	seq  int
}

func newDevice(t *testing.T, url, name string) *device {
	bus := networktest.Dial(t, network.Options{URL: url, ClientID: name})
	return &device{t: t, name: name, bus: bus}
}

// report publishes n more reports and returns when the broker has them.
func (d *device) report(n int) {
	d.t.Helper()
	for range n {
		d.seq++
		m := client.Message{Topic: "muster/v1/devices/" + d.name + "/report", Payload: []byte(numbered(d.seq)), QoS: 1}
		eventually(d.t, "the broker takes a report", func() bool { return d.bus.Publish(d.t.Context(), m) == nil })
	}
}

func numbered(seq int) string { return fmt.Sprintf(`{"seq":%d}`, seq) }

// want fails unless the spool has all of the device's reports, in order.
func (d *device) want(s *spool) {
	d.t.Helper()
	eventually(d.t, "all reports are spooled", func() bool { return len(s.payloads(d.name)) >= d.seq })
	var all []string
	for seq := range d.seq {
		all = append(all, numbered(seq+1))
	}
	if got := s.payloads(d.name); strings.Join(got, " ") != strings.Join(all, " ") {
		d.t.Errorf("%s: spooled %v, want %d in order", d.name, got, d.seq)
	}
}
