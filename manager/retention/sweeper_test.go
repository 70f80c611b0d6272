package retention_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"muster/manager/retention"
	"muster/manager/store"
)

// fake reports are as many as there are, of the second of their number.
type fake struct {
	store.Reports
	seconds []int64
	calls   int
	largest int
	// slow is how long it takes each time.
	slow time.Duration
	// failure is what it fails with until a time.
	failure error
	until   time.Time
}

func (f *fake) Expire(ctx context.Context, before time.Time, limit int) (int, error) {
	f.calls++
	f.largest = max(f.largest, limit)
	time.Sleep(f.slow)
	if time.Now().Before(f.until) {
		return 0, f.failure
	}
	removed := 0
	for len(f.seconds) > 0 && f.seconds[0] < before.Unix() && removed < limit {
		f.seconds, removed = f.seconds[1:], removed+1
	}
	return removed, ctx.Err()
}

// sweep runs a sweeper for that long.
func sweep(t *testing.T, f *fake, ttl, span time.Duration) (log string) {
	t.Helper()
	var text strings.Builder
	ctx, cancel := context.WithTimeout(t.Context(), span)
	defer cancel()
	retention.New(f, ttl, slog.New(slog.NewTextHandler(&text, nil))).Run(ctx)
	return text.String()
}

func TestSweep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now().Unix()
		f := &fake{}
		for second := now - 5000; second <= now; second++ {
			f.seconds = append(f.seconds, second)
		}
		sweep(t, f, time.Hour, time.Second)
		if len(f.seconds) != 3601 || f.seconds[0] != now-3600 {
			t.Errorf("%d are left, want those of the last hour", len(f.seconds))
		}
		if f.largest > 1000 {
			t.Errorf("%d are removed at a time, which stalls whoever writes", f.largest)
		}
		calls := f.calls
		sweep(t, f, time.Hour, 10*time.Minute)
		if oldest := time.Since(time.Unix(f.seconds[0], 0)); oldest > time.Hour+16*time.Second {
			t.Errorf("after ten minutes one of %v ago is left", oldest)
		}
		if more := f.calls - calls; more < 40 || more > 121 {
			t.Errorf("it was looked %d times in ten minutes", more)
		}
	})
}

// TestSweepLeavesTime has a slow store with much to remove.
func TestSweepLeavesTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{seconds: make([]int64, 1_000_000), slow: 40 * time.Millisecond}
		sweep(t, f, time.Hour, 8*time.Second)
		if f.calls < 98 || f.calls > 102 {
			t.Errorf("%d calls of 40 ms in 8 s, want that half of the time is left to others", f.calls)
		}
	})
}

func TestSweepGoesOnAfterFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{seconds: []int64{1}, failure: errors.New("the disk is full"), until: time.Now().Add(time.Minute)}
		log := sweep(t, f, time.Hour, 2*time.Minute)
		if len(f.seconds) != 0 {
			t.Error("nothing was removed after the store was well again")
		}
		if strings.Count(log, "cannot be removed") != 1 || strings.Count(log, "removed again") != 1 || !strings.Contains(log, "the disk is full") {
			t.Errorf("log:\n%s", log)
		}
		if f.calls > 30 {
			t.Errorf("%d calls in two minutes", f.calls)
		}
	})
}

// It ends with its context, also while there is more and more to remove.
func TestSweepEnds(t *testing.T) {
	f := &endless{}
	ctx, cancel := context.WithCancel(t.Context())
	f.cancel = cancel
	retention.New(f, time.Hour, slog.New(slog.DiscardHandler)).Run(ctx)
	if f.calls != 3 {
		t.Errorf("%d calls, it was told to stop in the third", f.calls)
	}
}

type endless struct {
	store.Reports
	calls  int
	cancel func()
}

func (e *endless) Expire(_ context.Context, _ time.Time, limit int) (int, error) {
	if e.calls++; e.calls == 3 {
		e.cancel()
	}
	return limit, nil
}
