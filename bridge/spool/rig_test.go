package spool_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"muster/bridge"
	"muster/bridge/spool"
)

// start is when the tests' records were received.
var start = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// report is the nth of a device.
func report(device string, n int64) bridge.Record {
	payload := fmt.Appendf(nil, `{"boot":"b","seq":%d}`, n)
	return bridge.Read("muster/v1/devices/"+device+"/report", device, payload, start.Add(time.Duration(n)*time.Second))
}

func pathIn(t *testing.T) string { return filepath.Join(t.TempDir(), "bridge", "reports.spool") }

func openAt(t *testing.T, path string, sinks ...string) *spool.Spool {
	t.Helper()
	return openWith(t, spool.Options{Path: path, Sinks: sinks})
}

func openWith(t *testing.T, o spool.Options) *spool.Spool {
	t.Helper()
	s, err := spool.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func appendAll(t *testing.T, s *spool.Spool, records ...bridge.Record) {
	t.Helper()
	if err := s.Append(t.Context(), records...); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, s *spool.Spool, sink string, limit int) []bridge.Record {
	t.Helper()
	batch, err := s.Read(sink, limit)
	if err != nil {
		t.Fatal(err)
	}
	return batch
}

func offsets(batch []bridge.Record) []uint64 {
	got := []uint64{}
	for _, r := range batch {
		got = append(got, r.Offset)
	}
	return got
}

// eventually waits for a condition that the spool's writer makes true.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-ctx.Done():
			t.Fatalf("never: %s", what)
		case <-tick.C:
		}
	}
}

func textLog(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }
