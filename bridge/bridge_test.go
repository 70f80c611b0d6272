package bridge_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"muster/bridge"
	"muster/bridge/spool"
)

// A sink keeps what it is given, and fails as long as err is set.
type sink struct {
	name string

	mu      sync.Mutex
	err     error
	batches []int // sizes, those that failed included
	seqs    []int64
	changed chan struct{}
}

func newSink(name string, err error) *sink {
	return &sink{name: name, err: err, changed: make(chan struct{})}
}

func (s *sink) Name() string { return s.name }

func (s *sink) Write(_ context.Context, batch []bridge.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.changed)
	s.changed = make(chan struct{})
	s.batches = append(s.batches, len(batch))
	if s.err != nil {
		return s.err
	}
	for _, r := range batch {
		s.seqs = append(s.seqs, r.Seq)
	}
	return nil
}

func (s *sink) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

// await waits until the sink's state is as wanted.
func (s *sink) await(t *testing.T, what string, is func() bool) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	for {
		s.mu.Lock()
		ok, changed := is(), s.changed
		s.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("never: %s", what)
		}
	}
}

type rig struct {
	*bridge.Bridge
	spool *spool.Spool
	stop  func() error
}

func run(t *testing.T, o bridge.Options) rig {
	t.Helper()
	var names []string
	for _, s := range o.Sinks {
		names = append(names, s.Name())
	}
	kept, err := spool.Open(spool.Options{Path: filepath.Join(t.TempDir(), "spool"), Sinks: names})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = kept.Close() })
	o.Spool = kept
	b := bridge.New(o)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	stop := sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	t.Cleanup(func() { _ = stop() })
	return rig{b, kept, stop}
}

func numbered(n int64) bridge.Record {
	return bridge.Read("muster/v1/devices/d1/report", "d1", fmt.Appendf(nil, `{"seq":%d}`, n), time.Now())
}

// A sink that is down holds up no other, and gets everything in order when it is back.
func TestSinksAreIndependent(t *testing.T) {
	up, down := newSink("store", nil), newSink("kafka", errors.New("no leader"))
	b := run(t, bridge.Options{Sinks: []bridge.Sink{up, down}})
	var want []int64
	for n := range int64(20) {
		if err := b.Take(t.Context(), numbered(n)); err != nil {
			t.Fatal(err)
		}
		want = append(want, n)
	}
	up.await(t, "the sink that is up has all", func() bool { return len(up.seqs) == 20 })
	down.await(t, "the other is tried", func() bool { return len(down.batches) > 0 })
	stats := b.Stats()
	if got := stats.Spool.Sinks["kafka"].Records; got != 20 {
		t.Errorf("%d records are left for the sink that is down, want 20", got)
	}
	down.fail(nil)
	down.await(t, "the sink that was down has all", func() bool { return len(down.seqs) == 20 })
	if diff := cmp.Diff(want, down.seqs); diff != "" {
		t.Errorf("kafka (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, up.seqs); diff != "" {
		t.Errorf("store (-want +got):\n%s", diff)
	}
	if err := b.stop(); err != nil {
		t.Error(err)
	}
	stats = b.Stats()
	if stats.Taken != 20 || stats.Sinks["kafka"].Written != 20 || stats.Sinks["kafka"].Retries == 0 || stats.Sinks["kafka"].Failing != "" {
		t.Errorf("the counts are %+v", stats)
	}
}

// What is spooled is written before the bridge ends, as far as the sink takes it.
func TestDrain(t *testing.T) {
	up, down := newSink("store", nil), newSink("kafka", errors.New("no leader"))
	b := run(t, bridge.Options{Sinks: []bridge.Sink{up, down}})
	for n := range int64(10) {
		if err := b.Take(t.Context(), numbered(n)); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.stop(); err != nil {
		t.Error(err)
	}
	if len(up.seqs) != 10 {
		t.Errorf("%d of 10 were written", len(up.seqs))
	}
	if left := b.Stats().Spool.Sinks["kafka"].Records; left != 10 {
		t.Errorf("%d of 10 are left for the sink that is down", left)
	}
}

// sorting is a sink that leaves everything out.
type sorting struct{ *sink }

func (s sorting) LeftOut() map[string]int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return map[string]int64{"all": int64(len(s.seqs))}
}

func TestStatsOfASorter(t *testing.T) {
	s := sorting{newSink("store", nil)}
	b := run(t, bridge.Options{Sinks: []bridge.Sink{s, newSink("kafka", nil)}})
	if err := b.Take(t.Context(), numbered(1)); err != nil {
		t.Fatal(err)
	}
	s.await(t, "it is written", func() bool { return len(s.seqs) == 1 })
	sinks := b.Stats().Sinks
	if diff := cmp.Diff(map[string]int64{"all": 1}, sinks["store"].LeftOut); diff != "" || sinks["kafka"].LeftOut != nil {
		t.Errorf("(-want +got):\n%s, and of the other %v", diff, sinks["kafka"].LeftOut)
	}
}

func TestOfferRefusesWhatIsNoReport(t *testing.T) {
	s := newSink("store", nil)
	b := run(t, bridge.Options{Sinks: []bridge.Sink{s}})
	bad := bridge.Read("muster/v1/devices/d1/report", "d1", []byte(`[]`), time.Now())
	var flaw *bridge.FlawError
	if err := b.Offer(t.Context(), bad); !errors.As(err, &flaw) || flaw.Flaw != bad.Flaw {
		t.Errorf("offered, it is %v", err)
	}
	if err := b.Take(t.Context(), bad); err != nil {
		t.Error(err)
	}
	if err := b.Offer(t.Context(), numbered(1)); err != nil {
		t.Error(err)
	}
	s.await(t, "both are there", func() bool { return len(s.seqs) == 2 })
	got := b.Stats()
	if got.Taken != 2 || got.Flawed != 1 || got.RefusedFlawed != 1 || got.RefusedFull != 0 {
		t.Errorf("the counts are %+v", got)
	}
}

// A sink that fails is given smaller batches, so that one which is slow gets on.
func TestBatchesShrink(t *testing.T) {
	s := newSink("store", errors.New("too slow"))
	b := run(t, bridge.Options{Sinks: []bridge.Sink{s}})
	var records []bridge.Record
	for n := range int64(8) {
		records = append(records, numbered(n))
	}
	if err := b.Take(t.Context(), records...); err != nil {
		t.Fatal(err)
	}
	s.await(t, "it is tried three times", func() bool { return len(s.batches) >= 3 })
	s.fail(nil)
	s.await(t, "all are there", func() bool { return len(s.seqs) == 8 })
	if diff := cmp.Diff([]int{8, 4, 2}, s.batches[:3]); diff != "" {
		t.Errorf("batches (-want +got):\n%s", diff)
	}
}
