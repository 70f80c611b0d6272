package bridge_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"muster/bridge"
)

// hanging is a sink whose first write never ends by itself.
type hanging struct{ *sink }

func (h hanging) Write(ctx context.Context, batch []bridge.Record) error {
	h.mu.Lock()
	first := len(h.batches) == 0
	h.mu.Unlock()
	if first {
		h.mu.Lock()
		h.batches = append(h.batches, len(batch))
		h.mu.Unlock()
		<-ctx.Done()
		return ctx.Err()
	}
	return h.sink.Write(ctx, batch)
}

// A sink that hangs is asked again.
func TestHangingSink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := hanging{newSink("store", nil)}
		b := run(t, bridge.Options{Sinks: []bridge.Sink{s}, WriteTimeout: 10 * time.Second})
		began := time.Now()
		if err := b.Take(t.Context(), numbered(1)); err != nil {
			t.Fatal(err)
		}
		s.await(t, "it is written", func() bool { return len(s.seqs) == 1 })
		if took := time.Since(began); took < 10*time.Second || took > 20*time.Second {
			t.Errorf("it was asked again after %v", took)
		}
		if err := b.stop(); err != nil {
			t.Error(err)
		}
		if err := b.spool.Close(); err != nil {
			t.Error(err)
		}
	})
}

// When the bridge ends, a sink that hangs holds it up for the options' Drain and no longer.
func TestDrainOfAHangingSink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := hanging{newSink("store", nil)}
		b := run(t, bridge.Options{Sinks: []bridge.Sink{s}, Drain: 3 * time.Second})
		if err := b.Take(t.Context(), numbered(1)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		began := time.Now()
		if err := b.stop(); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("it took %v to end", took)
		}
		if left := b.Stats().Spool.Records; left != 1 {
			t.Errorf("%d records are left, want the one that was not written", left)
		}
		if err := b.spool.Close(); err != nil {
			t.Error(err)
		}
	})
}

// brokenSpool is one whose disk has failed.
type brokenSpool struct {
	bridge.Spool
	err error
}

func (s brokenSpool) Read(string, int) ([]bridge.Record, error) { return nil, s.err }

func (s brokenSpool) Append(context.Context, ...bridge.Record) error { return s.err }

func (s brokenSpool) Stats() bridge.SpoolStats { return bridge.SpoolStats{} }

// What there is no room for is counted, and nothing else that is not taken.
func TestRefusalsAreCounted(t *testing.T) {
	for err, want := range map[error]int64{bridge.ErrFull: 2, context.DeadlineExceeded: 0} {
		b := bridge.New(bridge.Options{Spool: brokenSpool{err: err}})
		if got := b.Take(t.Context(), numbered(1), numbered(2)); !errors.Is(got, err) {
			t.Errorf("Take returned %v, want %v", got, err)
		}
		if got := b.Stats(); got.RefusedFull != want || got.Taken != 0 {
			t.Errorf("after %v the counts are %+v", err, got)
		}
	}
}

// A bridge whose spool can be used no more says so, and ends.
func TestRunEndsWithTheSpool(t *testing.T) {
	broken := brokenSpool{err: errors.New("input/output error")}
	b := bridge.New(bridge.Options{Spool: broken, Sinks: []bridge.Sink{newSink("store", nil)}})
	if err := b.Run(t.Context()); !errors.Is(err, broken.err) {
		t.Errorf("Run returned %v", err)
	}
}
